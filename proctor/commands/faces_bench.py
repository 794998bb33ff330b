"""``proctor bench faces``: what looking at one student costs, beside the library alone."""

import random
from concurrent.futures import Future
from pathlib import Path
from time import thread_time
from typing import Annotated, Any

import typer

from proctor.analysis import face
from proctor.analysis.scene import Scene
from proctor.commands.evaluate import pool
from proctor.commands.evaluate.figures import AsJson, fail, show
from proctor.identity.checks import FaceIdentity, ProbePlan
from proctor.inference import Looks, timed
from proctor.inference.pool import InferencePool
from proctor.observations import NotAssessed

# long enough that every slow clock strikes at its own rate
_SECONDS = 120


def faces(
    video: Annotated[Path, typer.Option(help="A film of one person at a webcam.")],
    as_json: AsJson = False,
) -> None:
    """CPU time of the face cascade at one frame a second, beside face_recognition's own path.

    Two minutes are played from frames of the film; both see each frame in turn, in worker
    processes of their own. Decoding, and what the service itself makes of the findings, count for
    the cascade and not for face_recognition.
    """
    with pool.opened("opencv", 1) as cascade, pool.opened("dlib", 1) as library:
        frames = _answer(library.submit(timed.keyframes, video, _SECONDS))
        shown = [frames[second % len(frames)] for second in range(_SECONDS)]
        spent, alone = _play(cascade, library, shown)
        rss_mb = _answer(cascade.submit(timed.resident_mb))
    show(
        {
            "cascade_cpu_ms": spent,
            "face_recognition_cpu_ms": alone,
            "ratio": alone / spent,
            "students_per_core": 1000 / spent,
            "rss_mb": rss_mb,
            "frames": len(shown),
        },
        as_json=as_json,
    )


def _play(
    cascade: InferencePool, library: InferencePool, frames: list[bytes]
) -> tuple[float, float]:
    """Mean CPU milliseconds a frame, of the cascade and of face_recognition."""
    _, first = _answer(cascade.submit(timed.time_frame, frames[0], Looks(embed=True)))
    _answer(library.submit(timed.time_face_recognition, frames[0]))
    if not first.faces or first.faces[0].template is None:
        raise fail("the film's first frame shows no face")
    identity = FaceIdentity(cascade.comparison, first.faces[0].template)
    plan, scene, jitter = ProbePlan(), Scene(), random.Random(0)
    spent = alone = 0.0
    for second, frame in enumerate(frames):
        due = plan.wants_probe(second)
        looks = scene.due(float(second), embed=due, load=0.0)
        cost, seen = _answer(cascade.submit(timed.time_frame, frame, looks))
        began = thread_time()
        face.observe(
            seen, identity, plan, scene, probe_due=due, at_s=float(second), jitter=jitter.random()
        )
        spent += cost + (thread_time() - began) * 1000
        alone += _answer(library.submit(timed.time_face_recognition, frame))
    return spent / len(frames), alone / len(frames)


def _answer(asked: Future[Any]) -> Any:
    found = asked.result()
    if isinstance(found, NotAssessed):
        raise fail(f"not assessed: {found.reason}")
    return found

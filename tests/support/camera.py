"""A camera of a sitting whose looks are made up: what a worker would say of each second."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from biometrics.comparison import FaceComparison
from biometrics.types import Box, Gaze, Quality, Template
from proctor.exams.thresholds import ExamRules
from proctor.identity.checks import FaceIdentity
from proctor.incidents.replay import incidents_under
from proctor.inference import FaceFinding, FrameAssessment, Looks
from proctor.inference.opened import face_comparison
from proctor.live.faces import FaceWatch, Look
from proctor.media.frames import EncodedFrame
from proctor.observations import NotAssessed, Observation, Track

COMPARISON = face_comparison("opencv")
GOOD = Quality(120.0, 50.0, 100.0, covered=False, dark=False, blurred=False)
FACE = Box(220, 140, 160, 200)
AHEAD = Gaze(0.0, 0.0, 0.5)

Seen = FrameAssessment | NotAssessed
#: what the second of an exam shows, when the given looks are due
Shows = Callable[[float, Looks], Seen]


def face(cosine_to_reference: float, noise: int = 1) -> Template:
    """A template so near to ``REFERENCE``, aside of it in the direction *noise*."""
    vector = np.zeros(128, np.float32)
    vector[0], vector[noise] = cosine_to_reference, np.sqrt(1 - cosine_to_reference**2)
    return Template(COMPARISON.model_id, vector)


REFERENCE = face(1.0)


def picture(
    at_s: float, looks: Looks, cosine: float = 0.8, box: Box = FACE, **more: object
) -> FrameAssessment:
    """One person of *cosine* to the reference, looking ahead, alone in a lit room that is alive."""
    found = FaceFinding(box, 0.9, False, face(cosine) if looks.embed else None)
    made = FrameAssessment(
        width=640,
        height=480,
        quality=GOOD,
        faces=(found,),
        model_ids=(COMPARISON.model_id,),
        fingerprint=np.random.default_rng(int(10 * at_s)).bytes(768),
        far_faces=0 if looks.far else None,
        gaze=AHEAD if looks.gaze else None,
        things=() if looks.things else None,
    )
    return replace(made, **more)  # type: ignore[arg-type]


class Played:
    """In the place of the inference pool. ``asked``: the looks that each second was due for."""

    load = 0.0

    def __init__(self, shows: Shows) -> None:
        self.comparison: FaceComparison = COMPARISON
        self.asked: list[Looks] = []
        self._shows = shows
        self.at_s = 0.0

    async def assess_frame(self, codec: str, data: bytes, looks: Looks) -> Seen:
        self.asked.append(looks)
        return self._shows(self.at_s, looks)


@dataclass(frozen=True)
class Watched:
    """What a camera's film came to. ``opened``: kind, second it opened, and its reason."""

    looks: tuple[Look, ...]
    items: tuple[Observation | NotAssessed, ...]
    asked: tuple[Looks, ...]

    @property
    def opened(self) -> list[tuple[str, float, object]]:
        found = incidents_under(ExamRules(), self.items, None)
        return [(each.kind.value, each.opened_s, each.evidence.get("reason")) for each in found]

    @property
    def kinds(self) -> set[str]:
        return {kind for kind, _, _ in self.opened}


async def look_at(watch: FaceWatch, played: Played, at_s: float) -> Look:
    played.at_s = at_s
    return await watch.look(EncodedFrame(Track.CAMERA, "VP8", 0, at_s, True, b""), at_s)


async def watch_film(shows: Shows, seconds: int, every_s: float = 1.0) -> Watched:
    """The film looked at once in *every_s*, through the sitting's own path."""
    played = Played(shows)
    watch = FaceWatch(played, "sitting", FaceIdentity(COMPARISON, REFERENCE))  # type: ignore[arg-type]
    looks = [await look_at(watch, played, n * every_s) for n in range(round(seconds / every_s))]
    items = tuple(item for each in looks for item in each.items)
    return Watched(tuple(looks), items, tuple(played.asked))

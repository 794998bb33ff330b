"""A film of the enrolled person before the camera, seen by the real models."""

import random
from pathlib import Path

import pytest

from proctor.identity.checks import FaceIdentity
from proctor.inference import Looks, timed
from proctor.inference.pool import InferencePool
from proctor.live.faces import FaceWatch
from proctor.media.frames import EncodedFrame
from proctor.observations import Track
from proctor.settings import Settings

pytestmark = pytest.mark.media

FILM = Path("proctor/commands/material/camera_honest.mp4")


async def test_a_film_of_the_same_person_does_not_pass() -> None:
    """The real models see the enrolled person's film again and again, until a person has to."""
    models_dir = Settings().models_dir
    pool = InferencePool(workers=1, models_dir=models_dir, backend="opencv", timeout_s=120.0)
    try:
        shown = pool.submit(timed.keyframes, FILM, 12).result()
        first = await pool.assess_frame("VP8", shown[0], Looks(embed=True))
        reference = first.faces[0].template  # type: ignore[union-attr]
        assert reference is not None
        identity = FaceIdentity(pool.comparison, reference)
        watch = FaceWatch(pool, "sitting", identity, movements=3, chance=random.Random(3))
        asked: set[str | None] = set()
        for second in range(120):
            data = shown[second % len(shown)]
            frame = EncodedFrame(Track.CAMERA, "VP8", 0, float(second), True, data)
            await watch.look(frame, float(second))
            assert not watch.is_established
            if watch.challenge is not None:
                asked.add(watch.challenge.ask)
            if watch.attempts_left == 0:
                break
        assert identity.is_established
        assert watch.attempts_left == 0
        assert len(asked - {None}) >= 1
    finally:
        pool.close()

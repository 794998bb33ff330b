"""What one sitting may put on the disk: far more than its page sends, but not all. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from proctor.media.disk import STUDENT_BYTES_PER_S
from proctor.observations import Track

# of what is kept free for a sitting; encoders that heed no estimate send a few times as much
BYTES_PER_S = 6 * STUDENT_BYTES_PER_S
# a minute of that at once
MOST_BYTES = 60 * BYTES_PER_S
# what is left for the camera when there are no screens any more; recording begins again when
# there is a quarter more
KEPT_BYTES: Mapping[Track, float] = MappingProxyType(
    {Track.SCREEN: MOST_BYTES / 2, Track.CAMERA: 0.0}
)
AGAIN_BYTES = MOST_BYTES / 4


class Budget:
    """Bytes that may be written now: they come back at a steady rate."""

    def __init__(self) -> None:
        self._left = float(MOST_BYTES)
        self._at_s = 0.0
        self._over: set[Track] = set()

    def takes(self, track: Track, size: int, now_s: float) -> bool:
        """Whether *size* bytes of *track* may be written at *now_s*; then they are spent."""
        back = (now_s - self._at_s) * BYTES_PER_S
        self._left, self._at_s = min(MOST_BYTES, self._left + back), now_s
        needed = KEPT_BYTES[track] + size + (AGAIN_BYTES if track in self._over else 0.0)
        if self._left < needed:
            self._over.add(track)
            return False
        self._over.discard(track)
        self._left -= size
        return True

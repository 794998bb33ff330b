"""When a track has fallen silent, and when it is asked for a key frame: pure, told the time."""

from __future__ import annotations

from dataclasses import dataclass

from proctor.media.pace import EXPECTED, Pace
from proctor.observations import Track


@dataclass(frozen=True, slots=True)
class TrackChange:
    """A track fell silent or came back; ``since``: monotonic seconds of its last frame before."""

    track: Track
    is_silent: bool
    since: float


class SilenceWatch:
    """Notices within its limit that no frame of a track arrives any more.

    ``start``: monotonic seconds; a track without any frame is silent since then.
    """

    def __init__(self, start: float) -> None:
        self._last = dict.fromkeys(Track, start)
        self._silent: set[Track] = set()
        self._pace = Pace.FULL

    def expect(self, pace: Pace, now: float) -> None:
        """Expect pictures at *pace* from *now* on, the next ones after what it leaves between."""
        self._pace = pace
        heard = [track for track in Track if track not in self._silent]
        self._last.update(dict.fromkeys(heard, now))

    def saw(self, track: Track, now: float) -> TrackChange | None:
        """Note a frame; a change if the track was silent."""
        since, self._last[track] = self._last[track], now
        if track not in self._silent:
            return None
        self._silent.remove(track)
        return TrackChange(track, is_silent=False, since=since)

    def check(self, now: float) -> list[TrackChange]:
        """Tracks that have just become silent at *now*."""
        limits = EXPECTED[self._pace].silence_s
        fallen = [
            track
            for track, last in self._last.items()
            if track not in self._silent and now - last >= limits[track]
        ]
        self._silent.update(fallen)
        return [TrackChange(track, is_silent=True, since=self._last[track]) for track in fallen]


class KeySchedule:
    """When to ask each track for a key frame: at its interval, on request, and again while lost."""

    def __init__(self) -> None:
        self.pace = Pace.FULL
        self._asked: dict[Track, float] = {}
        self._requested: set[Track] = set()

    def request(self, track: Track) -> None:
        """Ask at the next look, whatever the interval."""
        self._requested.add(track)

    def due(self, track: Track, now: float, *, needs_key: bool, round_trip_s: float) -> bool:
        """Whether to ask *track* now; counts as asked when True.

        ``round_trip_s``: what was asked for is not asked again before it can be here.
        """
        expected = EXPECTED[self.pace]
        interval = expected.key_s[track]
        if needs_key:
            interval = max(expected.retry_s[track], 1.5 * round_trip_s)
        asked = self._asked.get(track)
        if track not in self._requested and asked is not None and now - asked < interval:
            return False
        self._requested.discard(track)
        # a look comes a little late; the next is due as if it had not
        is_regular = not needs_key and asked is not None and interval <= now - asked < 2 * interval
        self._asked[track] = asked + interval if asked is not None and is_regular else now
        return True

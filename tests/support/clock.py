"""A clock that moves only when told to."""

from datetime import datetime, timedelta

from proctor.clock import Clock


class SetClock(Clock):
    """Wall and monotonic time that tests set; both move together."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._at + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    def advance(self, seconds: float) -> None:
        assert seconds >= 0, "time does not go back"
        self._elapsed += seconds

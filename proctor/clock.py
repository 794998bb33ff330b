"""The two clocks of the service: wall time for records, monotonic time for durations."""

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

#: of every time that people read
TIME_ZONE = ZoneInfo("Asia/Almaty")


def written(at: datetime) -> str:
    """*at* as documents of the service write it: in UTC, to the second, 2026-11-05T10:00:00Z."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class Clock:
    """The machine's clocks; tests pass one they can set."""

    def now(self) -> datetime:
        """Wall time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        return time.monotonic()

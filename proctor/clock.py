"""The two clocks of the service: wall time for records, monotonic time for durations."""

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

#: of every time that people read
TIME_ZONE = ZoneInfo("Asia/Almaty")


class Clock:
    """The machine's clocks; tests pass one they can set."""

    def now(self) -> datetime:
        """Wall time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        return time.monotonic()

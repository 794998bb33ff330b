"""The sittings this process holds, and the sweep that ends those whose time is over."""

import asyncio
from datetime import timedelta
from traceback import format_tb

import structlog
from sqlalchemy import and_, or_, select

from proctor.live.leftovers import Leftovers
from proctor.live.loading import Line, load
from proctor.live.sitting import LiveSitting
from proctor.plumbing.rounds import Rounds
from proctor.sittings.tables import Sitting, SittingState

log = structlog.get_logger()

SWEEP_PERIOD_S = 2.0
# one sitting each time
LEFTOVERS_PERIOD_S = 20.0
TELL_DROPPED_S = 600.0
# the page hands in by itself at the end; the sweep is for pages that are gone
HAND_IN_GRACE = timedelta(seconds=5)
# a pause that everybody forgot
LONGEST_PAUSE = timedelta(days=1)


class LiveSittings:
    """The sittings this process holds, and the sweep that ends those whose time is over."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._up_since = line.clock.now()
        self._open: dict[str, LiveSitting] = {}
        self._opening: dict[str, asyncio.Task[LiveSitting]] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        # when the port's drops were told last, and how many there were
        self._told_at, self._told_dropped = line.clock.monotonic(), 0
        self._sweeps: Rounds | None = None
        self._has_promised = False
        self._leftovers = Leftovers(line, self._may_write)
        self._closings: Rounds | None = None

    def begin(self) -> None:
        self._sweeps = Rounds(self._sweep, SWEEP_PERIOD_S, "sweep_failed")
        self._sweeps.begin()
        next_files = self._leftovers.close_next
        self._closings = Rounds(next_files, LEFTOVERS_PERIOD_S, "leftovers_not_closed")
        self._closings.begin()

    async def close(self) -> None:
        """Seal all recordings; running sittings stay running and resume after the restart."""
        if self._closings is not None:
            await self._closings.close()
        if self._sweeps is not None:
            await self._sweeps.drop()
        if under_way := {*self._ending.values(), *self._opening.values(), *self._leaving}:
            await asyncio.wait(under_way)
        self._tell_dropped()
        leaving = (each.leave("server_stopped") for each in self._open.values())
        for left in await asyncio.gather(*leaving, return_exceptions=True):
            if isinstance(left, BaseException):
                _log("sitting_not_left", left)

    async def open(self, sitting_id: str) -> LiveSitting:
        """The live sitting, loaded when this process does not hold it yet."""
        if sitting_id in self._open:
            return self._open[sitting_id]
        # two requests of one page must not make two of it; other pages need not wait for it
        if sitting_id not in self._opening:
            task = asyncio.create_task(self._load(sitting_id))
            self._opening[sitting_id] = task
            task.add_done_callback(lambda _: self._opening.pop(sitting_id))
        return await asyncio.shield(self._opening[sitting_id])

    def held(self, sitting_id: str) -> LiveSitting | None:
        """The live sitting, if this process holds it."""
        return self._open.get(sitting_id)

    def of(self, account_id: str) -> list[LiveSitting]:
        """The live sittings of one person that this process holds."""
        return [live for live in self._open.values() if live.account_id == account_id]

    def is_silent(self, sitting_id: str) -> bool:
        """Whether no browser has been heard of in this sitting lately."""
        live = self._open.get(sitting_id)
        return live is None or live.is_silent

    def _may_write(self, sitting_id: str) -> bool:
        """Whether files of the sitting may be open here; of those that are left no name is kept."""
        is_held = sitting_id in self._open or sitting_id in self._opening
        return is_held or bool(self._leaving)

    async def _load(self, sitting_id: str) -> LiveSitting:
        loaded = await asyncio.to_thread(load, self.line, sitting_id, self._up_since)
        live = LiveSitting(self.line, loaded)
        await live.note_restart(self._up_since)
        self._open[sitting_id] = live
        return live

    async def _sweep(self) -> None:
        if not self._has_promised:
            await asyncio.to_thread(_promise, self.line)
            self._has_promised = True
        for sitting_id in await asyncio.to_thread(_overdue, self.line):
            if sitting_id not in self._ending:
                self._end(sitting_id)
        self._forget()
        for live in self._open.values():
            live.note_what_lasts()
        if self.line.clock.monotonic() - self._told_at >= TELL_DROPPED_S:
            self._tell_dropped()

    def _tell_dropped(self) -> None:
        """What the port of all sittings has dropped until now, when there is more."""
        port = self.line.port
        counts = {**port.dropped, "overflowed": port.overflowed}
        self._told_at = self.line.clock.monotonic()
        if sum(counts.values()) > self._told_dropped:
            self._told_dropped = sum(counts.values())
            log.info("port_dropped", **counts)

    def _end(self, sitting_id: str) -> None:
        task = asyncio.create_task(self._time_over(sitting_id))
        self._ending[sitting_id] = task
        task.add_done_callback(lambda _: self._ending.pop(sitting_id))

    def _forget(self) -> None:
        for sitting_id, live in list(self._open.items()):
            if live.is_forgettable:
                del self._open[sitting_id]
                # a disk that does not answer keeps the sweep from no other sitting
                task = asyncio.create_task(self._leave(sitting_id, live))
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)

    async def _leave(self, sitting_id: str, live: LiveSitting) -> None:
        try:
            await live.leave("forgotten")
        # outermost of one that is forgotten: nobody waits for it
        except Exception as error:  # noqa: BLE001
            _log("sitting_not_left", error, sitting=sitting_id)

    async def _time_over(self, sitting_id: str) -> None:
        try:
            live = await self.open(sitting_id)
            await live.finish("time_over")
        # outermost of one ending: the next sweep tries again, and the others have their own
        except Exception as error:  # noqa: BLE001
            _log("sitting_not_ended", error, sitting=sitting_id)


def _promise(line: Line) -> None:
    """Keep room for the exams that were under way when the process before this one ended."""
    with line.db.transaction() as tx:
        under_way = Sitting.state.in_((SittingState.RUNNING, SittingState.SUSPENDED))
        query = select(Sitting.id, Sitting.deadline_at, Sitting.paused_at).where(under_way)
        for sitting_id, deadline_at, paused_at in tx.execute(query):
            assert deadline_at is not None, "an exam under way has an end"
            left_s = (deadline_at - (paused_at or line.clock.now())).total_seconds()
            line.disk.promise(line.settings.recordings_dir / sitting_id, max(0.0, left_s))


def _overdue(line: Line) -> list[str]:
    with line.db.transaction() as tx:
        now = line.clock.now()
        is_late = and_(
            Sitting.state == SittingState.RUNNING, Sitting.deadline_at < now - HAND_IN_GRACE
        )
        is_forgotten = and_(
            Sitting.state == SittingState.SUSPENDED, Sitting.paused_at < now - LONGEST_PAUSE
        )
        return list(tx.scalars(select(Sitting.id).where(or_(is_late, is_forgotten))))


def _log(event: str, error: BaseException, **values: str) -> None:
    frames = format_tb(error.__traceback__)
    log.error(event, kind=type(error).__name__, frames=frames, **values)

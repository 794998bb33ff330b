"""What is written of one sitting: its row, its events, its incidents, its typing.

What is seen has its time on the recording clock until it is written: then it is known when the
exam began.
"""

import errno
from asyncio import to_thread
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from sqlalchemy.orm import Session

from keystroke.events import KeyBatch
from proctor import events
from proctor.analysis import keys
from proctor.exams.schemes import course_of
from proctor.exams.tables import AssessmentEvent
from proctor.identity.tables import IdentityCheck
from proctor.incidents import builder, rules
from proctor.live.loading import Line, Loaded, fact
from proctor.media import ledger
from proctor.media.gaps import Cause
from proctor.media.ledger import DROPPED
from proctor.media.recorder import RecordedTrack
from proctor.observations import Check, NotAssessed, Observation, Track
from proctor.plumbing.uncancelled import to_the_end
from proctor.sittings import interventions
from proctor.sittings.desk import require_online
from proctor.sittings.tables import Sitting, SittingState

log = structlog.get_logger()

# a quarter of an hour of comparisons before the exam
_MOST_CHECKS = 1000
# facts that could not be written yet; a database that is away so long loses the oldest
_MOST_UNKEPT = 1000

Item = Observation | NotAssessed
#: a comparison and its time on the recording clock
TimedCheck = tuple[float, IdentityCheck]
#: what is written in the same transaction as what was seen
Work = Callable[[Session, datetime], object]


class Journal:
    """Writes one sitting, each change in a transaction and in a thread.

    One change at a time: whoever asks for one holds the sitting's lock. ``sitting`` and ``state``
    are as they were committed last.
    """

    def __init__(self, line: Line, loaded: Loaded) -> None:
        self.sitting = loaded.sitting
        self.state = loaded.state
        self._line = line
        self._policy, self._suppressed = loaded.policy, loaded.suppressed
        self._duration, self._ends_by = loaded.duration, loaded.ends_by
        self._typing = loaded.typing
        self._checks: deque[TimedCheck] = deque(maxlen=_MOST_CHECKS)
        self._unkept: deque[Item] = deque(maxlen=_MOST_UNKEPT)
        # what these had no room for
        self._dropped: Counter[str] = Counter()

    @property
    def is_running(self) -> bool:
        return self.sitting.state == SittingState.RUNNING

    @property
    def is_under_way(self) -> bool:
        """Whether the exam has begun and is not over."""
        return self.is_running or self.is_paused

    @property
    def is_paused(self) -> bool:
        return self.sitting.state == SittingState.SUSPENDED

    @property
    def is_finished(self) -> bool:
        return self.sitting.state == SittingState.FINISHED

    @property
    def remaining_s(self) -> float | None:
        """Seconds until the exam is over, None before it began; they stand still in a pause."""
        sitting = self.sitting
        if sitting.deadline_at is None:
            return None
        now = sitting.paused_at or self._line.clock.now()
        return max(0.0, (sitting.deadline_at - now).total_seconds())

    def is_overdue(self, at_s: float) -> bool:
        """Whether an incident would open if anything were kept at *at_s* of the recording clock."""
        in_exam_s = at_s - self.sitting.exam_offset_s
        return self.is_running and rules.is_overdue(self._policy, self.state, in_exam_s)

    def note(self, item: Item) -> None:
        """Have *item* written with whatever is written next."""
        self._dropped["fact_not_kept"] += len(self._unkept) == _MOST_UNKEPT
        self._unkept.append(item)

    async def write(self, work: Work) -> None:
        """Do *work* in a transaction of its own."""
        await _in_thread(self._write, work)

    async def keep(self, items: Iterable[Item], check: TimedCheck | None = None) -> None:
        """Keep what was seen in the exam, and what it makes of the incidents.

        What is seen outside the exam is not kept, except how the person was compared.
        """
        if self.is_running:
            await self._keep(self._keep_items, items, check)
            return
        self._unkept.clear()
        if check is not None and self.sitting.started_at is None:
            self._dropped["comparison_not_kept"] += len(self._checks) == _MOST_CHECKS
            self._checks.append(check)

    async def keep_batch(
        self,
        seq: int,
        items: Iterable[Item],
        batch: KeyBatch | None,
        typed_s: float,
        unread: Sequence[str] = (),
    ) -> None:
        """Keep a batch of the page, typed by *typed_s* seconds after the exam began.

        ``unread``: which of its parts could not be read.
        """
        await self._keep(self._keep_batch, items, seq, batch, typed_s, unread)

    async def begin(self, offset_s: float, identified_via: str) -> None:
        """Begin the exam at *offset_s* of the recording clock.

        Raises OnSiteInstead or NotAdmitted.
        """
        await _in_thread(self._begin, offset_s, identified_via)

    async def pause(self, at_s: float, work: Work) -> None:
        """Let the exam's time stand still from *at_s* of the recording clock."""
        paused = Observation(Check.PROCTOR, rules.PAUSED, at_s)
        await self._keep(self._change, [paused], self._pause, work)

    async def resume(self, items: Iterable[Item], work: Work) -> None:
        """Let the exam go on; *items* say how things are now."""
        await self._keep(self._change, items, self._resume, work)

    async def end(
        self,
        reason: str,
        exam_s: float,
        recorded: list[RecordedTrack],
        causes: dict[Track, list[Cause]],
        dropped: Counter[str],
    ) -> None:
        """End the exam: files closed, incidents closed, clips cut, the typing compared."""
        await self._keep(self._end, (), reason, exam_s, recorded, causes, dropped)

    async def note_dropped(self, dropped: Counter[str]) -> None:
        """Write what was lost and not kept, of which *dropped* is what others than this lost."""
        await self.write(partial(self._note_dropped, dropped))

    def _note_dropped(self, dropped: Counter[str], tx: Session, now: datetime) -> None:
        counts = {name: n for name, n in sorted((dropped + self._dropped).items()) if n}
        if counts:
            log.warning("dropped", sitting=self.sitting.id, **counts)
            events.append(tx, self.sitting.id, DROPPED, counts, now)

    async def _keep(self, work: Callable[..., None], items: Iterable[Item], *more: object) -> None:
        """Have *work* write *items* and what was noted before; it empties the list it is given."""
        noted = list(self._unkept)
        self._unkept.clear()
        unwritten = [*noted, *items]
        try:
            await _in_thread(work, unwritten, *more)
        finally:
            # whoever brought the items hears of the failure; what was noted goes with the next
            if unwritten:
                waiting = [*noted, *self._unkept]
                self._dropped["fact_not_kept"] += max(0, len(waiting) - _MOST_UNKEPT)
                self._unkept = deque(waiting, maxlen=_MOST_UNKEPT)

    def _keep_items(self, items: list[Item], check: TimedCheck | None) -> None:
        if not items and check is None:
            return
        kept = self._in_exam(items)
        state, changes = rules.run(self._policy, self.state, kept)
        now = self._line.clock.now()
        with self._line.db.transaction() as tx:
            events.append_all(tx, self.sitting.id, [fact(item) for item in kept], now)
            builder.record(tx, self.sitting.id, changes, now, self._suppressed)
            if check is not None:
                at_s, row = check
                row.at_s = at_s - self.sitting.exam_offset_s
                tx.add(row)
        self.state = state
        items.clear()

    def _change(
        self, items: list[Item], change: Callable[[Sitting, datetime], None], work: Work
    ) -> None:
        kept = self._in_exam(items)
        state, changes = rules.run(self._policy, self.state, kept)
        now = self._line.clock.now()
        with self._line.db.transaction() as tx:
            sitting = tx.get_one(Sitting, self.sitting.id)
            work(tx, now)
            change(sitting, now)
            events.append_all(tx, sitting.id, [fact(item) for item in kept], now)
            builder.record(tx, sitting.id, changes, now, self._suppressed)
        self.state, self.sitting = state, sitting
        items.clear()

    def _pause(self, sitting: Sitting, now: datetime) -> None:
        sitting.state, sitting.paused_at = SittingState.SUSPENDED, now

    def _resume(self, sitting: Sitting, now: datetime) -> None:
        assert sitting.paused_at is not None, "only a paused exam goes on"
        assert sitting.deadline_at is not None, "an exam that was paused has an end"
        sitting.deadline_at += now - sitting.paused_at
        sitting.state, sitting.paused_at = SittingState.RUNNING, None

    def _keep_batch(
        self,
        items: list[Item],
        seq: int,
        batch: KeyBatch | None,
        typed_s: float,
        unread: Sequence[str],
    ) -> None:
        kept = self._in_exam(items) if self.is_running else []
        typing = self._typing
        if batch is not None and self.is_running:
            typing, told = typing.after(batch, round(typed_s, 3))
            kept += told
        state, changes = rules.run(self._policy, self.state, kept)
        now = self._line.clock.now()
        with self._line.db.transaction() as tx:
            sitting = tx.get_one(Sitting, self.sitting.id)
            sitting.last_batch = seq
            facts = [fact(item) for item in kept]
            payload = {"seq": seq, "keys": len(batch.events) if batch else 0}
            facts.append(("batch_kept", payload | ({"unread": list(unread)} if unread else {})))
            events.append_all(tx, sitting.id, facts, now)
            builder.record(tx, sitting.id, changes, now, self._suppressed)
            if typing is not self._typing:
                typing = keys.keep(tx, self._line.vault, sitting, typing)
        self.state, self.sitting, self._typing = state, sitting, typing
        items.clear()

    def _in_exam(self, items: Iterable[Item]) -> list[Item]:
        """The items with their times in the exam, exactly as they are written."""
        offset = self.sitting.exam_offset_s
        return [replace(item, at_s=round((item.at_s or 0.0) - offset, 3)) for item in items]

    def _write(self, work: Work) -> None:
        with self._line.db.transaction() as tx:
            work(tx, self._line.clock.now())
            sitting = tx.get_one(Sitting, self.sitting.id)
        self.sitting = sitting

    def _begin(self, offset_s: float, identified_via: str) -> None:
        now = self._line.clock.now()
        with self._line.db.transaction() as tx:
            sitting = tx.get_one(Sitting, self.sitting.id)
            event = tx.get_one(AssessmentEvent, sitting.event_id)
            require_online(tx, course_of(tx, event), event, sitting.account_id)
            sitting.state = SittingState.RUNNING
            sitting.started_at = now
            sitting.deadline_at = min(now + self._duration, self._ends_by)
            sitting.exam_offset_s = offset_s
            sitting.identified_via = identified_via
            for at_s, row in self._checks:
                row.at_s = at_s - offset_s
                tx.add(row)
            payload = {
                "identified_via": identified_via,
                "rules": asdict(self._policy),
                "suppressed": self._suppressed,
            }
            events.append(tx, sitting.id, "sitting_started", payload, now)
        self.sitting = sitting
        self._checks.clear()

    def _end(
        self,
        items: list[Item],
        reason: str,
        exam_s: float,
        recorded: list[RecordedTrack],
        causes: dict[Track, list[Cause]],
        dropped: Counter[str],
    ) -> None:
        now = self._line.clock.now()
        root = self._line.settings.recordings_dir
        with self._line.db.transaction() as tx:
            files = ledger.files_of(tx, self.sitting.id, root)
            opened = builder.incidents_of(tx, self.sitting.id)
        known = {each.path for each in recorded}
        recorded = [*recorded, *ledger.recover(path for path in files if path not in known)]
        kept = self._in_exam(items)
        state, changes = rules.run(self._policy, self.state, kept)
        changes += rules.finish(self._policy, state, exam_s)
        spans = builder.spans_of(opened, changes, self._suppressed)
        clips, failed = self._cut_clips(spans, exam_s, recorded)
        try:
            with self._line.db.transaction() as tx:
                sitting = tx.get_one(Sitting, self.sitting.id)
                events.append_all(tx, sitting.id, [fact(item) for item in kept], now)
                builder.record(tx, sitting.id, changes, now, self._suppressed)
                causes = self._with_pauses(tx, causes, exam_s)
                hashes = ledger.close_files(tx, sitting, exam_s, recorded, causes, root)
                ledger.note_unaccounted(tx, sitting.id, exam_s, now)
                self._note_dropped(dropped, tx, now)
                vault, verifier, typing = self._line.vault, self._line.verifier, self._typing
                keys.compare(tx, vault, verifier, sitting, typing, exam_s, now)
                builder.name_clips(tx, sitting.id, clips, root)
                payload = {"reason": reason, "exam_s": exam_s, "recordings": hashes} | failed
                sitting.state, sitting.finished_at = SittingState.FINISHED, now
                sitting.exam_s, sitting.paused_at = exam_s, None
                events.append(tx, sitting.id, "sitting_finished", payload, now)
        except BaseException:
            builder.discard(clips)
            raise
        self.sitting = sitting
        items.clear()

    def _with_pauses(
        self, tx: Session, causes: dict[Track, list[Cause]], exam_s: float
    ) -> dict[Track, list[Cause]]:
        """What is missing of a pause is missing because of the pause."""
        offset = self.sitting.exam_offset_s
        spans = interventions.pauses(tx, self.sitting, exam_s)
        paused = [Cause(start + offset, end + offset, rules.PAUSED) for start, end in spans]
        return {track: [*paused, *known] for track, known in causes.items()}

    def _cut_clips(
        self, spans: list[builder.Span], exam_s: float, recorded: list[RecordedTrack]
    ) -> tuple[list[builder.CutClip], dict[str, Any]]:
        """The clips, or why there are none: the exam ends without, the recordings are there.

        It copies whole seconds of files, which no transaction waits for.
        """
        windows = builder.clip_windows(self._policy, spans, exam_s)
        files = {track: [each.path for each in recorded if each.track is track] for track in Track}
        directory = self._line.settings.recordings_dir / self.sitting.id
        try:
            return builder.cut(windows, files, self.sitting.exam_offset_s, directory), {}
        except OSError as error:
            reason = errno.errorcode.get(error.errno or 0, "disk")
            log.error("clips_not_cut", sitting=self.sitting.id, reason=reason)
            return [], {"clips_not_cut": reason}


async def _in_thread(work: Callable[..., None], *values: object) -> None:
    """A database's time is not the event loop's; what is begun is ended before the lock goes."""
    await to_the_end(to_thread(work, *values))

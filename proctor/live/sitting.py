"""One open sitting on the event loop.

Its state belongs to the loop; every write goes through its lock, in a thread, and is
acknowledged after commit. Times are seconds since the exam began.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict
from datetime import datetime
from traceback import format_tb
from typing import Any

import structlog
from sqlalchemy.orm import Session

from keystroke.events import KeyBatch, KeyEventError, parse_batch
from proctor import events
from proctor.analysis import browser, face, keys
from proctor.analysis.scene import Scene
from proctor.errors import Conflict
from proctor.identity import enrolment
from proctor.identity.checks import FaceProbe, ProbePlan
from proctor.identity.tables import CheckResult, IdentityCheck, Modality
from proctor.incidents import builder, rules
from proctor.live.loading import Line, Loaded, fact
from proctor.media import ledger
from proctor.media.capture import FINISHED, Capture
from proctor.media.frames import EncodedFrame
from proctor.observations import Check, NotAssessed, Observation
from proctor.people import consents
from proctor.people.tables import Purpose
from proctor.sittings.tables import Sitting, SittingState

log = structlog.get_logger()

SAMPLE_PERIOD_S = 1.0
SILENT_AFTER_S = 20.0
# an event may be this much newer than the last one of a process that was killed
UNSURE_S = 2.0
_SOCKET_BACKLOG = 64


class NotIdentified(Conflict):
    """Identity is not established yet."""

    key = "error.not_identified"


class MediaNotLive(Conflict):
    """Camera and screen are not both arriving."""

    key = "error.media_not_live"


class WrongBatch(Conflict):
    """A batch is missing before this one."""

    key = "error.batch_order"


class SittingOver(Conflict):
    """The exam is finished."""

    key = "error.sitting_finished"


class LiveSitting:
    """One sitting from the connection of its media to its receipt."""

    def __init__(self, line: Line, loaded: Loaded) -> None:
        self._line = line
        self.id = loaded.sitting.id
        self._sitting = loaded.sitting
        self._loaded = loaded
        self._identity = loaded.identity
        self._typing = keys.TypingSums(loaded.typing)
        self._state = loaded.state
        self._plan = ProbePlan()
        self._scene = Scene()
        self._checks: list[IdentityCheck] = []
        self._sockets: set[asyncio.Queue[dict[str, Any]]] = set()
        self._heard = line.clock.monotonic()
        self._admitted = False
        self._jitter = random.Random(self.id)
        self._tasks: set[asyncio.Task[None]] = set()
        self._analysis: asyncio.Task[None] | None = None
        # orders the writes of this sitting: rules state and event chain move together
        self._lock = asyncio.Lock()
        self._capture = Capture(
            line.clock,
            line.settings.recordings_dir / self.id,
            self._first_epoch(),
            line.settings.media_address,
            self._media_changed,
        )
        self._note_restart()

    @property
    def is_running(self) -> bool:
        return self._sitting.state == SittingState.RUNNING

    @property
    def state_name(self) -> str:
        return self._sitting.state.value

    @property
    def is_finished(self) -> bool:
        return self._sitting.state == SittingState.FINISHED

    @property
    def is_silent(self) -> bool:
        """Whether neither its page nor its camera has been heard of lately."""
        quiet_s = self._line.clock.monotonic() - self._heard
        return quiet_s > SILENT_AFTER_S and not any(self._capture.live_tracks().values())

    @property
    def exam_now_s(self) -> float:
        """Seconds since the exam began."""
        return self._exam_s(self._line.clock.monotonic())

    @property
    def remaining_s(self) -> float | None:
        deadline = self._sitting.deadline_at
        if deadline is None:
            return None
        return max(0.0, (deadline - self._line.clock.now()).total_seconds())

    @property
    def last_batch(self) -> int:
        return self._sitting.last_batch

    async def connect(self, sdp: str, tracks: Mapping[str, str]) -> str:
        """Answer a browser's offer; the newest connection replaces the one before it.

        Raises OfferRefused, ConsentMissing, DiskFull or SittingOver.
        """
        if self.is_finished:
            raise SittingOver
        if Purpose.RECORDING not in self._loaded.consented:
            raise consents.ConsentMissing
        answer = await self._capture.connect(sdp, tracks, self._line.settings.min_free_mib)
        if self._analysis is None:
            self._analysis = asyncio.create_task(self._analyse())
        await self._write(self._connected)
        return answer

    def subscribe(self) -> asyncio.Queue[dict[str, Any]]:
        """Messages for one socket of the student's page; the newest are kept."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_SOCKET_BACKLOG)
        self._sockets.add(queue)
        self._heard = self._line.clock.monotonic()
        return queue

    def unsubscribe(self, queue: asyncio.Queue[dict[str, Any]]) -> None:
        self._sockets.discard(queue)

    async def take_batch(self, message: Mapping[str, Any]) -> int:
        """Keep one batch of the page; returns its number after commit.

        A batch already kept is acknowledged again. Raises WrongBatch or BatchRefused.
        """
        arrived = self._line.clock.monotonic()
        self._heard = arrived
        seq = message.get("seq")
        if not isinstance(seq, int) or isinstance(seq, bool):
            raise browser.BatchRefused
        seen = browser.observe(message.get("browser"), message.get("now_ms"), self._exam_s(arrived))
        batch = self._key_batch(message.get("keys"))
        async with self._lock:
            if seq <= self._sitting.last_batch:
                return seq
            if seq != self._sitting.last_batch + 1:
                raise WrongBatch(expected=self._sitting.last_batch + 1)
            await asyncio.to_thread(self._keep_batch, seq, seen, batch)
        return seq

    async def start(self) -> float:
        """Begin the exam; returns the seconds that remain.

        Raises NotIdentified or MediaNotLive; when it already runs, nothing happens.
        """
        if self.is_finished:
            raise SittingOver
        if not self.is_running:
            if not self._is_media_live():
                raise MediaNotLive
            if not self._is_identified():
                raise NotIdentified
            async with self._lock:
                if not self.is_running:
                    await asyncio.to_thread(self._begin_exam)
        return self.remaining_s or 0.0

    async def admit(self, by: str) -> None:
        """A proctor checked the person's document by eye."""
        self._admitted = True
        await self._write(lambda tx, now: events.append(tx, self.id, "admitted", {"by": by}, now))
        self._tell_identity(None)

    async def finish(self, reason: str) -> None:
        """End the exam: seal recordings, close incidents, cut clips, compare the typing."""
        if self._analysis is not None:
            self._analysis.cancel()
            await asyncio.wait([self._analysis])
            self._analysis = None
        async with self._lock:
            if not self.is_running:
                return
            exam_s = self._exam_length()
            await self._capture.drop(FINISHED)
            await asyncio.to_thread(self._end_exam, reason, exam_s)
        self._tell({"type": "ended", "reason": reason})

    async def leave(self, cause: str) -> None:
        """Let go of the media without ending the exam."""
        if self._analysis is not None:
            self._analysis.cancel()
            await asyncio.wait([self._analysis])
            self._analysis = None
        await self._capture.drop(cause)

    def _exam_s(self, monotonic: float) -> float:
        return self._capture.place(monotonic) - self._sitting.exam_offset_s

    def _first_epoch(self) -> float:
        """Zero of the recordings' clock, found again after a restart from the wall clock."""
        now = self._line.clock.monotonic()
        started = self._sitting.started_at
        if started is None:
            return now
        gone = (self._line.clock.now() - started).total_seconds()
        return now - gone - self._sitting.exam_offset_s

    def _note_restart(self) -> None:
        if self.is_running and self._loaded.newest_at is not None:
            assert self._sitting.started_at is not None, "a running sitting has begun"
            last = (self._loaded.newest_at - self._sitting.started_at).total_seconds()
            since_s = last + self._sitting.exam_offset_s - UNSURE_S
            self._capture.lost(since_s, "server_restart")

    def _media_changed(
        self, name: str, at_s: float, values: dict[str, float | int | bool | str]
    ) -> None:
        fact = Observation(Check.MEDIA, name, at_s - self._sitting.exam_offset_s, values)
        self._spawn(self._commit([fact]))
        self._tell_media()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _analyse(self) -> None:
        while True:
            began = self._line.clock.monotonic()
            frame = self._capture.newest.take()
            if frame is not None:
                try:
                    await self._look_at(frame)
                # outermost loop of the analysis: the failure is kept as "not assessed"
                except Exception as error:  # noqa: BLE001
                    frames = format_tb(error.__traceback__)
                    kind = type(error).__name__
                    log.error("analysis_failed", sitting=self.id, kind=kind, frames=frames)
                    at_s = self._exam_s(frame.arrival)
                    await self._commit([NotAssessed(Check.FACE, "crashed", at_s)])
            spent = self._line.clock.monotonic() - began
            await asyncio.sleep(max(0.05, SAMPLE_PERIOD_S - spent))

    async def _look_at(self, frame: EncodedFrame) -> None:
        at_s = self._exam_s(frame.arrival)
        due = self._identity is not None and self._plan.wants_probe(at_s)
        inference = self._line.inference
        looks = self._scene.due(at_s, embed=due, load=inference.load)
        seen = await inference.assess_frame(frame.codec, frame.data, looks)
        found = face.observe(
            seen,
            self._identity,
            self._plan,
            self._scene,
            probe_due=due,
            at_s=at_s,
            jitter=self._jitter.random(),
        )
        check = self._face_check(found.probe, found.unprobed, at_s) if due else None
        await self._commit(list(found.items), check)
        if not self.is_running:
            hints = enrolment.face_hints(seen)
            self._tell_identity(hints[0] if hints else None)

    def _face_check(
        self, probe: FaceProbe | None, reason: str | None, at_s: float
    ) -> IdentityCheck:
        check = IdentityCheck(sitting_id=self.id, modality=Modality.FACE, at_s=at_s, reason=reason)
        if probe is None:
            check.result = CheckResult.NOT_ASSESSED
        else:
            check.result = probe.result
            check.score, check.llr = probe.score.score, probe.score.llr
            check.model_id = str(probe.score.model_id)
        return check

    async def _commit(
        self, items: list[Observation | NotAssessed], check: IdentityCheck | None = None
    ) -> None:
        async with self._lock:
            if self.is_finished:
                return
            if not self.is_running:
                # before the exam the time of its beginning is not known yet
                if check is not None:
                    self._checks.append(check)
                return
            await asyncio.to_thread(self._keep_items, items, check)

    def _keep_items(
        self, items: list[Observation | NotAssessed], check: IdentityCheck | None
    ) -> None:
        state, changes = self._fold(items)
        now = self._line.clock.now()
        with self._line.db.transaction() as tx:
            events.append_all(tx, self.id, [fact(item) for item in items], now)
            builder.record(tx, self.id, changes, now)
            if check is not None:
                tx.add(check)
        self._state = state

    def _fold(
        self, items: list[Observation | NotAssessed]
    ) -> tuple[rules.State, tuple[rules.Change, ...]]:
        state, changes = self._state, tuple[rules.Change, ...]()
        for item in items:
            state, change = rules.step(self._loaded.policy, state, item)
            changes += change
        return state, changes

    def _key_batch(self, raw: object) -> KeyBatch | None:
        if raw is None or Purpose.TYPING not in self._loaded.consented:
            return None
        try:
            return parse_batch(raw)
        except KeyEventError as error:
            raise browser.BatchRefused from error

    def _keep_batch(self, seq: int, seen: list[Observation], batch: KeyBatch | None) -> None:
        items: list[Observation | NotAssessed] = [*seen] if self.is_running else []
        state, changes = self._fold(items)
        now = self._line.clock.now()
        if batch is not None and self.is_running:
            self._typing.add(batch)
        with self._line.db.transaction() as tx:
            sitting = tx.get_one(Sitting, self.id)
            sitting.last_batch = seq
            facts = [fact(item) for item in items]
            facts.append(("batch_kept", {"seq": seq, "keys": len(batch.events) if batch else 0}))
            events.append_all(tx, self.id, facts, now)
            builder.record(tx, self.id, changes, now)
            if batch is not None and self.is_running:
                keys.keep(tx, self._line.vault, sitting, self._typing.total())
        self._state, self._sitting = state, sitting

    async def _write(self, work: Callable[[Session, datetime], object]) -> None:
        async with self._lock:
            await asyncio.to_thread(self._in_transaction, work)

    def _in_transaction(self, work: Callable[[Session, datetime], object]) -> None:
        with self._line.db.transaction() as tx:
            work(tx, self._line.clock.now())
            sitting = tx.get_one(Sitting, self.id)
        self._sitting = sitting

    def _connected(self, tx: Session, now: datetime) -> None:
        sitting = tx.get_one(Sitting, self.id)
        if sitting.state == SittingState.CREATED:
            sitting.state = SittingState.CHECKING
        root = self._line.settings.recordings_dir
        ledger.open_files(tx, self.id, self._capture.paths, root)
        events.append(tx, self.id, "media_connected", {}, now)

    def _is_media_live(self) -> bool:
        return all(self._capture.live_tracks().values())

    def _is_identified(self) -> bool:
        return self._admitted or (self._identity is not None and self._identity.is_established)

    def _begin_exam(self) -> None:
        now = self._line.clock.now()
        offset = self._capture.now_s
        with self._line.db.transaction() as tx:
            sitting = tx.get_one(Sitting, self.id)
            sitting.state = SittingState.RUNNING
            sitting.started_at = now
            sitting.deadline_at = min(now + self._loaded.duration, self._loaded.closes_at)
            sitting.exam_offset_s = offset
            sitting.identified_via = "proctor" if self._admitted else "face"
            for check in self._checks:
                check.at_s -= offset
                tx.add(check)
            payload = {
                "identified_via": sitting.identified_via,
                "rules": asdict(self._loaded.policy),
            }
            events.append(tx, self.id, "sitting_started", payload, now)
        self._checks, self._sitting = [], sitting
        # times before the exam mean nothing to the plan once its zero has moved
        self._plan = ProbePlan()
        self._scene.restart_clocks()

    def _exam_length(self) -> float:
        sitting = self._sitting
        assert sitting.started_at is not None, "an exam that ends has begun"
        assert sitting.deadline_at is not None, "an exam that runs has an end"
        allowed = (sitting.deadline_at - sitting.started_at).total_seconds()
        return min(self.exam_now_s, allowed)

    def _end_exam(self, reason: str, exam_s: float) -> None:
        now = self._line.clock.now()
        self._capture.explain_silence(self._capture.now_s)
        root = self._line.settings.recordings_dir
        with self._line.db.transaction() as tx:
            sitting = tx.get_one(Sitting, self.id)
            builder.record(tx, self.id, rules.finish(self._loaded.policy, self._state, exam_s), now)
            hashes = ledger.close_files(
                tx, sitting, exam_s, self._capture.recorded, self._capture.causes, root
            )
            keys.compare(tx, self._line.vault, self._line.verifier, sitting, exam_s, now)
            builder.cut_for(
                tx,
                builder.incidents_of(tx, self.id),
                rules=self._loaded.policy,
                exam_s=exam_s,
                recordings_dir=root,
            )
            sitting.state, sitting.finished_at = SittingState.FINISHED, now
            sitting.exam_s = exam_s
            payload = {"reason": reason, "exam_s": exam_s, "recordings": hashes}
            events.append(tx, self.id, "sitting_finished", payload, now)
        self._sitting = sitting

    def _tell(self, message: dict[str, Any]) -> None:
        for queue in self._sockets:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(message)

    def _tell_media(self) -> None:
        self._tell(self.media_message())

    def _tell_identity(self, hint: str | None) -> None:
        self._tell(self.identity_message(hint))
        self._tell_media()

    def media_message(self) -> dict[str, Any]:
        """Which tracks arrive, for the student's page."""
        live = {track.value: on for track, on in self._capture.live_tracks().items()}
        return {"type": "media", **live}

    def identity_message(self, hint: str | None = None) -> dict[str, Any]:
        """How the identity check stands, for the student's page."""
        left = self._identity.attempts_left if self._identity else 0
        if self._is_identified():
            state = "verified"
        elif self._identity is None or left == 0:
            state = "manual"
        else:
            state = "failed" if self._identity.decision == "no_match" else "looking"
        return {"type": "identity", "state": state, "hint": hint, "attempts_left": left}

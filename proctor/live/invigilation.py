"""What proctors say and do while a sitting goes on, and what its student answers."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from proctor.errors import Conflict
from proctor.exams.tables import AssessmentEvent
from proctor.live.faces import FaceWatch
from proctor.live.journal import Item, Journal, Work
from proctor.live.loading import Line
from proctor.live.page import Page
from proctor.media.capture import AGREED_ENDS, Capture
from proctor.observations import Check, Observation
from proctor.people.notices import About, NoticeKind, tell
from proctor.people.tables import Account
from proctor.sittings import interventions
from proctor.sittings.desk import NotRunning
from proctor.sittings.interventions import Said
from proctor.sittings.tables import Act, Sitting


class NotPaused(Conflict):
    """The exam is not paused."""

    key = "error.not_paused"


class SittingOver(Conflict):
    """The exam is finished."""

    key = "error.sitting_finished"


class Invigilation:
    """Each act is written with its author, together with what it changes, before it is told.

    ``lock``: the sitting's. ``finish``: ends the exam for a reason, called with the lock held.
    """

    def __init__(
        self,
        line: Line,
        journal: Journal,
        lock: asyncio.Lock,
        page: Page,
        capture: Capture,
        faces: FaceWatch,
        finish: Callable[[str], Awaitable[None]],
    ) -> None:
        self._line = line
        self._journal = journal
        self._lock = lock
        self._page = page
        self._capture = capture
        self._faces = faces
        self._finish = finish

    async def say(self, author: Account, act: Act, words: str, phrase: str | None = None) -> Said:
        """A message, a warning or a reply. Raises SittingOver, WordsMissing or TooManyReplies."""
        async with self._lock:
            if self._journal.is_finished:
                raise SittingOver
            said = await self._intervene(self._journal.write, author, act, words, phrase=phrase)
        return said

    async def pause(self, author: Account, reason: str) -> Said:
        """Let the exam's time stand still; camera and screen go on being recorded.

        Raises NotRunning or WordsMissing.
        """
        async with self._lock:
            if not self._journal.is_running:
                raise NotRunning
            pause = partial(self._journal.pause, self._capture.now_s)
            said = await self._intervene(pause, author, Act.PAUSE, reason)
        self._tell_timing()
        return said

    async def resume(self, author: Account) -> Said:
        """Let a paused exam go on; the next face is compared at once. Raises NotPaused."""
        async with self._lock:
            if not self._journal.is_paused:
                raise NotPaused
            resume = partial(self._journal.resume, self._as_things_are())
            said = await self._intervene(resume, author, Act.RESUME, "")
            self._faces.compare_at_once()
        self._tell_timing()
        return said

    async def extend(self, author: Account, minutes: int, reason: str) -> Said:
        """Give *minutes* more. Raises NotRunning before the exam and after it, or WordsMissing."""
        async with self._lock:
            if not self._journal.is_under_way:
                raise NotRunning
            write = partial(self._extend, minutes)
            said = await self._intervene(write, author, Act.EXTENSION, reason, minutes=minutes)
        self._tell_timing()
        return said

    async def end_early(self, author: Account, reason: str) -> bool:
        """End the exam when a second person agrees; whether it has ended.

        Raises NotRunning, WordsMissing or SecondColleague.
        """
        async with self._lock:
            if not self._journal.is_under_way:
                raise NotRunning
            said: list[Said] = []

            def write(tx: Session, now: datetime) -> None:
                vault, sitting = self._line.vault, tx.get_one(Sitting, self._journal.sitting.id)
                said.append(interventions.end_or_ask(tx, vault, sitting, author, now, reason))

            await self._journal.write(write)
            if said[-1].act is not Act.END:
                return False
            self._tell_said(said[-1])
            await self._finish("ended_by_proctors")
        return True

    async def write_decision(self, work: Work) -> None:
        """Write *work*, what was decided about a paused exam. Raises NotPaused."""
        async with self._lock:
            if not self._journal.is_paused:
                raise NotPaused
            await self._journal.write(work)

    async def move_on_site(self, work: Work) -> None:
        """End a paused exam that goes on elsewhere, with *work* on record. Raises NotPaused."""
        async with self._lock:
            if not self._journal.is_paused:
                raise NotPaused
            await self._journal.write(work)
            await self._finish("moved_on_site")

    def _tell_timing(self) -> None:
        self._page.tell(self.timing_message())

    def _tell_said(self, said: Said) -> None:
        if said.is_told:
            self._page.tell({"type": "said"} | told(said))

    async def talk_message(self) -> dict[str, Any]:
        """All that was said to the student and by them, for a page that opens."""

        def read() -> list[Said]:
            with self._line.db.reading() as tx:
                return interventions.said_in(
                    tx, self._line.vault, tx.get_one(Sitting, self._journal.sitting.id)
                )

        said = await asyncio.to_thread(read)
        return {"type": "talk", "said": [told(each) for each in said if each.is_told]}

    def timing_message(self) -> dict[str, Any]:
        """Whether the exam's time runs, for the student's page."""
        return {
            "type": "timing",
            "state": self._journal.sitting.state.value,
            "remaining_s": self._journal.remaining_s,
        }

    async def _intervene(
        self,
        change: Callable[[Work], Awaitable[None]],
        author: Account,
        act: Act,
        words: str,
        *,
        phrase: str | None = None,
        minutes: int | None = None,
    ) -> Said:
        """Write it together with what it changes, then tell the student."""
        said: list[Said] = []

        def write(tx: Session, now: datetime) -> None:
            vault, sitting = self._line.vault, tx.get_one(Sitting, self._journal.sitting.id)
            said.append(
                interventions.add(
                    tx,
                    vault,
                    sitting,
                    act,
                    author,
                    now,
                    words=words,
                    phrase=phrase,
                    minutes=minutes,
                )
            )
            if said[-1].is_told and not self._page.is_open:
                exam = tx.get_one(AssessmentEvent, sitting.event_id).title
                about = About(sitting.account_id, sitting.id, exam)
                tell(tx, NoticeKind.MESSAGE, about, now)

        await change(write)
        self._tell_said(said[-1])
        return said[-1]

    async def _extend(self, minutes: int, work: Work) -> None:
        def extend(tx: Session, now: datetime) -> None:
            work(tx, now)
            sitting = tx.get_one(Sitting, self._journal.sitting.id)
            assert sitting.deadline_at is not None, "an exam that runs has an end"
            sitting.deadline_at += timedelta(minutes=minutes)

        await self._journal.write(extend)

    def _as_things_are(self) -> list[Item]:
        """Which tracks arrive, for rules that forgot what was before the pause."""
        now_s = self._capture.now_s
        items: list[Item] = [Observation(Check.PROCTOR, "continued", now_s)]
        for track, is_live in self._capture.live_tracks().items():
            cause = self._capture.silent_because(track)
            if is_live:
                items.append(Observation(Check.MEDIA, "resumed", now_s, {"track": track.value}))
            elif cause not in AGREED_ENDS:
                values = {"track": track.value, "cause": cause}
                items.append(Observation(Check.MEDIA, "silent", now_s, {**values}))
        return items


def told(said: Said) -> dict[str, Any]:
    """An intervention as a page is told it."""
    return {
        "number": said.number,
        "act": said.act.value,
        "phrase": said.phrase,
        "words": said.words,
        "minutes": said.minutes,
        "at": said.at.isoformat(),
    }

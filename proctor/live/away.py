"""A student who is away from the exam's page with leave: on a break, or at a test elsewhere."""

import asyncio
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import Conflict, NotFound
from proctor.exams import external_tests
from proctor.exams.schemes import course_of
from proctor.exams.tables import AssessmentEvent
from proctor.incidents import rules
from proctor.live.faces import FaceWatch
from proctor.live.journal import Journal
from proctor.live.page import Page
from proctor.media.capture import Capture
from proctor.observations import Check, Observation
from proctor.sittings import codes
from proctor.sittings.desk import NotRunning

BREAK = "break"


class NoBreaks(Conflict):
    """This learner is granted no breaks."""

    key = "error.no_breaks"


class NoTest(NotFound):
    """The test of this exam is not on another site."""


class Away:
    """Each leaving and return is a fact for the rules, and a line of the sitting's record.

    ``lock``: the sitting's. ``may_break``: whether the learner is granted breaks.
    """

    def __init__(
        self,
        journal: Journal,
        lock: asyncio.Lock,
        page: Page,
        capture: Capture,
        faces: FaceWatch,
        *,
        may_break: bool,
    ) -> None:
        self._journal = journal
        self._lock = lock
        self._page = page
        self._capture = capture
        self._faces = faces
        self._may_break = may_break

    @property
    def on_break(self) -> bool:
        return self._journal.state.on_break

    @property
    def at_test(self) -> bool:
        return self._journal.state.at_test

    async def take_break(self, *, begins: bool) -> None:
        """The student leaves the camera for a while, or is back and looked at again at once.

        Raises NotRunning, or NoBreaks for those who are not granted any.
        """
        async with self._lock:
            if not self._journal.is_running:
                raise NotRunning
            if not self._may_break:
                raise NoBreaks
            if begins == self.on_break:
                return
            await self._keep(rules.BREAK_BEGAN if begins else rules.BREAK_ENDED)
            await self._journal.write(lambda tx, now: self._note(tx, BREAK, begins, now))
            if not begins:
                self._faces.compare_at_once()
        self._page.tell(self.break_message())

    async def open_test(self) -> str:
        """The address of the test, good for one visit; the student goes there.

        Raises NotRunning, or NoTest where the exam has none.
        """
        made: list[str] = []

        def bind(tx: Session, now: datetime) -> None:
            event = tx.get_one(AssessmentEvent, self._journal.sitting.event_id)
            address = external_tests.address_of(tx, course_of(tx, event).id, event.code)
            if address is None:
                raise NoTest
            code = codes.make(tx, self._journal.sitting.id, now)
            made.append(external_tests.with_code(address, code))
            if not self.at_test:
                self._note(tx, rules.AT_THE_TEST, True, now)

        async with self._lock:
            if not self._journal.is_running:
                raise NotRunning
            await self._journal.write(bind)
            await self._keep(rules.TEST_OPENED)
        self._page.tell(self.test_message())
        return made[0]

    async def leave_test(self) -> None:
        """The student is back from the test. Raises NotRunning."""
        async with self._lock:
            if not self._journal.is_running:
                raise NotRunning
            if not self.at_test:
                return
            await self._keep(rules.TEST_LEFT)
            await self._journal.write(lambda tx, now: self._note(tx, rules.AT_THE_TEST, False, now))
        self._page.tell(self.test_message())

    def break_message(self) -> dict[str, Any]:
        """Whether the student is on a break, for their page."""
        return {"type": "break", "on": self.on_break}

    def test_message(self) -> dict[str, Any]:
        """Whether the student is at the test, for their page."""
        return {"type": "test", "on": self.at_test}

    async def _keep(self, name: str) -> None:
        await self._journal.keep([Observation(Check.PROCTOR, name, self._capture.now_s)])

    def _note(self, tx: Session, what: str, begins: bool, now: datetime) -> None:
        sitting = self._journal.sitting
        at_s = round(self._capture.now_s - sitting.exam_offset_s, 1)
        events.append(tx, sitting.id, what, {"begins": begins, "at_s": at_s}, now)

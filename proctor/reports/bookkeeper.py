"""The task that gathers the figures of the exam office's overview, a part of a roster at a time.

A course is gathered again when something was settled in it, and once a day. It takes a tenth of
a core at most, and never longer at once than the outcomes of one part take.
"""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proctor.clock import Clock
from proctor.events import Event
from proctor.exams.roster import Listed, roster_of
from proctor.exams.tables import AssessmentEvent, AssessmentScheme, Course
from proctor.people.tables import Institution
from proctor.plumbing.db import Database
from proctor.plumbing.rounds import Rounds
from proctor.reports import figures
from proctor.reports.figures import Tally, of_course, of_institution
from proctor.reports.tables import Figures
from proctor.sittings.tables import Sitting

EVERY_S = 15.0
#: what was gathered so lately is not gathered again
LASTS = timedelta(minutes=1)
DAILY = timedelta(days=1)
# of the time a part took, before the next one
_REST = 9.0
_SETTLING = ("sitting_finished", "verdict_given", "appeal_made", "appeal_ruled", "backfill_kept")


class Bookkeeper:
    """One per service."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self.rounds = Rounds(self.round, EVERY_S, "figures_failed")
        # the newest event looked at, None at first; courses to gather since
        self._seen: int | None = None
        self._looked_at: datetime | None = None
        self._touched: set[str] = set()

    async def round(self) -> None:
        """Gather everything that is due, or end after the part under way."""
        courses, institutions = await asyncio.to_thread(self._due)
        for institution_id in institutions:
            await asyncio.to_thread(self._institution, institution_id)
        for course_id in courses:
            await self._course(course_id)
            if await self.rounds.is_closing(0.0):
                return

    async def _course(self, course_id: str) -> None:
        self._touched.discard(course_id)
        clock = self._clock
        course, learners = await asyncio.to_thread(self._roster, course_id)
        tally = Tally(course, clock.now())
        for start in range(0, len(learners), figures.PART):
            began = clock.monotonic()
            part = learners[start : start + figures.PART]
            await asyncio.to_thread(self._part, tally, part)
            if len(learners) > figures.PART:
                rest_s = _REST * (clock.monotonic() - began)
                if await self.rounds.is_closing(rest_s):
                    return
        await asyncio.to_thread(self._keep, tally)

    def _due(self) -> tuple[list[str], list[str]]:
        now = self._clock.now()
        with self._db.reading() as tx:
            kept = {row.subject: row.as_of for row in tx.execute(_KEPT)}
            courses = list(tx.scalars(_COURSES))
            institutions = list(tx.scalars(select(Institution.id)))
            newest = tx.scalar(select(func.max(Event.id))) or 0
            if self._seen is None:
                self._touched = set(courses)
            else:
                self._touched |= _settled(tx, self._seen)
                self._touched |= _closed(tx, self._looked_at or now, now)
            self._seen, self._looked_at = newest, now

        def is_due(subject: str, after: timedelta) -> bool:
            return subject not in kept or kept[subject] <= now - after

        return [
            each
            for each in courses
            if is_due(of_course(each), LASTS if each in self._touched else DAILY)
        ], [each for each in institutions if is_due(of_institution(each), DAILY)]

    def _roster(self, course_id: str) -> tuple[Course, list[Listed]]:
        with self._db.reading() as tx:
            return tx.get_one(Course, course_id), roster_of(tx, course_id)

    def _part(self, tally: Tally, learners: list[Listed]) -> None:
        course_id = tally.course.id
        with self._db.reading() as tx:
            changed = figures.changed_stands(tx, course_id, tally.add(tx, learners))
        if changed:
            with self._db.transaction() as tx:
                figures.keep_stands(tx, course_id, changed)

    def _keep(self, tally: Tally) -> None:
        with self._db.reading() as tx:
            body = figures.course_body(tx, tally)
        with self._db.transaction() as tx:
            figures.keep(tx, of_course(tally.course.id), body, tally.as_of)

    def _institution(self, institution_id: str) -> None:
        now = self._clock.now()
        with self._db.reading() as tx:
            body = figures.institution_body(tx, institution_id)
        with self._db.transaction() as tx:
            figures.keep(tx, of_institution(institution_id), body, now)


_KEPT = select(Figures.subject, Figures.as_of)
# what is under way or was last comes first
_COURSES = select(Course.id).order_by(Course.ends_on.desc(), Course.code)


def _settled(tx: Session, seen: int) -> set[str]:
    """Courses in which something was settled after the event *seen*."""
    sat = (
        select(AssessmentScheme.course_id)
        .join(AssessmentEvent, AssessmentEvent.scheme_id == AssessmentScheme.id)
        .join(Sitting, Sitting.event_id == AssessmentEvent.id)
        .join(Event, Event.stream == Sitting.id)
        .where(Event.id > seen, Event.kind.in_(_SETTLING))
    )
    prefix = of_course("")
    decided = select(Event.stream).where(Event.id > seen, Event.stream.startswith(prefix))
    imported = (
        select(Course.id)
        .join(Event, Event.stream == of_institution("") + Course.institution_id)
        .where(Event.id > seen, Event.kind == "imported")
    )
    streams = {stream.removeprefix(prefix) for stream in tx.scalars(decided.distinct())}
    return streams | set(tx.scalars(sat.distinct())) | set(tx.scalars(imported))


def _closed(tx: Session, after: datetime, until: datetime) -> set[str]:
    """Courses with an event whose window closed since *after*: who did not sit it is absent."""
    query = (
        select(AssessmentScheme.course_id)
        .join(AssessmentEvent, AssessmentEvent.scheme_id == AssessmentScheme.id)
        .where(AssessmentEvent.closes_at > after, AssessmentEvent.closes_at <= until)
    )
    return set(tx.scalars(query.distinct()))

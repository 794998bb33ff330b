"""What must hold between the lines of a file, and between them and what is already known."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, Self, TypeVar

from sqlalchemy.orm import Session

from proctor.exams.roster import learners_of
from proctor.exams.schemes import courses_by_code, events_in_force
from proctor.exams.sheets import Line, RowError, refusal
from proctor.exams.tables import AssessmentEvent, Course
from proctor.people.tables import Account, Role

L = TypeVar("L", bound=Line)


class CourseLine(Line, Protocol):
    """A line that says which course it is about."""

    @property
    def course_code(self) -> str: ...


class PersonLine(Line, Protocol):
    """A line that says which person it is about."""

    @property
    def email(self) -> str: ...


class Window(Line, Protocol):
    """A line that says when an event is open and how long it takes."""

    @property
    def opens_at(self) -> datetime: ...
    @property
    def closes_at(self) -> datetime: ...
    @property
    def duration_minutes(self) -> timedelta: ...


@dataclass(frozen=True, slots=True)
class Named:
    """The courses that lines of a file name, with their events and learners by code and number."""

    courses: Mapping[str, Course]
    events: Mapping[tuple[str, str], AssessmentEvent]
    learners: Mapping[tuple[str, str | None], Account]

    @classmethod
    def read(cls, tx: Session, by: Account, lines: Sequence[CourseLine]) -> Self:
        """Those of the institution of *by*."""
        known = courses_by_code(tx, by.institution_id)
        codes = known.keys() & {line.course_code for line in lines}
        courses = {code: known[code] for code in codes}
        return cls(
            courses,
            {(c.code, e.code): e for c in courses.values() for e in events_in_force(tx, c.id)},
            {
                (course.code, learner.learner_number): learner
                for course in courses.values()
                for learner in learners_of(tx, course.id)
            },
        )

    def unknown(
        self,
        lines: Sequence[CourseLine],
        events: Sequence[str] = ("event_code",),
        learners: Sequence[str] = ("learner_number",),
    ) -> list[RowError]:
        """Cells of these columns that name nothing there is; an empty one names nothing at all."""
        errors = unknown_courses(lines, self.courses)
        for line in lines:
            if line.course_code not in self.courses:
                continue
            for columns, known, reason in (
                (events, self.events.keys(), "unknown_event"),
                (learners, self.learners.keys(), "not_on_roster"),
            ):
                for column in columns:
                    name = getattr(line, column)
                    if name and (line.course_code, name) not in known:
                        errors.append(refusal(line.line, column, reason, name))
        return errors


def repeated(lines: Sequence[L], column: str, name: Callable[[L], Hashable]) -> list[RowError]:
    """Lines that say again what an earlier one said; the value is the earlier line."""
    first: dict[Hashable, int] = {}
    errors = []
    for line in lines:
        earlier = first.setdefault(name(line), line.line)
        if earlier != line.line:
            errors.append(refusal(line.line, column, "repeated", str(earlier)))
    return errors


def contradictions(
    lines: Sequence[L], subject: Callable[[L], str], column: str, said: Callable[[L], str]
) -> list[RowError]:
    """Lines that say something else of the same subject than an earlier one."""
    first: dict[str, L] = {}
    errors = []
    for line in lines:
        earlier = first.setdefault(subject(line), line)
        if said(earlier) != said(line):
            errors.append(refusal(line.line, column, "contradicts", str(earlier.line)))
    return errors


def unknown_courses(lines: Sequence[CourseLine], courses: Mapping[str, Course]) -> list[RowError]:
    return [
        refusal(line.line, "course_code", "unknown_course", line.course_code)
        for line in lines
        if line.course_code not in courses
    ]


def window_errors(lines: Sequence[Window]) -> list[RowError]:
    """Events that close before they open, or take longer than they are open."""
    errors = []
    for line in lines:
        if line.closes_at <= line.opens_at:
            closes = line.closes_at.isoformat(timespec="minutes")
            errors.append(refusal(line.line, "closes_at", "closes_before_opening", closes))
        elif line.duration_minutes > line.closes_at - line.opens_at:
            taken = f"{line.duration_minutes.total_seconds() / 60:g}"
            errors.append(refusal(line.line, "duration_minutes", "longer_than_window", taken))
    return errors


def account_errors(
    lines: Sequence[PersonLine],
    accounts: Mapping[str, Account],
    institution_id: str,
    roles: frozenset[Role],
) -> list[RowError]:
    """Known people who belong elsewhere or whose account has none of *roles*."""
    errors = []
    for line in lines:
        account = accounts.get(line.email)
        if account is None:
            continue
        if account.institution_id != institution_id:
            errors.append(refusal(line.line, "email", "email_taken", line.email))
        elif account.role not in roles:
            errors.append(refusal(line.line, "email", "other_role", line.email))
    return errors

"""The exam office's overview: figures gathered beforehand enter, what its page shows leaves."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.clock import TIME_ZONE
from proctor.exams.schemes import courses_for, events_in_force
from proctor.exams.tables import AssessmentScheme, Course
from proctor.people.tables import Account
from proctor.reports.figures import (
    CourseFigures,
    DayCoverage,
    InstitutionFigures,
    course_figures,
    institution_figures,
)
from proctor.reports.tables import IssuedReport, Stand

MOST_ROWS = 20
MOST_COLUMNS = 16
#: last day of each age of a review, in days; None = older
AGES = (1, 3, 7, None)
# recorded percent from which a cell of the map has the next level
_LEVELS = (50, 75, 90, 95)


class CourseState(StrEnum):
    AHEAD = "ahead"
    UNDER_WAY = "under_way"
    OVER = "over"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class Line:
    """One course. ``figures``: None before they were gathered."""

    course: Course
    state: CourseState
    has_scheme: bool
    figures: CourseFigures | None

    def learners(self, stand: Stand) -> int:
        return self.figures.stands.get(stand, 0) if self.figures else 0

    @property
    def waiting(self) -> int:
        return sum(self.figures.waiting.values()) if self.figures else 0


@dataclass(frozen=True, slots=True)
class Cell:
    """``percent``: recorded part of what the sittings lasted, both tracks together, cut off to
    a whole number. ``level``: 0 for less than half, 4 for what the policy pack asks for."""

    sittings: int
    percent: int
    level: int


@dataclass(frozen=True, slots=True)
class MapRow:
    """A course or an event of it. ``cells``: None where nothing was held."""

    name: str
    course_id: str
    whole: Cell
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """``columns``: days, or Mondays of weeks; ``left_out``: rows with more recorded than these,
    ``columns_left_out``: earlier columns."""

    columns: tuple[date, ...]
    rows: tuple[MapRow, ...]
    left_out: int
    columns_left_out: int


@dataclass(frozen=True, slots=True)
class Overview:
    """``as_of``: when the oldest of the figures were gathered, None when a course has none yet."""

    terms: tuple[tuple[str, date, date], ...]
    choice: tuple[Course, ...]
    lines: tuple[Line, ...]
    states: Counter[CourseState]
    stands: Counter[Stand]
    ages: tuple[int, ...]
    map: HeatMap
    kept: InstitutionFigures | None
    as_of: datetime | None
    not_gathered: int


def overview(tx: Session, account: Account, term: str, course_id: str, now: datetime) -> Overview:
    """The courses *account* may see, or those of one *term*, or one of them.

    ``term``: both days of a period, as in ``terms``; "" lets all through.
    """
    courses = courses_for(tx, account)
    terms = sorted({(_term(c), c.starts_on, c.ends_on) for c in courses}, reverse=True)
    of_term = [c for c in courses if term in ("", _term(c))]
    shown = [c for c in of_term if course_id in ("", c.id)]
    today = now.astimezone(TIME_ZONE).date()
    found = course_figures(tx, [c.id for c in shown])
    with_scheme = set(tx.scalars(select(AssessmentScheme.course_id).distinct()))
    reported = set(tx.scalars(select(IssuedReport.course_id).distinct()))
    lines = tuple(
        Line(c, _state(c, today, c.id in reported), c.id in with_scheme, found.get(c.id))
        for c in shown
    )
    stands: Counter[Stand] = Counter()
    waiting: Counter[date] = Counter()
    for figures in found.values():
        stands.update(figures.stands)
        waiting.update(figures.waiting)
    one = shown[0] if course_id and shown else None
    return Overview(
        terms=tuple(terms),
        choice=tuple(of_term),
        lines=lines,
        states=Counter(line.state for line in lines),
        stands=stands,
        ages=_by_age(waiting, today),
        map=_of_course(tx, one, found) if one else _of_courses(lines),
        kept=institution_figures(tx, account.institution_id),
        as_of=min((figures.as_of for figures in found.values()), default=None),
        not_gathered=len(lines) - len(found),
    )


def _state(course: Course, today: date, is_reported: bool) -> CourseState:
    if today < course.starts_on:
        return CourseState.AHEAD
    if today <= course.ends_on:
        return CourseState.UNDER_WAY
    return CourseState.REPORTED if is_reported else CourseState.OVER


def _by_age(waiting: Counter[date], today: date) -> tuple[int, ...]:
    """How many wait by the ages of AGES."""
    counts = [0] * len(AGES)
    for day, count in waiting.items():
        days = (today - day).days
        counts[next(n for n, most in enumerate(AGES) if most is None or days <= most)] += count
    return tuple(counts)


def _of_courses(lines: Iterable[Line]) -> HeatMap:
    """Courses by week."""
    named = []
    for line in lines:
        if line.figures and line.figures.coverage:
            by_week = [(_monday(each.day), each) for each in line.figures.coverage]
            named.append((line.course.title, line.course.id, by_week))
    return _map(named)


def _of_course(tx: Session, course: Course, found: dict[str, CourseFigures]) -> HeatMap:
    """Events of one course by day."""
    coverage = found[course.id].coverage if course.id in found else ()
    titles = {event.code: event.title for event in events_in_force(tx, course.id)}
    by_event: defaultdict[str, list[tuple[date, DayCoverage]]] = defaultdict(list)
    for each in coverage:
        by_event[each.event].append((each.day, each))
    return _map([(titles.get(code, code), course.id, held) for code, held in by_event.items()])


def _map(named: Sequence[tuple[str, str, list[tuple[date, DayCoverage]]]]) -> HeatMap:
    columns = sorted({day for _, _, held in named for day, _ in held})
    shown = tuple(columns[-MOST_COLUMNS:])
    rows = [
        MapRow(
            name,
            course_id,
            _cell([each for _, each in held]),
            tuple(_or_none([each for day, each in held if day == column]) for column in shown),
        )
        for name, course_id, held in named
    ]
    # where least is recorded comes first; in order of names among equals
    rows.sort(key=lambda row: (row.whole.percent, row.name))
    left_out = max(0, len(rows) - MOST_ROWS)
    return HeatMap(shown, tuple(rows[:MOST_ROWS]), left_out, len(columns) - len(shown))


def _or_none(held: Sequence[DayCoverage]) -> Cell | None:
    return _cell(held) if held else None


def _cell(held: Sequence[DayCoverage]) -> Cell:
    exam_s = sum(each.exam_s for each in held)
    percent = int(100 * sum(each.recorded_s for each in held) / exam_s)
    level = sum(percent >= least for least in _LEVELS)
    return Cell(sum(each.sittings for each in held), percent, level)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _term(course: Course) -> str:
    return f"{course.starts_on}/{course.ends_on}"

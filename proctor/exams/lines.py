"""What a line of each file of the exam office holds, and how its columns are read."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from proctor.exams import sheets
from proctor.exams.sheets import Columns
from proctor.exams.tables import CourseKind, EventKind, Mode, StaffRole, Technology, Venue


class Locale(StrEnum):
    KK = "kk"
    RU = "ru"
    EN = "en"


@dataclass(frozen=True, slots=True)
class CourseLine:
    line: int
    code: str
    title: str
    kind: CourseKind
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class EventLine:
    line: int
    course_code: str
    code: str
    title: str
    kind: EventKind
    weight: Decimal
    mode: Mode
    venue: Venue
    opens_at: datetime
    closes_at: datetime
    duration_minutes: timedelta
    identity_plan: tuple[Technology, ...]


@dataclass(frozen=True, slots=True)
class LearnerLine:
    line: int
    course_code: str
    email: str
    name: str
    learner_number: str
    locale: Locale


@dataclass(frozen=True, slots=True)
class StaffLine:
    line: int
    course_code: str
    email: str
    name: str
    role: StaffRole


_CODE, _TITLE = sheets.text_of(64), sheets.text_of(300)
_NAME, _NUMBER = sheets.text_of(200), sheets.text_of(64)


def _locale(cell: str) -> Locale:
    return sheets.one_of(Locale)(cell or Locale.KK)


COURSE_COLUMNS: Columns = {
    "code": _CODE,
    "title": _TITLE,
    "kind": sheets.one_of(CourseKind),
    "starts_on": sheets.day,
    "ends_on": sheets.day,
}
SCHEME_COLUMNS: Columns = {
    "course_code": _CODE,
    "code": _CODE,
    "title": _TITLE,
    "kind": sheets.one_of(EventKind),
    "weight": sheets.weight,
    "mode": sheets.one_of(Mode),
    "venue": sheets.one_of(Venue),
    "opens_at": sheets.instant,
    "closes_at": sheets.instant,
    "duration_minutes": sheets.minutes,
    "identity_plan": sheets.plan,
}
ROSTER_COLUMNS: Columns = {
    "course_code": _CODE,
    "email": sheets.email,
    "name": _NAME,
    "learner_number": _NUMBER,
    "locale": _locale,
}
STAFF_COLUMNS: Columns = {
    "course_code": _CODE,
    "email": sheets.email,
    "name": _NAME,
    "role": sheets.one_of(StaffRole),
}

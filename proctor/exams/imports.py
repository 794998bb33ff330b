"""CSV files of the exam office become courses, schemes, rosters and assigned staff.

A file is imported as a whole or not at all; the same file twice changes nothing.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.exams import consistency
from proctor.exams.lines import (
    COURSE_COLUMNS,
    ROSTER_COLUMNS,
    SCHEME_COLUMNS,
    STAFF_COLUMNS,
    CourseLine,
    EventLine,
    LearnerLine,
    StaffLine,
)
from proctor.exams.schemes import add_version, events_in_force, newest_scheme
from proctor.exams.sheets import RowError, read_sheet, refusal
from proctor.exams.tables import AssessmentEvent, Course, CourseKind, CourseStaff, RosterEntry
from proctor.people.tables import Account, Role
from proctor.plumbing.db import new_id

POLICY_PACK = "KZ-137-2016"
_STUDENTS = frozenset({Role.STUDENT})
_STAFF = frozenset({Role.TEACHER, Role.PROCTOR, Role.REVIEWER})
# well under the 32 766 variables SQLite takes in one statement
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file changed: how many things were added, changed, and already as in the file."""

    added: int
    changed: int
    unchanged: int


def import_courses(tx: Session, by: Account, data: bytes, at: datetime) -> Imported:
    """Add courses and bring known ones (same code) to what the file says.

    Raises ImportRefused.
    """
    sheet = read_sheet(data, COURSE_COLUMNS, CourseLine)
    wrong = consistency.repeated(sheet.lines, "code", lambda line: line.code)
    wrong += [
        refusal(line.line, "ends_on", "ends_before_start", line.ends_on.isoformat())
        for line in sheet.lines
        if line.ends_on < line.starts_on
    ]
    consistency.refuse_any(sheet, wrong)
    known = _courses(tx, by)
    added = changed = 0
    for line in sheet.lines:
        course = known.get(line.code)
        if course is None:
            tx.add(_new_course(by, line))
            added += 1
        elif _course_facts(course) != _course_facts(line):
            course.title, course.kind = line.title, line.kind
            course.starts_on, course.ends_on = line.starts_on, line.ends_on
            changed += 1
    imported = Imported(added, changed, len(sheet.lines) - added - changed)
    return recorded(tx, by, "courses", data, at, imported)


def import_schemes(tx: Session, by: Account, data: bytes, at: datetime) -> Imported:
    """Take each course's lines as its whole scheme; one that differs becomes a new version.

    Counts are schemes. Raises ImportRefused.
    """
    sheet = read_sheet(data, SCHEME_COLUMNS, EventLine)
    known = _courses(tx, by)
    wrong = consistency.unknown_courses(sheet.lines, known)
    wrong += consistency.repeated(sheet.lines, "code", lambda line: (line.course_code, line.code))
    wrong += consistency.window_errors(sheet.lines)
    consistency.refuse_any(sheet, wrong)
    schemes: dict[str, list[EventLine]] = defaultdict(list)
    for line in sheet.lines:
        schemes[line.course_code].append(line)
    added = changed = 0
    for code, lines in schemes.items():
        course = known[code]
        if newest_scheme(tx, course.id) is None:
            added += 1
        elif _same_scheme(events_in_force(tx, course.id), lines):
            continue
        else:
            changed += 1
        add_version(tx, course, [_new_event(line) for line in lines], at)
    imported = Imported(added, changed, len(schemes) - added - changed)
    return recorded(tx, by, "schemes", data, at, imported)


def import_roster(tx: Session, by: Account, data: bytes, at: datetime) -> Imported:
    """Put learners on courses; make a student account for each e-mail not known yet.

    Names and learner numbers of known students follow the file, their language does not;
    nobody is taken off a course. Counts are lines. Raises ImportRefused.
    """
    sheet = read_sheet(data, ROSTER_COLUMNS, LearnerLine)
    courses, accounts = _courses(tx, by), _accounts(tx, sheet.lines)
    wrong = consistency.unknown_courses(sheet.lines, courses)
    wrong += consistency.repeated(sheet.lines, "email", lambda line: (line.course_code, line.email))
    wrong += consistency.account_errors(sheet.lines, accounts, by.institution_id, _STUDENTS)
    wrong += _name_errors(sheet.lines) + _number_errors(tx, sheet.lines, by)
    consistency.refuse_any(sheet, wrong)
    there = _places(tx, by)
    renamed = _bring_people(tx, by, sheet.lines, accounts)
    for line in sheet.lines:
        accounts[line.email].learner_number = line.learner_number
    tx.flush()
    added = changed = 0
    for line in sheet.lines:
        place = (courses[line.course_code].id, accounts[line.email].id)
        if place not in there:
            tx.add(RosterEntry(course_id=place[0], account_id=place[1]))
            added += 1
        elif line.email in renamed:
            changed += 1
    imported = Imported(added, changed, len(sheet.lines) - added - changed)
    return recorded(tx, by, "roster", data, at, imported)


def import_staff(tx: Session, by: Account, data: bytes, at: datetime) -> Imported:
    """Assign teachers, proctors and reviewers; make an account for each e-mail not known yet.

    A known person keeps the role of the account; nobody loses an assignment. Counts are lines.
    Raises ImportRefused.
    """
    sheet = read_sheet(data, STAFF_COLUMNS, StaffLine)
    courses, accounts = _courses(tx, by), _accounts(tx, sheet.lines)
    wrong = consistency.unknown_courses(sheet.lines, courses)
    wrong += consistency.repeated(
        sheet.lines, "email", lambda line: (line.course_code, line.email, line.role)
    )
    wrong += consistency.account_errors(sheet.lines, accounts, by.institution_id, _STAFF)
    wrong += _name_errors(sheet.lines)
    consistency.refuse_any(sheet, wrong)
    renamed = _bring_people(tx, by, sheet.lines, accounts)
    tx.flush()
    added = changed = 0
    for line in sheet.lines:
        place = (courses[line.course_code].id, accounts[line.email].id, line.role)
        if tx.get(CourseStaff, place) is None:
            tx.add(CourseStaff(course_id=place[0], account_id=place[1], role=place[2]))
            added += 1
        elif line.email in renamed:
            changed += 1
    imported = Imported(added, changed, len(sheet.lines) - added - changed)
    return recorded(tx, by, "staff", data, at, imported)


def recorded(
    tx: Session, by: Account, what: str, data: bytes, at: datetime, imported: Imported
) -> Imported:
    """Write who imported what kind of file, when it changed anything."""
    tx.flush()
    if imported.added or imported.changed:
        fact = {
            "what": what,
            "by": by.id,
            "sha256": hashlib.sha256(data).hexdigest(),
            "added": imported.added,
            "changed": imported.changed,
        }
        events.append(tx, f"institution:{by.institution_id}", "imported", fact, at)
    return imported


def _courses(tx: Session, by: Account) -> dict[str, Course]:
    found = tx.scalars(select(Course).where(Course.institution_id == by.institution_id))
    return {course.code: course for course in found}


def _places(tx: Session, by: Account) -> set[tuple[str, str]]:
    rows = tx.execute(
        select(RosterEntry.course_id, RosterEntry.account_id)
        .join(Course, Course.id == RosterEntry.course_id)
        .where(Course.institution_id == by.institution_id)
    )
    return {(course_id, account_id) for course_id, account_id in rows}


def _accounts(tx: Session, lines: Sequence[LearnerLine | StaffLine]) -> dict[str, Account]:
    emails = sorted({line.email for line in lines})
    chunks = (emails[start : start + _CHUNK] for start in range(0, len(emails), _CHUNK))
    return {
        account.email: account
        for chunk in chunks
        for account in tx.scalars(select(Account).where(Account.email.in_(chunk)))
    }


def _new_course(by: Account, line: CourseLine) -> Course:
    return Course(
        institution_id=by.institution_id,
        code=line.code,
        title=line.title,
        kind=line.kind,
        policy_pack=POLICY_PACK,
        starts_on=line.starts_on,
        ends_on=line.ends_on,
    )


def _course_facts(course: Course | CourseLine) -> tuple[str, CourseKind, date, date]:
    return course.title, course.kind, course.starts_on, course.ends_on


def _new_event(line: EventLine) -> AssessmentEvent:
    return AssessmentEvent(
        code=line.code,
        title=line.title,
        kind=line.kind,
        weight=line.weight,
        mode=line.mode,
        venue=line.venue,
        opens_at=line.opens_at,
        closes_at=line.closes_at,
        duration_s=int(line.duration_minutes.total_seconds()),
        identity_plan=[technology.value for technology in line.identity_plan],
    )


def _same_scheme(old: Iterable[AssessmentEvent], lines: Iterable[EventLine]) -> bool:
    facts = {event.code: _event_facts(event) for event in old}
    return facts == {line.code: _event_facts(_new_event(line)) for line in lines}


def _event_facts(event: AssessmentEvent) -> tuple[object, ...]:
    what = (event.title, event.kind, event.weight, event.mode, event.venue)
    when = (event.opens_at, event.closes_at, event.duration_s)
    return (*what, *when, tuple(event.identity_plan))


def _bring_people(
    tx: Session,
    by: Account,
    lines: Sequence[LearnerLine | StaffLine],
    accounts: dict[str, Account],
) -> set[str]:
    """Make missing accounts, add them to *accounts*; e-mails of those whose data changes."""
    renamed = set()
    for line in lines:
        account = accounts.get(line.email)
        if account is None:
            accounts[line.email] = _new_account(by, line)
            tx.add(accounts[line.email])
        elif not _as_written(account, line):
            account.name = line.name
            renamed.add(line.email)
    return renamed


def _as_written(account: Account, line: LearnerLine | StaffLine) -> bool:
    if isinstance(line, LearnerLine) and account.learner_number != line.learner_number:
        return False
    return account.name == line.name


def _new_account(by: Account, line: LearnerLine | StaffLine) -> Account:
    account = Account(
        id=new_id(), institution_id=by.institution_id, email=line.email, name=line.name
    )
    if isinstance(line, LearnerLine):
        account.role, account.locale = Role.STUDENT, line.locale.value
        account.learner_number = line.learner_number
    else:
        account.role, account.locale = Role(line.role.value), by.locale
    return account


def _name_errors(lines: Sequence[LearnerLine | StaffLine]) -> list[RowError]:
    return consistency.contradictions(
        lines, lambda line: line.email, "name", lambda line: line.name
    )


def _number_errors(tx: Session, lines: Sequence[LearnerLine], by: Account) -> list[RowError]:
    """A learner number stands for one person of the institution."""
    errors = consistency.contradictions(
        lines, lambda line: line.email, "learner_number", lambda line: line.learner_number
    )
    errors += consistency.contradictions(
        lines, lambda line: line.learner_number, "learner_number", lambda line: line.email
    )
    holders = select(Account.learner_number, Account.email).where(
        Account.institution_id == by.institution_id, Account.learner_number.is_not(None)
    )
    held = dict(tx.execute(holders).all())
    errors += [
        refusal(line.line, "learner_number", "number_taken", line.learner_number)
        for line in lines
        if held.get(line.learner_number, line.email) != line.email
    ]
    return errors

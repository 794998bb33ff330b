"""Files of the exam office become courses, schemes, rosters and assigned staff.

The same file twice changes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from proctor.exams import consistency
from proctor.exams.intake import Effect, FileKind, Intake, effect_of
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
from proctor.exams.schemes import add_version, courses_by_code, events_of, newest_scheme
from proctor.exams.sheets import RowError, refusal
from proctor.exams.tables import AssessmentEvent, Course, CourseKind, CourseStaff, RosterEntry
from proctor.people.tables import Account, Role
from proctor.plumbing.db import new_id

POLICY_PACK = "KZ-137-2016"
_STUDENTS = frozenset({Role.STUDENT})
_STAFF = frozenset({Role.TEACHER, Role.PROCTOR, Role.REVIEWER})
# well under the 32 766 variables SQLite takes in one statement
_CHUNK = 5_000


def _plan_courses(tx: Session, by: Account, lines: Sequence[CourseLine]) -> Intake:
    """New courses are added, known ones (same code) brought to what the file says."""
    wrong = consistency.repeated(lines, "code", lambda line: line.code)
    wrong += [
        refusal(line.line, "ends_on", "ends_before_start", line.ends_on.isoformat())
        for line in lines
        if line.ends_on < line.starts_on
    ]
    if wrong:
        return Intake(wrong)
    known = courses_by_code(tx, by.institution_id)
    there = {code: _course_facts(course) for code, course in known.items()}
    effects = {line.line: effect_of(there.get(line.code), _course_facts(line)) for line in lines}

    def write(_: datetime) -> None:
        for line in lines:
            if line.code not in known:
                tx.add(_new_course(by, line))
            elif effects[line.line] is Effect.CHANGED:
                course = known[line.code]
                course.title, course.kind = line.title, line.kind
                course.starts_on, course.ends_on = line.starts_on, line.ends_on

    return Intake(effects=effects, write=write)


def _plan_schemes(tx: Session, by: Account, lines: Sequence[EventLine]) -> Intake:
    """The lines of a course are its whole scheme; one that differs becomes a new version."""
    known = courses_by_code(tx, by.institution_id)
    wrong = consistency.unknown_courses(lines, known)
    wrong += consistency.repeated(lines, "code", lambda line: (line.course_code, line.code))
    wrong += consistency.window_errors(lines)
    if wrong:
        return Intake(wrong)
    schemes: dict[str, list[EventLine]] = defaultdict(list)
    for line in lines:
        schemes[line.course_code].append(line)
    effects = {
        of_course[0].line: _scheme_effect(tx, known[code], of_course)
        for code, of_course in schemes.items()
    }

    def write(at: datetime) -> None:
        for code, of_course in schemes.items():
            if effects[of_course[0].line] is not Effect.UNCHANGED:
                add_version(tx, known[code], [_new_event(line) for line in of_course], at)

    return Intake(effects=effects, write=write)


def _scheme_effect(tx: Session, course: Course, lines: Sequence[EventLine]) -> Effect:
    scheme = newest_scheme(tx, course.id)
    known = None if scheme is None else _scheme_facts(events_of(tx, scheme.id))
    return effect_of(known, _scheme_facts(map(_new_event, lines)))


def _plan_roster(tx: Session, by: Account, lines: Sequence[LearnerLine]) -> Intake:
    """Learners are put on courses; each e-mail not known yet gets a student account.

    Names and learner numbers of known students follow the file, their language does not;
    nobody is taken off a course.
    """
    courses, accounts = courses_by_code(tx, by.institution_id), _accounts(tx, lines)
    wrong = consistency.unknown_courses(lines, courses)
    wrong += consistency.repeated(lines, "email", lambda line: (line.course_code, line.email))
    wrong += consistency.account_errors(lines, accounts, by.institution_id, _STUDENTS)
    wrong += _name_errors(lines) + _number_errors(tx, lines, by)
    if wrong:
        return Intake(wrong)
    there = _places(tx, {courses[line.course_code].id for line in lines})
    effects = _effects(
        lines,
        accounts,
        [
            account is not None and (courses[line.course_code].id, account.id) in there
            for line in lines
            for account in (accounts.get(line.email),)
        ],
    )

    def write(_: datetime) -> None:
        ids = _bring_people(tx, by, lines, accounts)
        rows = [
            {"course_id": courses[line.course_code].id, "account_id": ids[line.email]}
            for line in lines
            if effects[line.line] is Effect.ADDED
        ]
        if rows:
            tx.execute(insert(RosterEntry), rows)

    return Intake(effects=effects, write=write)


def _plan_staff(tx: Session, by: Account, lines: Sequence[StaffLine]) -> Intake:
    """Teachers, proctors and reviewers are assigned; each e-mail not known yet gets an account.

    A known person keeps the role of the account; nobody loses an assignment.
    """
    courses, accounts = courses_by_code(tx, by.institution_id), _accounts(tx, lines)
    wrong = consistency.unknown_courses(lines, courses)
    wrong += consistency.repeated(
        lines, "email", lambda line: (line.course_code, line.email, line.role)
    )
    wrong += consistency.account_errors(lines, accounts, by.institution_id, _STAFF)
    wrong += _name_errors(lines)
    if wrong:
        return Intake(wrong)
    there = [
        account is not None
        and tx.get(CourseStaff, (courses[line.course_code].id, account.id, line.role)) is not None
        for line in lines
        for account in (accounts.get(line.email),)
    ]
    effects = _effects(lines, accounts, there)

    def write(_: datetime) -> None:
        ids = _bring_people(tx, by, lines, accounts)
        for line in lines:
            if effects[line.line] is Effect.ADDED:
                place = {"course_id": courses[line.course_code].id, "account_id": ids[line.email]}
                tx.add(CourseStaff(**place, role=line.role))

    return Intake(effects=effects, write=write)


def _effects(
    lines: Sequence[LearnerLine | StaffLine],
    accounts: Mapping[str, Account],
    there: Sequence[bool],
) -> dict[int, Effect]:
    """What becomes of each person on a course. ``there``: whether they are on it already."""
    effects = {}
    for line, is_there in zip(lines, there, strict=True):
        if not is_there:
            effects[line.line] = Effect.ADDED
        else:
            same = _as_written(accounts[line.email], line)
            effects[line.line] = Effect.UNCHANGED if same else Effect.CHANGED
    return effects


def _places(tx: Session, courses: set[str]) -> set[tuple[str, str]]:
    query = select(RosterEntry.course_id, RosterEntry.account_id)
    rows = tx.execute(query.where(RosterEntry.course_id.in_(courses)))
    return {(course_id, account_id) for course_id, account_id in rows}


def _accounts(tx: Session, lines: Sequence[LearnerLine | StaffLine]) -> dict[str, Account]:
    return {
        account.email: account
        for chunk in _chunks({line.email for line in lines})
        for account in tx.scalars(select(Account).where(Account.email.in_(chunk)))
    }


def _chunks(names: set[str]) -> Iterator[list[str]]:
    ordered = sorted(names)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


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


def _scheme_facts(scheme: Iterable[AssessmentEvent]) -> dict[str, tuple[object, ...]]:
    return {event.code: _event_facts(event) for event in scheme}


def _event_facts(event: AssessmentEvent) -> tuple[object, ...]:
    what = (event.title, event.kind, event.weight, event.mode, event.venue)
    when = (event.opens_at, event.closes_at, event.duration_s)
    return (*what, *when, tuple(event.identity_plan))


def _bring_people(
    tx: Session,
    by: Account,
    lines: Sequence[LearnerLine | StaffLine],
    accounts: Mapping[str, Account],
) -> dict[str, str]:
    """Make missing accounts and bring known ones to what the lines say; ids by e-mail."""
    ids = {email: account.id for email, account in accounts.items()}
    new = []
    for line in lines:
        if line.email not in ids:
            row = _new_account(by, line)
            new.append(row)
            ids[line.email] = row["id"]
        elif line.email in accounts:
            account = accounts[line.email]
            account.name = line.name
            if isinstance(line, LearnerLine):
                account.learner_number = line.learner_number
    tx.flush()
    if new:
        tx.execute(insert(Account), new)
    return ids


def _as_written(account: Account, line: LearnerLine | StaffLine) -> bool:
    if isinstance(line, LearnerLine) and account.learner_number != line.learner_number:
        return False
    return account.name == line.name


def _new_account(by: Account, line: LearnerLine | StaffLine) -> dict[str, Any]:
    known = {"institution_id": by.institution_id, "email": line.email, "name": line.name}
    if isinstance(line, LearnerLine):
        role, locale, number = Role.STUDENT, line.locale.value, line.learner_number
    else:
        role, locale, number = Role(line.role.value), by.locale, None
    return {"id": new_id(), **known, "role": role, "locale": locale, "learner_number": number}


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
        Account.institution_id == by.institution_id
    )
    held = {
        number: email
        for chunk in _chunks({line.learner_number for line in lines})
        for number, email in tx.execute(holders.where(Account.learner_number.in_(chunk)))
    }
    errors += [
        refusal(line.line, "learner_number", "number_taken", line.learner_number)
        for line in lines
        if held.get(line.learner_number, line.email) != line.email
    ]
    return errors


COURSES = FileKind("courses", COURSE_COLUMNS, CourseLine, _plan_courses)
SCHEMES = FileKind("schemes", SCHEME_COLUMNS, EventLine, _plan_schemes, ("course_code",))
ROSTER = FileKind("roster", ROSTER_COLUMNS, LearnerLine, _plan_roster)
STAFF = FileKind("staff", STAFF_COLUMNS, StaffLine, _plan_staff)

from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proctor import catalogue, events
from proctor.exams import imports
from proctor.exams.intake import Imported, Stale, commit, preview
from proctor.exams.schemes import events_in_force, newest_scheme
from proctor.exams.sheets import ImportRefused
from proctor.exams.tables import Course, RosterEntry
from proctor.people.tables import Account
from tests.support.intake import take_in

pytestmark = pytest.mark.db

COURSES = b"""code,title,kind,starts_on,ends_on
DL,Digital literacy,mooc,2026-09-01,2026-12-20
MA,Mathematics,blended,2026-09-01,2026-12-20
"""
HEADER = "course_code,email,name,learner_number,locale"
SCHEME = (
    "course_code,code,title,kind,weight,mode,venue,opens_at,closes_at,duration_minutes,"
    "identity_plan"
)


@pytest.fixture
def courses(tx: Session, office: Account, now: datetime) -> dict[str, Course]:
    take_in(tx, imports.COURSES, office, COURSES, now)
    return {course.code: course for course in tx.scalars(select(Course))}


def roster(count: int, **wrong: str) -> bytes:
    """Lines 2 to count + 1; those named ``line_N`` read as given."""
    lines = {n: f"DL,s{n}@example.org,Student {n},N-{n},kk" for n in range(2, count + 2)}
    lines |= {int(name.removeprefix("line_")): text for name, text in wrong.items()}
    return "\n".join([HEADER, *[lines[n] for n in sorted(lines)]]).encode()


def event(course: str, code: str, weight: str = "50") -> str:
    when = "2026-12-10T09:00+05:00,2026-12-10T12:00+05:00"
    return f"{course},{code},{code},final,{weight},sync,online,{when},90,proctoring"


def scheme(*lines: str) -> bytes:
    return "\n".join([SCHEME, *lines]).encode()


def test_forty_wrong_lines_of_five_thousand_are_named_by_line_and_column(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    spoilt = {
        line: (
            ("course_code", f"XX,s{line}@example.org,Student,N-{line},kk"),
            ("email", f"DL,s{line}example.org,Student,N-{line},kk"),
            ("name", f"DL,s{line}@example.org,,N-{line},kk"),
            ("learner_number", f"DL,s{line}@example.org,Student,N-{line - 1},kk"),
            ("locale", f"DL,s{line}@example.org,Student,N-{line},de"),
        )[line // 125 % 5]
        for line in range(100, 5_001, 125)
    }
    data = roster(5_000, **{f"line_{line}": text for line, (_, text) in spoilt.items()})
    seen = preview(tx, imports.ROSTER, office, data)
    assert [(e.line, e.column) for e in seen.errors] == [(n, c) for n, (c, _) in spoilt.items()]
    assert {error.key for error in seen.errors} <= catalogue.known_keys()
    assert seen.left_out == spoilt.keys()
    assert (len(spoilt), seen.counts) == (40, Imported(4_960, 0, 0))
    with pytest.raises(ImportRefused) as refusal:
        commit(tx, imports.ROSTER, office, data, now, digest=seen.digest)
    assert len(refusal.value.errors) == 40
    assert tx.scalar(select(func.count()).select_from(RosterEntry)) == 0
    done = commit(tx, imports.ROSTER, office, data, now, digest=seen.digest, leave_out=True)
    assert done == seen.counts
    assert tx.scalar(select(func.count()).select_from(RosterEntry)) == 4_960
    *_, imported = events.read(tx, "institution:home")
    assert (imported.payload["added"], imported.payload["left_out"]) == (4_960, 40)


def test_only_what_was_previewed_is_taken(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    digest = preview(tx, imports.ROSTER, office, roster(3)).digest
    with pytest.raises(Stale):
        commit(tx, imports.ROSTER, office, roster(4), now, digest=digest)
    take_in(tx, imports.ROSTER, office, roster(1), now)
    with pytest.raises(Stale):
        commit(tx, imports.ROSTER, office, roster(3), now, digest=digest)
    assert tx.scalar(select(func.count()).select_from(RosterEntry)) == 1


def test_a_line_wrong_only_because_of_another_is_left_out_too(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    data = roster(3, line_3="DL,s2@example.org,Student 2,N-2,kk")
    seen = preview(tx, imports.ROSTER, office, data)
    assert [(e.line, e.column, e.value) for e in seen.errors] == [(3, "email", "2")]
    assert sorted(seen.effects) == [2, 4]


def test_a_scheme_with_a_wrong_line_is_left_out_whole(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    data = scheme(event("DL", "quiz"), event("DL", "final", "-1"), event("MA", "final", "100"))
    seen = preview(tx, imports.SCHEMES, office, data)
    assert (seen.left_out, seen.counts) == ({2, 3}, Imported(1, 0, 0))
    commit(tx, imports.SCHEMES, office, data, now, digest=seen.digest, leave_out=True)
    assert newest_scheme(tx, courses["DL"].id) is None
    assert [e.code for e in events_in_force(tx, courses["MA"].id)] == ["final"]


@pytest.mark.parametrize("line", [event("DI", "final"), event("", "final"), "DL,final"])
def test_a_line_of_nobody_knows_which_scheme_stops_them_all(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime, line: str
) -> None:
    data = scheme(event("DL", "quiz"), line, event("MA", "final", "100"))
    seen = preview(tx, imports.SCHEMES, office, data)
    assert (seen.left_out, seen.effects) == ({2, 3, 4}, {})
    with pytest.raises(ImportRefused):
        commit(tx, imports.SCHEMES, office, data, now, digest=seen.digest, leave_out=True)

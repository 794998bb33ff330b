"""Who is told what, and when: incidents to explain, the end of the time for it, decisions."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from proctor.people.notices import NoticeKind, notices_of, see_all, unseen
from proctor.plumbing.db import Database
from proctor.review import statements
from proctor.review.looks import record_view
from proctor.review.reminders import REMINDED, remind
from proctor.review.tables import Decision
from proctor.review.verdicts import add_verdict, decide_identity, decide_incident
from proctor.sittings.tables import SittingState
from proctor.vault import Vault
from tests.support.cast import NOON, Cast, assemble
from tests.support.sittings import incident_of, sitting_of

pytestmark = pytest.mark.db

REASON = "It is plain in the recording."
SOON = NOON + statements.OPEN_FOR - REMINDED


def kinds(tx: Session, cast: Cast) -> list[NoticeKind]:
    return [notice.kind for notice in reversed(notices_of(tx, cast.alice.id))]


def test_students_are_told_once_what_they_may_answer_and_before_the_time_is_over(
    database: Database,
) -> None:
    with database.transaction() as tx:
        cast = assemble(tx)
        incident_of(tx, sitting_of(tx, cast, cast.alice, NOON), "paste", 5, 5)
        # nothing to explain, and nothing finished
        sitting_of(tx, cast, cast.bob, NOON)
        running = sitting_of(tx, cast, cast.charlie, NOON, SittingState.RUNNING)
        incident_of(tx, running, "paste", 5, 5)

    def told_at(now: datetime) -> int:
        return remind(database, now)

    found = [told_at(NOON), told_at(NOON), told_at(SOON - timedelta(hours=1)), told_at(SOON)]

    # the first time with both reviewers
    assert found == [3, 0, 0, 1]
    assert told_at(SOON + timedelta(hours=1)) == 0
    with database.reading() as tx:
        assert kinds(tx, cast) == [NoticeKind.ANSWER, NoticeKind.DEADLINE]
        assert unseen(tx, cast.bob.id) == unseen(tx, cast.charlie.id) == 0
        (_, notice) = notices_of(tx, cast.alice.id)
        until = (NOON + statements.OPEN_FOR).isoformat()
        assert notice.values == {"exam": "Final", "until": until}


def test_who_answered_is_not_reminded(database: Database) -> None:
    vault = Vault(bytes(32))
    with database.transaction() as tx:
        cast = assemble(tx)
        sitting = sitting_of(tx, cast, cast.alice, NOON)
        row = incident_of(tx, sitting, "paste", 5, 5)
        statements.answer(tx, vault, sitting, row.id, "I moved my own paragraph.", NOON)

    assert remind(database, SOON) == 0


def test_nobody_explains_what_was_dismissed(database: Database) -> None:
    with database.transaction() as tx:
        cast = assemble(tx)
        sitting = sitting_of(tx, cast, cast.alice, NOON)
        row = incident_of(tx, sitting, "paste", 5, 5)
        given = [Decision.CONFIRMED, Decision.DISMISSED]
        for minute, decision in enumerate(given):
            at = NOON + timedelta(minutes=minute)
            add_verdict(tx, cast.rita, sitting, row.id, decision, REASON, at)
    remind(database, NOON + timedelta(hours=1))
    assert remind(database, SOON) == 0
    with database.transaction() as tx:
        assert kinds(tx, cast) == [NoticeKind.DECISION]
        at = NOON + timedelta(hours=2)
        add_verdict(tx, cast.rustam, sitting, row.id, Decision.CONFIRMED, REASON, at)
    assert remind(database, SOON) == 1


def test_an_exam_of_long_ago_is_told_of_no_more(database: Database) -> None:
    with database.transaction() as tx:
        cast = assemble(tx)
        incident_of(tx, sitting_of(tx, cast, cast.alice, NOON), "paste", 5, 5)

    assert remind(database, NOON + timedelta(days=2)) == 0


def test_decisions_are_told_once_until_they_are_read(tx: Session) -> None:
    cast = assemble(tx)
    sitting = sitting_of(tx, cast, cast.alice, NOON)
    rows = [incident_of(tx, sitting, "paste", second, second) for second in range(3)]
    record_view(tx, cast.rita.id, sitting.id, "recording", "camera", NOON)
    for row in rows[:2]:
        decide_incident(tx, cast.rita, sitting, row.id, Decision.DISMISSED, REASON, NOON)
    assert kinds(tx, cast) == [NoticeKind.DECISION]

    see_all(tx, cast.alice.id, NOON)
    assert unseen(tx, cast.alice.id) == 0
    decide_incident(tx, cast.rita, sitting, rows[2].id, Decision.CONFIRMED, REASON, NOON)
    assert unseen(tx, cast.alice.id) == 1


def test_what_waits_for_a_second_person_is_told_when_it_is_decided(tx: Session) -> None:
    cast = assemble(tx)
    sitting = sitting_of(tx, cast, cast.alice, NOON)
    for person in (cast.rita, cast.rustam):
        record_view(tx, person.id, sitting.id, "recording", "camera", NOON)

    decide_identity(tx, cast.rita, sitting, Decision.VOID, REASON, NOON)
    assert kinds(tx, cast) == []
    later = NOON + timedelta(minutes=1)
    decide_identity(tx, cast.rustam, sitting, Decision.VOID, REASON, later)
    assert kinds(tx, cast) == [NoticeKind.DECISION]

"""A student's samples and recordings are erased when they ask, and it is told what stays."""

import json
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from shutil import copy

import numpy as np
import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import LargeBinary, delete, select
from sqlalchemy.orm import Session

from keystroke.presses import Presses
from keystroke.template import Sums
from proctor import events
from proctor.identity.tables import CheckResult, IdentityCheck, Modality, Reference, TypingSample
from proctor.observations import Track
from proctor.people import consents
from proctor.people.tables import Account, Purpose
from proctor.plumbing.db import Base, Database
from proctor.retention import erasure, holds
from proctor.retention.erasure import ErasureAsked, ErasureHeld
from proctor.retention.export import held_of
from proctor.retention.rules import Why
from proctor.retention.sweep import go_on
from proctor.retention.tables import Erasure
from proctor.review import statements
from proctor.review.tables import Decision, Statement, Verdict
from proctor.sittings import desk, interventions
from proctor.sittings.tables import Act, Answer, Expiry, Sitting, SittingState
from proctor.vault import SubjectKey, Vault
from tests.support.cast import NOON, Cast, assemble
from tests.support.exam_course import MEASURED
from tests.support.references import reference_of
from tests.support.sittings import incident_of, record_track, sitting_of

pytestmark = pytest.mark.db
VAULT = Vault(bytes(32))
REASON = "The recording shows it plainly."
WORDS = "My brother walked through the room."
LATER = NOON + timedelta(hours=1)


def typed() -> Sums:
    """Three hundred keys, each down for 90 ms, pressed every 150 ms."""
    zones = np.resize([3, 16, 6, 24], 300)
    return Sums.from_presses(
        Presses.of_keyboard(np.full(300, 150.0), zones, np.full(300, 90.0), 1.0)
    )


@pytest.fixture
def sitting(database: Database, cast: Cast, root: Path) -> Sitting:
    """Alice's sitting with something of every kind that is sealed, all of it decided."""
    with database.transaction() as tx:
        made = sitting_of(tx, cast, cast.alice, NOON)
        incident = incident_of(tx, made, "paste", 3.0, 3.0, chars=40)
        record_track(tx, made, root, Track.CAMERA, seconds=1, plain=True)
        sealed = VAULT.seal(tx, cast.alice.id, "reference", b"template")
        reference_of(tx, cast.alice, NOON, sealed=sealed)
        typing = VAULT.seal(tx, cast.alice.id, "typing-sample", typed().to_bytes())
        tx.add(TypingSample(sitting_id=made.id, n_keys=300, sealed=typing))
        check = IdentityCheck(sitting_id=made.id, modality=Modality.KEYSTROKE, at_s=30.0)
        check.result, check.n_keys, check.measured = CheckResult.MATCH, 300, MEASURED
        tx.add(check)
        answer = VAULT.seal(tx, cast.alice.id, desk.SEAL, b"Forty-two")
        tx.add(
            Answer(
                sitting_id=made.id,
                question_id=cast.essay.id,
                revision=1,
                saved_at=NOON,
                sealed=answer,
            )
        )
        consents.record(tx, VAULT, cast.alice.id, dict.fromkeys(Purpose, True), "en", NOON)
        statements.answer(tx, VAULT, made, incident.id, WORDS, NOON)
        for incident_id, decision in (
            (incident.id, Decision.DISMISSED),
            (None, Decision.VERIFIED),
        ):
            tx.add(
                Verdict(
                    sitting_id=made.id,
                    incident_id=incident_id,
                    reviewer_id=cast.rita.id,
                    decision=decision,
                    reason=REASON,
                    at=NOON,
                )
            )
        return made


def confirmed(database: Database, cast: Cast) -> str:
    with database.transaction() as tx:
        row = erasure.ask(tx, cast.alice, NOON)
    with database.transaction() as tx:
        erasure.confirm(tx, VAULT, cast.olga, row.id, LATER)
    return row.id


def test_samples_and_recordings_go_and_the_rest_stays_readable(
    database: Database, cast: Cast, root: Path, sitting: Sitting
) -> None:
    with database.reading() as tx:
        old = tx.get_one(SubjectKey, cast.alice.id).wrapped
        template = tx.scalars(select(Reference.sealed)).one()
    confirmed(database, cast)
    go_on(database, root, LATER)
    assert list(root.iterdir()) == []
    with database.reading() as tx:
        assert tx.scalars(select(Reference)).all() == []
        assert tx.scalars(select(TypingSample)).all() == []
        assert tx.scalars(select(IdentityCheck.measured)).all() == [None]
        with pytest.raises(InvalidTag):
            VAULT.open(tx, cast.alice.id, "reference", template)
        answer = tx.scalars(select(Answer)).one()
        assert VAULT.open(tx, cast.alice.id, desk.SEAL, answer.sealed) == b"Forty-two"
        assert all(consents.current(tx, VAULT, cast.alice.id).values())
        (said,) = statements.said_of(tx, VAULT, tx.get_one(Sitting, sitting.id))
        assert said.text == WORDS
        assert len(tx.scalars(select(Verdict)).all()) == 2
        for stream in (sitting.id, f"account:{cast.alice.id}"):
            assert events.verify(tx, stream) is None
    if database.engine.dialect.name == "sqlite":
        stored = [path.read_bytes() for path in root.parent.glob("test.db*")]
        assert not any(lost in data for lost in (old, template) for data in stored)


def test_the_receipt_says_what_was_erased_and_its_hash_is_in_the_chain(
    database: Database, cast: Cast, root: Path, sitting: Sitting
) -> None:
    erasure_id = confirmed(database, cast)
    with database.reading() as tx:
        assert tx.get_one(Erasure, erasure_id).done_at is None
    go_on(database, root, LATER)
    with database.reading() as tx:
        row = tx.get_one(Erasure, erasure_id)
        (done,) = events.read(tx, f"account:{cast.alice.id}", "erasure_done")
        (gone,) = events.read(tx, sitting.id, "evidence_expired")
        assert tx.get_one(Expiry, sitting.id).on_request
    assert gone.payload["on_request"]
    told = json.loads(erasure.receipt_bytes(row))
    (of_sitting,) = told["erased"]["sittings"]
    assert list(of_sitting["files"]) == [f"{sitting.id}/camera-001.webm"]
    assert [each["modality"] for each in told["erased"]["samples"]] == ["face"]
    assert told["erased"]["typing_in_exams"] == 1
    assert "decisions" in told["stays"]
    assert done.payload["receipt"] == sha256(erasure.receipt_bytes(row)).hexdigest()


def test_the_receipt_waits_until_the_log_of_writes_is_empty(
    tmp_path: Path, migrated: Path, root: Path
) -> None:
    database = Database(f"sqlite:///{copy(migrated, tmp_path / 'test.db')}")
    with database.transaction() as tx:
        cast = assemble(tx)
        VAULT.seal(tx, cast.alice.id, "reference", b"template")
        old = tx.get_one(SubjectKey, cast.alice.id).wrapped
    with database.reading() as reader:
        reader.scalars(select(Account)).all()
        erasure_id = confirmed(database, cast)
        go_on(database, root, LATER)
        with database.reading() as tx:
            assert tx.get_one(Erasure, erasure_id).done_at is None
    go_on(database, root, LATER)
    with database.reading() as tx:
        assert tx.get_one(Erasure, erasure_id).done_at == LATER
    assert not any(old in path.read_bytes() for path in tmp_path.glob("test.db*"))
    database.close()


def test_the_file_shows_nothing_staff_say_among_themselves(
    database: Database, cast: Cast, sitting: Sitting
) -> None:
    with database.transaction() as tx:
        for act, words in ((Act.END_ASKED, "It is his brother."), (Act.MESSAGE, "More light.")):
            interventions.add(tx, VAULT, sitting, act, cast.rita, NOON, words=words)
        events.record_access(tx, viewer_id=cast.rita.id, stream=sitting.id, what="camera", at=NOON)
        until = LATER + timedelta(days=9)
        hold = holds.ask(tx, cast.olga, cast.alice, REASON, until, NOON)
    with database.reading() as tx:
        held = held_of(tx, VAULT, cast.alice, LATER)
    assert [each["words"] for each in held["sittings"][0]["messages"]] == ["More light."]
    kinds = [each["kind"] for each in held["sittings"][0]["events"]]
    assert kinds.count("intervention") == 1
    assert "hold_asked" not in {each["kind"] for each in held["events"]}
    assert not any(each.id in json.dumps(held) for each in (cast.rita, cast.olga))
    with database.transaction() as tx:
        holds.confirm(tx, cast.rita, hold.id, NOON)
        held = held_of(tx, VAULT, cast.alice, LATER)
    assert "hold_asked" in {each["kind"] for each in held["events"]}
    assert not any(each.id in json.dumps(held) for each in (cast.rita, cast.olga))


def test_the_measurements_of_the_order_are_in_it_by_name(
    database: Database, cast: Cast, sitting: Sitting
) -> None:
    with database.transaction() as tx:
        (held,) = held_of(tx, VAULT, cast.alice, LATER)["sittings"]
        assert held["typing"] == {"keys": 300, **MEASURED}
        # a sitting of before they were kept beside the comparison
        tx.scalars(select(IdentityCheck)).one().measured = None
        (held,) = held_of(tx, VAULT, cast.alice, LATER)["sittings"]
    assert held["typing"] == {
        "keys": 300,
        "typing_speed_kpm": 400.0,
        "key_press_ms": pytest.approx(90.0, abs=0.1),
        "pause_within_words_ms": 60.0,
        "pause_between_words_ms": 60.0,
        "rhythm_variation": 0.0,
    }


def add_verdict(
    tx: Session, by: Account, sitting_id: str, incident_id: str | None, decision: Decision
) -> None:
    given = Verdict(sitting_id=sitting_id, incident_id=incident_id, reviewer_id=by.id, at=NOON)
    given.decision, given.reason = decision, REASON
    tx.add(given)
    tx.flush()


def held_by(tx: Session, cast: Cast) -> set[Why]:
    return set(erasure.held_by(tx, cast.alice, LATER))


def test_nothing_is_erased_while_something_is_open(
    database: Database, cast: Cast, root: Path, sitting: Sitting
) -> None:
    with database.transaction() as tx:
        row = erasure.ask(tx, cast.alice, NOON)
        other = Sitting(
            event_id=sitting.event_id,
            account_id=cast.alice.id,
            attempt=2,
            state=SittingState.RUNNING,
            sign_in_id="0" * 32,
            created_at=NOON,
        )
        tx.add(other)
        tx.flush()
        assert held_by(tx, cast) == {Why.UNDER_WAY}
        with pytest.raises(ErasureHeld):
            erasure.confirm(tx, VAULT, cast.olga, row.id, LATER)
        other.state, other.finished_at = SittingState.FINISHED, NOON
        add_verdict(tx, cast.rita, other.id, None, Decision.VERIFIED)
        assert held_by(tx, cast) == set()
        incident_of(tx, sitting, "paste", 9.0, 9.0, chars=4)
        hold = holds.ask(tx, cast.olga, cast.alice, REASON, LATER + timedelta(days=9), NOON)
        holds.confirm(tx, cast.rita, hold.id, NOON)
        assert held_by(tx, cast) == {Why.IN_REVIEW, Why.LEGAL_HOLD}


@pytest.mark.parametrize(
    ("state", "paused_at", "now", "held"),
    [
        (SittingState.CREATED, None, LATER, True),
        (SittingState.CHECKING, None, LATER, True),
        (SittingState.CHECKING, None, NOON + timedelta(hours=3), False),
        (SittingState.SUSPENDED, NOON, LATER, True),
        (SittingState.SUSPENDED, None, LATER, False),
    ],
)
def test_nothing_is_erased_while_an_exam_can_go_on(
    database: Database,
    cast: Cast,
    state: SittingState,
    paused_at: datetime | None,
    now: datetime,
    held: bool,
) -> None:
    with database.transaction() as tx:
        made = sitting_of(tx, cast, cast.alice, NOON, state)
        # older than any exam
        made.created_at, made.paused_at = NOON - timedelta(days=2), paused_at
        tx.flush()
        assert (Why.UNDER_WAY in erasure.held_by(tx, cast.alice, now)) is held


def test_an_erased_sitting_is_not_gone_on_with(database: Database, cast: Cast) -> None:
    with database.transaction() as tx:
        made = sitting_of(tx, cast, cast.alice, NOON, SittingState.CHECKING)
        tx.add(Expiry(sitting_id=made.id, on_request=False, due_at=NOON, at=NOON))
        tx.flush()
        again = desk.open_sitting(tx, made.event_id, cast.alice.id, "1" * 32, LATER)
        assert (again.id == made.id, again.attempt, again.state) == (False, 2, "created")


def test_nothing_is_erased_while_a_decision_can_be_appealed(
    database: Database, cast: Cast, root: Path, sitting: Sitting
) -> None:
    with database.transaction() as tx:
        incident = incident_of(tx, sitting, "paste", 9.0, 9.0, chars=4)
        for who in (cast.rita, cast.olga):
            add_verdict(tx, who, sitting.id, incident.id, Decision.CONFIRMED)
        row = erasure.ask(tx, cast.alice, LATER)
        assert held_by(tx, cast) == {Why.APPEALABLE}
        with pytest.raises(ErasureHeld):
            erasure.confirm(tx, VAULT, cast.olga, row.id, LATER)
        statements.appeal(tx, VAULT, sitting, incident.id, WORDS, LATER)
        assert held_by(tx, cast) == {Why.APPEALED}
        over = NOON + statements.OPEN_FOR + timedelta(seconds=1)
        ids = select(Statement.id).where(Statement.is_appeal)
        tx.execute(delete(Statement).where(Statement.id.in_(ids)))
        assert erasure.held_by(tx, cast.alice, over) == set()


def test_a_request_is_made_once_and_taken_back_until_it_is_confirmed(
    database: Database, cast: Cast, sitting: Sitting
) -> None:
    with database.transaction() as tx:
        erasure.ask(tx, cast.alice, NOON)
        with pytest.raises(ErasureAsked):
            erasure.ask(tx, cast.alice, NOON)
        erasure.withdraw(tx, cast.alice, NOON)
        assert erasure.waiting(tx, cast.institution.id) == []
    confirmed(database, cast)
    with database.transaction() as tx, pytest.raises(ErasureAsked):
        erasure.withdraw(tx, cast.alice, LATER)


def test_everything_that_is_sealed_is_erased_or_sealed_anew() -> None:
    sealed = {
        table.name
        for table in Base.metadata.tables.values()
        if "sealed" in table.columns and isinstance(table.columns["sealed"].type, LargeBinary)
    }
    erased = {"identity_references", "sentence_samples", "typing_samples"}
    anew = {"consents", "statements", "answers", "interventions"}
    # of staff, who have no samples
    assert sealed - {"import_drafts"} == erased | anew

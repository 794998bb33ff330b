"""Recordings, clips, typing and references go when they are due; what was decided stays."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.identity.tables import (
    CheckResult,
    IdentityCheck,
    Modality,
    Reference,
    ReferenceState,
    TypingSample,
)
from proctor.media.tables import Recording
from proctor.observations import Track
from proctor.people.tables import Account
from proctor.plumbing.db import Database, hold
from proctor.retention import erasure, holds
from proctor.retention import sweep as sweeping
from proctor.retention.due import find_due
from proctor.retention.facts import standing_of
from proctor.retention.reconcile import differences
from proctor.retention.rules import Kept, Why
from proctor.retention.sweep import Swept, sweep
from proctor.retention.terms import TermRefused, set_term, terms_of
from proctor.review.tables import Decision, Statement, Verdict
from proctor.sittings.tables import Expiry, Sitting, SittingState
from proctor.vault import Vault
from tests.support.cast import NOON, Cast, assemble
from tests.support.exam_course import MEASURED
from tests.support.postgres import Postgres
from tests.support.references import reference_of
from tests.support.sittings import cut_clips, incident_of, record_track, sitting_of

pytestmark = pytest.mark.db

# the course ends on 31 December in Almaty; a month later
DUE = datetime(2027, 1, 31, 19, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
REASON = "The recording shows it plainly."


def decided(tx: Session, cast: Cast, sitting: Sitting, at: datetime = NOON, **more: object) -> None:
    fields = {"decision": Decision.VERIFIED, "reviewer_id": cast.rita.id, **more}
    tx.add(Verdict(sitting_id=sitting.id, reason=REASON, at=at, **fields))
    tx.flush()


def held_sitting(tx: Session, cast: Cast, root: Path, learner: Account | None = None) -> Sitting:
    """A sitting of which everything was decided, with files of both tracks and a clip."""
    sitting = sitting_of(tx, cast, learner or cast.alice, NOON)
    incident = incident_of(tx, sitting, "multiple_faces", 10.0, 14.0, faces=2)
    for track in Track:
        record_track(tx, sitting, root, track, seconds=12, plain=True)
    cut_clips(tx, sitting, root)
    tx.add(TypingSample(sitting_id=sitting.id, n_keys=300, sealed=b"sums"))
    tx.add(typing_check(sitting))
    decided(tx, cast, sitting, incident_id=incident.id, decision=Decision.DISMISSED)
    decided(tx, cast, sitting)
    return sitting


@pytest.fixture
def sitting(database: Database, cast: Cast, root: Path) -> Sitting:
    with database.transaction() as tx:
        return held_sitting(tx, cast, root)


def typing_check(sitting: Sitting) -> IdentityCheck:
    return IdentityCheck(
        sitting_id=sitting.id,
        modality=Modality.KEYSTROKE,
        at_s=30.0,
        result=CheckResult.MATCH,
        n_keys=300,
        measured=MEASURED,
    )


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def swept(database: Database, root: Path, now: datetime) -> Swept:
    return sweep(database, root, now, 50)


def test_files_go_at_the_end_of_the_term_and_not_a_second_before(
    database: Database, cast: Cast, root: Path, sitting: Sitting
) -> None:
    assert len(files(root)) == 8
    early = swept(database, root, DUE - SECOND)
    assert (early.sittings, len(files(root))) == ([], 8)
    done = swept(database, root, DUE)
    assert done.sittings == [sitting.id]
    assert list(root.iterdir()) == []
    assert swept(database, root, DUE + SECOND) == Swept()


def test_hashes_decisions_and_the_chain_stay(
    database: Database, cast: Cast, root: Path, sitting: Sitting
) -> None:
    swept(database, root, DUE)
    with database.reading() as tx:
        assert tx.get(TypingSample, sitting.id) is None
        check = tx.scalars(select(IdentityCheck)).one()
        assert (check.result, check.n_keys, check.measured) == (CheckResult.MATCH, 300, None)
        assert len(tx.scalars(select(Verdict)).all()) == 2
        rows = tx.scalars(select(Recording)).all()
        (fact,) = events.read(tx, sitting.id, "evidence_expired")
        assert events.verify(tx, sitting.id) is None
        expiry = tx.get_one(Expiry, sitting.id)
    hashes = {row.path: row.sha256 for row in rows}
    assert len(hashes) == 2
    assert hashes.items() <= fact.payload["files"].items()
    # two clips beside them
    assert len(fact.payload["files"]) == 4
    assert (fact.payload["unnamed"], fact.payload["typing"]) == (0, True)
    assert (fact.payload["on_request"], expiry.on_request) == (False, False)
    assert (expiry.due_at, expiry.at, expiry.done_at) == (DUE, DUE, DUE)


@pytest.mark.parametrize("killed_at", ["before", "between", "after"])
def test_a_sweep_that_was_killed_is_gone_on_with(
    database: Database,
    cast: Cast,
    root: Path,
    sitting: Sitting,
    killed_at: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def killed(*_: object) -> int:
        if killed_at == "between":
            sorted((root / sitting.id).iterdir())[0].unlink()
        if killed_at == "after":
            unlink(root, sitting.id, set())
        raise KeyboardInterrupt

    unlink = sweeping._unlink
    with monkeypatch.context() as patch:
        patch.setattr(sweeping, "_unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            swept(database, root, DUE)
    with database.reading() as tx:
        assert tx.get_one(Expiry, sitting.id).done_at is None
    later = swept(database, root, DUE + SECOND)
    assert (later.sittings, files(root)) == ([sitting.id], [])
    with database.reading() as tx:
        assert len(events.read(tx, sitting.id, "evidence_expired")) == 1


def test_a_file_that_cannot_be_unlinked_is_told_and_tried_again(
    database: Database, cast: Cast, root: Path, sitting: Sitting
) -> None:
    strange = root / sitting.id / "strange"
    strange.mkdir()
    assert swept(database, root, DUE).failed == [sitting.id]
    strange.rmdir()
    assert swept(database, root, DUE + SECOND).sittings == [sitting.id]


def test_what_lies_beside_the_recordings_of_a_sitting_goes_too_and_is_counted(
    database: Database, cast: Cast, root: Path, sitting: Sitting
) -> None:
    (root / sitting.id / "clip-torn.webm.part").write_bytes(b"half a clip")
    swept(database, root, DUE)
    with database.reading() as tx:
        (fact,) = events.read(tx, sitting.id, "evidence_expired")
    assert (fact.payload["unnamed"], files(root)) == (1, [])


def why(database: Database, sitting: Sitting, now: datetime) -> set[Why]:
    with database.reading() as tx:
        return set(standing_of(tx, tx.get_one(Sitting, sitting.id), now).why_not_yet(now))


def test_an_undecided_incident_holds(
    database: Database, cast: Cast, root: Path, sitting: Sitting
) -> None:
    with database.transaction() as tx:
        found = incident_of(tx, sitting, "paste", 3.0, 3.0, chars=40)
    assert why(database, sitting, DUE) == {Why.IN_REVIEW}
    assert swept(database, root, DUE).held == {Why.IN_REVIEW: 1}
    with database.transaction() as tx:
        decided(tx, cast, sitting, incident_id=found.id, decision=Decision.CONFIRMED, at=DUE)
    assert why(database, sitting, DUE + timedelta(days=10) - SECOND) == {Why.APPEALABLE}
    assert why(database, sitting, DUE + timedelta(days=10)) == set()


def test_a_decision_that_waits_for_a_second_person_holds(
    database: Database, cast: Cast, sitting: Sitting
) -> None:
    with database.transaction() as tx:
        decided(tx, cast, sitting, decision=Decision.VOID, at=NOON + SECOND)
    assert why(database, sitting, DUE) == {Why.SECOND_PERSON, Why.IDENTITY_PENDING}


def test_an_appeal_nobody_ruled_on_holds(database: Database, cast: Cast, sitting: Sitting) -> None:
    with database.transaction() as tx:
        tx.add(Statement(sitting_id=sitting.id, is_appeal=True, sealed=b"words", at=NOON))
    assert why(database, sitting, DUE) == {Why.APPEALED}


def test_an_identity_nobody_decided_holds(database: Database, cast: Cast, root: Path) -> None:
    with database.transaction() as tx:
        sitting = sitting_of(tx, cast, cast.bob, NOON)
        record_track(tx, sitting, root, Track.CAMERA, seconds=1, plain=True)
    assert why(database, sitting, DUE) == {Why.IDENTITY_PENDING}


def test_an_exam_that_goes_on_holds_and_one_that_never_began_does_not(
    database: Database, cast: Cast, root: Path
) -> None:
    with database.transaction() as tx:
        running = sitting_of(tx, cast, cast.alice, NOON, SittingState.RUNNING)
        checking = sitting_of(tx, cast, cast.bob, NOON, SittingState.CHECKING)
        record_track(tx, checking, root, Track.CAMERA, seconds=1, plain=True)
    assert why(database, running, DUE) == {Why.UNDER_WAY}
    assert swept(database, root, DUE).sittings == [checking.id]


def test_a_shorter_term_holds_for_all_there_is_and_a_longer_one_for_none_of_it(
    database: Database, cast: Cast, sitting: Sitting
) -> None:
    def set_days(days: int, at: datetime = NOON + SECOND) -> None:
        with database.transaction() as tx:
            set_term(tx, cast.olga, Kept.RECORDINGS, days, at)

    set_days(60)
    assert why(database, sitting, DUE) == set()
    set_days(14, NOON + 2 * SECOND)
    assert why(database, sitting, DUE - timedelta(days=17)) == set()
    # a slip of the finger that was put right
    set_days(31, NOON + 3 * SECOND)
    assert why(database, sitting, DUE - SECOND) == {Why.TERM}
    with pytest.raises(TermRefused):
        set_days(0)


def test_too_many_at_once_wait_for_a_person(
    database: Database, cast: Cast, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.retention.due.FEW", 1)
    with database.transaction() as tx:
        for learner in (cast.alice, cast.bob):
            held_sitting(tx, cast, root, learner)
    refused = swept(database, root, DUE)
    assert (refused.sittings, refused.refused, refused.kept) == ([], 2, 2)
    assert len(files(root)) == 16
    assert len(sweep(database, root, DUE, 50, above_limit=True).sittings) == 2


def reference(
    tx: Session, learner: Account, state: ReferenceState = ReferenceState.CONFIRMED
) -> Reference:
    sealed = Vault(bytes(32)).seal(tx, learner.id, "reference", b"template")
    return reference_of(tx, learner, NOON, sealed=sealed, state=state)


def references(database: Database) -> list[str]:
    with database.reading() as tx:
        return list(tx.scalars(select(Reference.id)))


def test_a_reference_goes_at_its_own_end_and_one_no_longer_used_at_once(
    database: Database, cast: Cast, root: Path
) -> None:
    with database.transaction() as tx:
        used = reference(tx, cast.alice)
        given_up = reference(tx, cast.alice, ReferenceState.REVOKED)
    assert swept(database, root, NOON + SECOND).references == [given_up.id]
    year = NOON + timedelta(days=365)
    assert swept(database, root, year - SECOND).references == []
    assert swept(database, root, year).references == [used.id]
    assert references(database) == []
    with database.reading() as tx:
        facts = events.read(tx, f"account:{cast.alice.id}", "reference_expired")
        assert events.verify(tx, f"account:{cast.alice.id}") is None
    assert [fact.payload["reference"] for fact in facts] == [given_up.id, used.id]


def test_a_reference_stays_while_something_of_the_person_is_undecided(
    database: Database, cast: Cast, root: Path
) -> None:
    with database.transaction() as tx:
        reference(tx, cast.bob)
        sitting = sitting_of(tx, cast, cast.bob, NOON)
        record_track(tx, sitting, root, Track.CAMERA, seconds=1, plain=True)
    later = NOON + timedelta(days=400)
    assert swept(database, root, later).references == []
    with database.transaction() as tx:
        decided(tx, cast, sitting, at=later)
    assert len(swept(database, root, later + timedelta(days=10)).references) == 1


def test_a_legal_hold_keeps_everything_until_it_ends(
    database: Database, cast: Cast, root: Path, sitting: Sitting
) -> None:
    ends = DUE + timedelta(days=30)
    with database.transaction() as tx:
        reference(tx, cast.alice, ReferenceState.REVOKED)
        rita, olga = cast.rita, cast.olga
        asked_at = DUE - holds.ASKED_HOLDS
        row = holds.ask(tx, olga, cast.alice, "The court asks for it.", ends, asked_at)
    assert why(database, sitting, DUE - SECOND) == {Why.TERM, Why.LEGAL_HOLD}
    assert why(database, sitting, DUE) == set()
    with database.transaction() as tx:
        with pytest.raises(holds.OtherPersonNeeded):
            holds.confirm(tx, olga, row.id, DUE - SECOND)
        holds.confirm(tx, rita, row.id, DUE - SECOND)
    assert why(database, sitting, DUE) == {Why.LEGAL_HOLD}
    kept = swept(database, root, DUE)
    assert (kept.sittings, kept.references) == ([], [])
    assert len(swept(database, root, ends).sittings) == 1


def test_two_people_lift_a_hold_and_one_takes_back_what_nobody_set(
    database: Database, cast: Cast, sitting: Sitting
) -> None:
    rita, olga = cast.rita, cast.olga
    with database.transaction() as tx:
        until = DUE + timedelta(days=30)
        asked = holds.ask(tx, olga, cast.alice, "The court asks for it.", until, DUE)
        holds.lift(tx, olga, asked.id, DUE)
        with pytest.raises(holds.HoldOver):
            holds.confirm(tx, rita, asked.id, DUE)
        row = holds.ask(tx, olga, cast.alice, "The court asks for it.", until, DUE)
        holds.confirm(tx, rita, row.id, DUE)
        holds.lift(tx, olga, row.id, DUE)
        with pytest.raises(holds.OtherPersonNeeded):
            holds.lift(tx, olga, row.id, DUE)
        assert holds.on_hold(tx, {cast.alice.id}, DUE) == {cast.alice.id}
        holds.lift(tx, rita, row.id, DUE)
        assert holds.on_hold(tx, {cast.alice.id}, DUE) == set()
        kinds = [each.kind for each in events.read(tx, f"account:{cast.alice.id}")]
    assert kinds == ["hold_asked", "hold_lifted"] + [
        f"hold_{what}" for what in ("asked", "set", "lift_asked", "lifted")
    ]


def test_files_and_rows_are_held_against_each_other_and_nothing_is_erased(
    database: Database, cast: Cast, root: Path, sitting: Sitting
) -> None:
    def found() -> tuple[tuple[str, ...], ...]:
        with database.reading() as tx:
            unlike = differences(tx, root)
        return unlike.missing, unlike.unnamed, unlike.returned

    assert found() == ((), (), ())
    (root / "stray.webm").write_bytes(b"whose?")
    lost = next((root / sitting.id).glob("camera-*.webm"))
    lost.unlink()
    assert found() == ((str(lost.relative_to(root)),), ("stray.webm",), ())
    swept(database, root, DUE)
    (root / sitting.id).mkdir()
    back = root / sitting.id / "camera-001.webm"
    back.write_bytes(b"from a backup")
    assert found() == ((), ("stray.webm",), (str(back.relative_to(root)),))


def test_a_wrong_term_of_samples_waits_for_a_person_and_those_given_up_go(
    database: Database, cast: Cast, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.retention.due.FEW", 1)
    with database.transaction() as tx:
        used = {reference(tx, each).id for each in (cast.alice, cast.bob)}
        given_up = reference(tx, cast.alice, ReferenceState.REVOKED)
        set_term(tx, cast.olga, Kept.REFERENCES, 1, NOON + SECOND)
    later = NOON + timedelta(days=11)
    refused = swept(database, root, later)
    assert refused.references == [given_up.id]
    assert (refused.refused, refused.refused_references, refused.used) == (0, 2, 2)
    assert set(references(database)) == used
    assert set(sweep(database, root, later, 50, above_limit=True).references) == used


def test_samples_given_up_go_though_too_many_sittings_are_due(
    database: Database, cast: Cast, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.retention.due.FEW", 1)
    with database.transaction() as tx:
        for learner in (cast.alice, cast.bob):
            held_sitting(tx, cast, root, learner)
        given_up = reference(tx, cast.alice, ReferenceState.REVOKED)
    refused = swept(database, root, DUE)
    assert (refused.refused, refused.references) == (2, [given_up.id])


def test_a_term_that_held_for_a_day_is_not_kept_longer_again(
    database: Database, cast: Cast
) -> None:
    begun = NOON + timedelta(days=1)
    with database.transaction() as tx:
        for days, after in ((100, 0), (10, 2), (90, 3)):
            set_term(tx, cast.olga, Kept.RECORDINGS, days, NOON + timedelta(days=after))
        terms = terms_of(tx, cast.institution.id)
    assert terms.of(Kept.RECORDINGS, begun) == timedelta(days=10)
    assert terms.of(Kept.RECORDINGS, NOON + timedelta(days=3)) == timedelta(days=90)


def test_one_person_does_not_hold_longer_by_asking_again(database: Database, cast: Cast) -> None:
    until, alice = NOON + timedelta(days=90), {cast.alice.id}

    def held(at: datetime) -> bool:
        return holds.on_hold(tx, alice, at) == alice

    with database.transaction() as tx:
        for day in (0, 2, 4, 6):
            at = NOON + timedelta(days=day)
            row = holds.ask(tx, cast.olga, cast.alice, "The court asks for it.", until, at)
            assert held(at) == (day < 3)
            if day == 2:
                holds.lift(tx, cast.olga, row.id, at + SECOND)
        assert held(NOON + holds.ASKED_HOLDS - SECOND)
        later = NOON + timedelta(days=7)
        holds.ask(tx, cast.rita, cast.alice, "The court asks for it.", until, later)
        assert held(later)
        holds.confirm(tx, cast.rita, row.id, later)
        assert held(later + holds.ASKED_HOLDS)


def test_what_another_sweep_marked_or_erased_is_left_to_it(
    database: Database, cast: Cast, root: Path, sitting: Sitting
) -> None:
    with database.transaction() as tx:
        reference(tx, cast.alice, ReferenceState.REVOKED)
    with database.reading() as tx:
        due = find_due(tx, cast.institution.id, DUE)
    assert len(swept(database, root, DUE).sittings) == 1
    (marked,), (erased,) = due.now_due(DUE)
    assert not sweeping._mark(database, marked, DUE)
    assert not sweeping._erase_reference(database, erased, DUE)


@pytest.mark.parametrize("room", [sweeping, erasure])
def test_two_sweeps_at_once_write_what_they_did_once(
    postgres: Postgres, root: Path, room: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(postgres.fresh())
    with database.transaction() as tx:
        cast = assemble(tx)
        sitting = held_sitting(tx, cast, root)
        person = f"account:{cast.alice.id}"
        request = erasure.ask(tx, cast.alice, DUE)
        erasure.confirm(tx, Vault(bytes(32)), cast.olga, request.id, DUE)
    waits = threading.Event()

    def held(tx: Session, name: str) -> None:
        if threading.current_thread().name == "second":
            waits.set()
        hold(tx, name)

    monkeypatch.setattr(room, "hold", held)
    second = threading.Thread(target=sweeping.go_on, args=(database, root, DUE), name="second")
    if room is erasure:
        monkeypatch.setattr(sweeping, "complete", lambda *_: None)
        sweeping.go_on(database, root, DUE)
        monkeypatch.setattr(sweeping, "complete", erasure.complete)
    with database.transaction() as tx:
        hold(tx, person if room is erasure else sitting.id)
        second.start()
        assert waits.wait(30)
        # the first sweep ends meanwhile
        if room is erasure:
            erasure.complete(tx, [request.id], DUE)
        else:
            tx.get_one(Expiry, sitting.id).done_at = DUE
            events.append(tx, sitting.id, "evidence_expired", {"files": {}}, DUE)
    second.join(30)
    with database.reading() as tx:
        assert len(events.read(tx, sitting.id, "evidence_expired")) == 1
        assert len(events.read(tx, person, "erasure_done")) == 1
    database.close()

"""The one comparison of a sitting's typing: what may be said of it, and what is held back."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from keystroke.events import KeyBatch, parse_batch
from keystroke.features import FourMeasurements, measure_sums
from keystroke.template import Sums
from keystroke.verifiers.free_text import KeystrokeScore
from proctor import events
from proctor.analysis import keys
from proctor.identity import protection
from proctor.identity.enrolment import typing_reference
from proctor.identity.tables import CheckResult, IdentityCheck, Modality, Reference, ReferenceState
from proctor.inference import keystroke_verifier
from proctor.people import consents
from proctor.people.tables import Purpose
from proctor.sittings.tables import Sitting
from proctor.vault import Vault
from tests.support.cast import NOON, assemble
from tests.support.sittings import sitting_of

pytestmark = pytest.mark.db

EXCERPT = Path(__file__).parents[2] / "data" / "keystroke" / "villani_excerpt.json"
TYPISTS = json.loads(EXCERPT.read_text(encoding="utf-8"))["typists"]
VERIFIER = keystroke_verifier(with_network=False)
VAULT = Vault(bytes(32))
Compared = Callable[..., IdentityCheck]


def batch_of(rows: list[Any]) -> KeyBatch:
    return parse_batch({"v": 1, "clock_step_ms": 1.0, "events": rows})


def sums_of(rows: list[Any]) -> Sums:
    return Sums.from_batch(batch_of(rows))


@pytest.fixture
def compared(tx: Session) -> Compared:
    """Compares typing with *visits* of the first typist."""
    cast = assemble(tx)
    alice = cast.alice
    consents.record(tx, VAULT, alice.id, {Purpose.TYPING: True}, "en", NOON)

    def compare(typed: Sums, visits: int, handed_over_s: float | None = None) -> IdentityCheck:
        for n, rows in enumerate(TYPISTS["first"]["reference"][:visits]):
            sealed = VAULT.seal(tx, alice.id, protection.SEAL, sums_of(rows).to_bytes())
            made = NOON - timedelta(days=9 - n)
            tx.add(
                Reference(
                    account_id=alice.id,
                    modality=Modality.KEYSTROKE,
                    model_id=VERIFIER.model_id,
                    samples=300,
                    sealed=sealed,
                    state=ReferenceState.CONFIRMED,
                    created_at=made,
                    expires_at=NOON + timedelta(days=300),
                    confirmed_at=made,
                )
            )
        sitting = sitting_of(tx, cast, alice, NOON)
        tx.flush()
        enrolled = typing_reference(tx, VAULT, alice.id, VERIFIER.model_id, sitting.created_at)
        assert len(enrolled) == visits
        typing = replace(keys.Typing.begun(VERIFIER, typed), handed_over_s=handed_over_s)
        check = keys.compare(tx, VAULT, VERIFIER, sitting, typing, 30.0, NOON)
        assert keys.concluded(tx, sitting).handed_over_s == handed_over_s
        return check

    return compare


@pytest.fixture
def kept(tx: Session) -> Callable[[Sums], Sums]:
    """What is stored of typing at the end of a sitting."""
    cast = assemble(tx)
    sitting = sitting_of(tx, cast, cast.alice, NOON)
    tx.flush()

    def keep(typed: Sums) -> Sums:
        keys.keep(
            tx, VAULT, sitting, replace(keys.Typing.begun(VERIFIER, Sums.empty()), stored=typed)
        )
        return keys.stored(tx, VAULT, sitting)

    return keep


OWN = TYPISTS["first"]["probe"]
OTHER = TYPISTS["third"]["probe"]


@pytest.mark.parametrize(("typed", "result"), [(OWN, "match"), (OTHER, "no_match")])
def test_own_typing_matches_and_that_of_another_does_not(
    compared: Compared, typed: list[Any], result: str
) -> None:
    assert compared(sums_of(typed), visits=3).result == result


def test_a_hand_over_holds_a_match_back_for_a_person(compared: Compared) -> None:
    check = compared(sums_of(OWN), visits=3, handed_over_s=61.5)
    assert (check.result, check.reason) == (CheckResult.NOT_ASSESSED, "handed_over")
    assert check.llr is not None


def test_against_one_visit_nobody_is_told_another_person(compared: Compared) -> None:
    check = compared(sums_of(OTHER), visits=1)
    assert (check.result, check.reason) == (CheckResult.NOT_ASSESSED, "few_visits")


def test_what_the_windows_say_is_on_record_with_interval_and_coverage(tx: Session) -> None:
    cast = assemble(tx)
    sitting = sitting_of(tx, cast, cast.alice, NOON)
    tx.flush()
    enrolled = [sums_of(rows) for rows in TYPISTS["first"]["reference"]]
    typing = keys.Typing.begun(VERIFIER, Sums.empty(), enrolled)
    few, _ = typing.after(batch_of(OWN[:120]), 9.0)
    keys.compare(tx, VAULT, VERIFIER, sitting, few, 30.0, NOON)
    assert keys.concluded(tx, sitting).windows is None

    whole, told = typing.after(batch_of(OWN), 9.0)
    keys.compare(tx, VAULT, VERIFIER, sitting, whole, 30.0, NOON)
    found = keys.concluded(tx, sitting).windows
    assert found is not None
    assert found.items() <= told[-1].values.items()
    assert found["keys"] == 250
    assert found["low"] < found["llr"] < found["high"]
    assert found["coverage"] == 1.0


def test_what_the_order_names_is_kept_with_the_comparison_and_not_in_the_chain(
    tx: Session, compared: Compared
) -> None:
    check = compared(sums_of(OWN), visits=0)
    found = FourMeasurements(**(check.measured or {}))
    assert found == FourMeasurements(**measure_sums(sums_of(OWN)).as_json())
    sitting = tx.get_one(Sitting, check.sitting_id)
    # those of the whole typing, not of the stored sums, whose pairs come in steps
    assert keys.measured(tx, VAULT, sitting) == (check.n_keys, found)
    (told,) = events.read(tx, sitting.id, "identity_checked")
    assert not {"measured", *asdict(found)} & told.payload.keys()

    assert keys.erase(tx, [sitting.id]) == 0
    tx.expire_all()
    assert check.measured is None


def test_nothing_is_measured_of_typing_once_consent_is_taken_back(tx: Session) -> None:
    cast = assemble(tx)
    sitting = sitting_of(tx, cast, cast.alice, NOON)
    tx.flush()
    consents.record(tx, VAULT, cast.alice.id, {Purpose.TYPING: False}, "en", NOON)
    typing = keys.Typing.begun(VERIFIER, sums_of(OWN))
    keys.keep(tx, VAULT, sitting, typing)
    check = keys.compare(tx, VAULT, VERIFIER, sitting, typing, 30.0, NOON)
    assert (check.reason, check.measured) == ("consent_withdrawn", None)
    # the stored sums are not measured instead
    assert keys.measured(tx, VAULT, sitting) == (0, measure_sums(Sums.empty()))


def test_of_no_keys_nothing_is_measured(compared: Compared) -> None:
    assert compared(Sums.empty(), visits=0).measured is None


def test_of_fewer_keys_than_the_card_measured_nothing_is_said(compared: Compared) -> None:
    few = sums_of(OWN[:95])
    assert VERIFIER.weighing.error_at(few.n_keys) is None
    found = VERIFIER.compare([sums_of(OWN)], few)
    assert isinstance(found, KeystrokeScore)
    assert VERIFIER.operating_point.result(found.score) == "match"
    check = compared(few, visits=3)
    assert (check.result, check.reason) == (CheckResult.NOT_ASSESSED, "insufficient_keys")
    assert check.llr is None


# short answers, in the zones of their letters on any layout; no two letters of a word share one
WORDS = st.lists(st.integers(0, 24), min_size=1, max_size=keys.MIN_ORDERED - 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(zones=WORDS, seed=st.integers(0, 9))
def test_of_a_short_answer_any_order_gives_what_is_stored(
    kept: Callable[[Sums], Sums], zones: list[int], seed: int
) -> None:
    mixed = np.random.default_rng(seed).permutation(zones).tolist()
    one, other = (
        kept(sums_of([[150.0, zone, 90.0, 0] for zone in each])) for each in (zones, mixed)
    )
    for stored in (one, other):
        assert not stored.pairs.any()
        assert not stored.embedding.any()
    assert one.presses.tolist() == other.presses.tolist()
    assert one.holds.tolist() == other.holds.tolist()


def test_of_a_long_answer_the_pairs_are_stored(kept: Callable[[Sums], Sums]) -> None:
    long = sums_of(TYPISTS["first"]["probe"])
    assert kept(long).to_bytes() == long.to_bytes()

"""The sentence that everybody types: whose it is compared with, and when it is not."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlalchemy.orm import Session

from keystroke.presses import Presses
from keystroke.sentence import MIN_OTHERS, REPETITIONS, Unusable
from proctor import events
from proctor.identity import enrolment, sentences
from proctor.identity.enrolment import KEY_SAMPLES, Progress
from proctor.identity.tables import (
    NO_REFERENCE,
    Modality,
    Reference,
    ReferenceState,
    SentenceCheck,
    SentenceSample,
)
from proctor.people import accounts
from proctor.people.tables import Account, Role
from proctor.sittings.tables import Sitting, SittingState
from proctor.vault import SubjectKey, Vault
from tests.support.cast import NOON, Cast
from tests.support.references import reference_of
from tests.support.sittings import sitting_of

pytestmark = pytest.mark.db

VAULT = Vault(bytes(32))
MODEL = "model-1"
MINUTE = timedelta(minutes=1)
KEYS = len(sentences.text("en"))


def attempt(person: int, seed: int, n_keys: int = KEYS) -> Presses:
    own = np.random.default_rng(person).standard_normal((2, n_keys))
    chance = np.random.default_rng([person, seed]).standard_normal((2, n_keys))
    dt_ms, hold_ms = np.array([[160.0], [90.0]]) * np.exp(0.2 * own + 0.08 * chance)
    return Presses.of_keyboard(dt_ms, np.arange(n_keys) % 24, hold_ms, 0.1)


def visit(tx: Session, who: Account, at: datetime) -> Reference:
    """Typing of a visit, waiting to be confirmed."""
    return reference_of(
        tx,
        who,
        at,
        modality=Modality.KEYSTROKE,
        model_id=MODEL,
        samples=KEY_SAMPLES,
        sealed=b"",
        state=ReferenceState.PENDING,
    )


def add(tx: Session, who: Account, presses: Presses, at: datetime = NOON) -> Progress:
    return sentences.add(tx, VAULT, MODEL, who.id, "en", presses, at)


def enrol(tx: Session, who: Account, person: int, at: datetime = NOON) -> None:
    row = visit(tx, who, at)
    for seed in range(REPETITIONS):
        add(tx, who, attempt(person, seed), at + MINUTE)
    row.state = ReferenceState.CONFIRMED


def crowd(tx: Session, cast: Cast, n: int) -> Sequence[Account]:
    people = [
        accounts.add(tx, cast.institution.id, f"s{i}@example.org", f"S{i}", Role.STUDENT)
        for i in range(n)
    ]
    for i, who in enumerate(people):
        enrol(tx, who, 100 + i)
    return people


def sits(tx: Session, who: Account, cast: Cast) -> Sitting:
    sitting = sitting_of(tx, cast, who, NOON + 10 * MINUTE, SittingState.CHECKING)
    sitting.started_at = None
    return sitting


def compare(tx: Session, sitting: Sitting, presses: Presses) -> SentenceCheck:
    found = sentences.compare(tx, VAULT, MODEL, sitting, presses, NOON)
    assert isinstance(found, SentenceCheck)
    return found


def test_the_sentence_follows_the_texts_and_is_complete_after_five(tx: Session, cast: Cast) -> None:
    with pytest.raises(sentences.NoTypingYet):
        add(tx, cast.alice, attempt(1, 0))
    row = visit(tx, cast.alice, NOON)
    found = [add(tx, cast.alice, attempt(1, seed), NOON + MINUTE) for seed in range(7)]
    assert [each.accepted for each in found] == [1, 2, 3, 4, 5, 5, 5]
    assert found[4].done
    assert tx.get_one(SentenceSample, row.id).language == "en"


def test_other_words_are_no_repetition(tx: Session, cast: Cast) -> None:
    visit(tx, cast.alice, NOON)
    found = add(tx, cast.alice, attempt(1, 0, KEYS - 1), NOON + MINUTE)
    assert found == Progress(0, REPETITIONS, (Unusable.NOT_THE_SENTENCE.value,))


def test_it_is_asked_for_once_and_only_of_who_has_a_confirmed_sample(
    tx: Session, cast: Cast
) -> None:
    enrol(tx, cast.alice, 1)
    bobs, sitting = sits(tx, cast.bob, cast), sits(tx, cast.alice, cast)
    assert sentences.asked(tx, MODEL, bobs) is None
    assert compare(tx, bobs, attempt(1, 9)).reason == NO_REFERENCE
    assert sentences.asked(tx, MODEL, sitting) == "en"
    assert sentences.asked(tx, "another model", sitting) is None
    sentences.keep(tx, compare(tx, sitting, attempt(1, 9)))
    tx.flush()
    assert sentences.asked(tx, MODEL, sitting) is None


def test_with_too_few_others_nothing_is_said(tx: Session, cast: Cast) -> None:
    enrol(tx, cast.alice, 1)
    crowd(tx, cast, 3)
    enrol(tx, cast.bob, 2, NOON + 9 * MINUTE)
    check = compare(tx, sits(tx, cast.alice, cast), attempt(1, 9))
    # Bob enrolled after the sitting was opened
    assert (check.less_alike, check.others, check.reason) == (None, 3, sentences.FEW_OTHERS)


def test_beside_fifty_others_the_person_stands_apart(tx: Session, cast: Cast) -> None:
    enrol(tx, cast.alice, 1)
    people = crowd(tx, cast, MIN_OTHERS)
    sitting = sits(tx, cast.alice, cast)
    own = compare(tx, sitting, attempt(1, 9))
    assert own.others == MIN_OTHERS
    assert own.less_alike == 1.0
    assert compare(tx, sitting, attempt(7, 9)).less_alike < 0.95
    sentences.keep(tx, own)
    sentences.keep(tx, compare(tx, sitting, attempt(7, 9)))
    kept = events.read(tx, sitting.id, "sentence_compared")
    assert [each.payload["less_alike"] for each in kept] == [1.0]
    # someone whose key is destroyed is not compared with any more
    tx.get_one(SubjectKey, people[0].id).destroyed_at = NOON
    assert compare(tx, sitting, attempt(1, 9)).reason == sentences.FEW_OTHERS


def test_other_keys_than_the_sample_are_not_compared(tx: Session, cast: Cast) -> None:
    enrol(tx, cast.alice, 1)
    sitting = sits(tx, cast.alice, cast)
    elsewhere = attempt(1, 9)
    elsewhere.zones[3] = 20
    found = sentences.compare(tx, VAULT, MODEL, sitting, elsewhere, NOON)
    assert found is Unusable.NOT_THE_SENTENCE


def test_enrolment_is_closed_while_a_sitting_is_open(tx: Session, cast: Cast) -> None:
    visit(tx, cast.alice, NOON)
    sits(tx, cast.alice, cast)
    with pytest.raises(enrolment.SittingOpen):
        add(tx, cast.alice, attempt(1, 0))

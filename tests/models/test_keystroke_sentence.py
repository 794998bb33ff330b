"""A sentence with mistakes beside the sentence, and the phrase's score of keys with gaps."""

import numpy as np
import pytest

from keystroke.presses import Presses
from keystroke.verifiers.phrase import Background, PhraseVerifier, phrase_features
from keystroke.zones import Zone
from models.recipes import keystroke_sentence
from models.recipes.keystroke_sentence import aligned, measured, phrase_scores

pytestmark = pytest.mark.unit


def test_a_corrected_key_leaves_gaps_around_it_alone() -> None:
    zones = np.array([3, 6, 9, 12, 15], np.int64)
    # the third key mistyped and mended
    typed = np.array([3, 6, 21, Zone.BACKSPACE, 9, 12, 15], np.int64)
    dt_ms = np.array([0.0, 100.0, 110.0, 120.0, 130.0, 140.0, 150.0])
    presses = Presses.of_keyboard(dt_ms, typed, np.full(7, 80.0))
    features, n_presses = aligned(presses, zones)
    known = phrase_features(
        np.full(5, 80.0), np.array([100.0, np.nan, 140, 150]), np.array([20.0, np.nan, 60, 70])
    )
    np.testing.assert_array_equal(features, known)
    assert n_presses == 7


def test_without_gaps_the_score_is_that_of_the_verifier_of_a_phrase() -> None:
    rng = np.random.default_rng(4)
    others = rng.standard_normal((12, 4, 13)) * 0.2 + rng.standard_normal((12, 1, 13))
    own = rng.standard_normal((5, 13)) * 0.2
    probes = rng.standard_normal((6, 13))
    scores = phrase_scores(own, others, probes)
    verifier = PhraseVerifier(Background(others)).fit(own)
    np.testing.assert_allclose(scores, verifier.score_samples(probes))
    # what was not typed as in the sentence is neither for nor against
    probes[0] = np.nan
    assert np.isfinite(phrase_scores(own, others, probes)).all()


def test_a_second_opinion_that_errs_elsewhere_is_told_to_help(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keystroke_sentence, "REPEATS", 40)
    rng = np.random.default_rng(9)
    rows = [
        (person, other, *rng.normal(2.0 if person == other else -2.0, 2.0, 2).tolist())
        for person in range(15)
        for other in range(15)
        for _ in range(4)
    ]
    found = measured(rows)
    assert (found["n_mated"], found["n_non_mated"]) == (60, 840)
    assert found["both"]["cllr"] < min(found["free"]["cllr"], found["phrase"]["cllr"])
    low, high = found["gained"]["cllr"]
    assert 0 < low < high

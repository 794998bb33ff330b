import numpy as np
import pytest

from keystroke.verifiers.phrase import (
    AgainstOthers,
    Background,
    LogMedian,
    PhraseVerifier,
    RobustLikelihoodRatio,
    less_alike,
    phrase_features,
)

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def centres() -> np.ndarray:
    return 0.5 * np.random.default_rng(1).standard_normal((22, 6))


def typed(centre: np.ndarray, n: int, seed: int) -> np.ndarray:
    return centre + 0.15 * np.random.default_rng(seed).standard_normal((n, 6))


@pytest.fixture(scope="module")
def background(centres: np.ndarray) -> Background:
    return Background(np.array([typed(c, 20, i) for i, c in enumerate(centres[:20])]))


def test_features_are_logarithms_and_overlap_keeps_its_sign() -> None:
    row = phrase_features(np.array([np.e * 10]), np.array([1.0]), np.array([-50.0]))
    # the interval is held at the floor of ten milliseconds
    assert row == pytest.approx([np.log(10) + 1, np.log(10), -np.log(2)])


def test_one_wild_timing_counts_for_no_more_than_the_cap() -> None:
    detector = LogMedian(cap=6.0).fit(np.array([[0.0, 0.0], [0.1, 0.1], [0.2, 0.2]]))
    assert detector.score_samples(np.array([[0.1, 99.0]])).tolist() == [-6.0]


@pytest.mark.parametrize("verifier", [RobustLikelihoodRatio, AgainstOthers, PhraseVerifier])
def test_the_person_scores_above_people_the_background_never_saw(
    verifier: type[PhraseVerifier], background: Background, centres: np.ndarray
) -> None:
    fitted = verifier(background).fit(typed(centres[20], 12, 50))
    own = fitted.score_samples(typed(centres[20], 20, 51))
    other = fitted.score_samples(typed(centres[21], 20, 52))
    assert own.min() > other.max()


def test_a_person_is_nearer_to_their_own_than_others_are(centres: np.ndarray) -> None:
    others = np.array([typed(c, 5, i) for i, c in enumerate(centres[:20])])
    probes = np.concatenate([typed(centres[20], 3, 60), typed(centres[21], 3, 61)])
    shares = less_alike(typed(centres[20], 5, 59), others, probes)
    assert shares[:3].tolist() == [1.0, 1.0, 1.0]
    assert shares[3:].max() < 0.95


def test_few_repetitions_are_drawn_to_the_background(
    background: Background, centres: np.ndarray
) -> None:
    far = typed(centres[20] + 5.0, 60, 53)
    few = RobustLikelihoodRatio(background).fit(far[:2])
    many = RobustLikelihoodRatio(background).fit(far)
    population = background.features.mean(axis=(0, 1))
    assert np.linalg.norm(few.centre_ - population) < np.linalg.norm(many.centre_ - population)


def test_only_the_newest_repetitions_count(background: Background, centres: np.ndarray) -> None:
    newest = typed(centres[20], 10, 54)
    with_old = np.concatenate([typed(centres[21], 30, 55), newest])
    probe = typed(centres[20], 5, 56)
    scores = PhraseVerifier(background, recent=10).fit(with_old).score_samples(probe)
    assert scores == pytest.approx(PhraseVerifier(background).fit(newest).score_samples(probe))

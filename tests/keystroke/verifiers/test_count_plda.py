import numpy as np
import pytest

from keystroke.presses import Presses
from keystroke.template import Sums
from keystroke.verifiers.count_plda import CountPlda
from keystroke.zones import Zone

pytestmark = pytest.mark.unit

ALPHABET = np.array([Zone.LEFT_INDEX_HOME, Zone.RIGHT_INDEX_HOME, Zone.LEFT_RING_TOP, Zone.SPACE])


def typed(person: np.ndarray, n: int, rng: np.random.Generator) -> Sums:
    """Prose of a person whose offsets of log time per zone are *person*, shape (2, 4)."""
    zones = rng.integers(4, size=n)
    dt = 160 * np.exp(person[0, zones] + 0.2 * rng.standard_normal(n))
    hold = 90 * np.exp(person[1, zones] + 0.15 * rng.standard_normal(n))
    return Sums.from_presses(Presses.of_keyboard(dt, ALPHABET[zones], hold, clock_step_ms=1.0))


@pytest.fixture(scope="module")
def population() -> CountPlda:
    rng = np.random.default_rng(11)
    people = [0.2 * rng.standard_normal((2, 4)) for _ in range(150)]
    halves = [(typed(p, 400, rng), typed(p, 400, rng)) for p in people]
    return CountPlda(n_pairs=16, n_speaker=8, n_channel=2).fit(halves)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(12)


def test_the_same_typist_scores_above_zero_and_others_below(
    population: CountPlda, rng: np.random.Generator
) -> None:
    people = [0.2 * rng.standard_normal((2, 4)) for _ in range(12)]
    references = [[typed(p, 300, rng)] for p in people]
    probes = [typed(p, 200, rng) for p in people]
    scores = np.array([[population.score(r, p) for p in probes] for r in references])
    mated = np.diag(scores)
    non_mated = scores[~np.eye(12, dtype=bool)]
    assert (mated > 0).sum() >= 11
    assert (non_mated < 0).mean() > 0.95


def test_more_keys_say_more(population: CountPlda, rng: np.random.Generator) -> None:
    people = [0.2 * rng.standard_normal((2, 4)) for _ in range(20)]
    few, many = (
        np.mean([population.score([typed(p, 300, rng)], typed(p, n, rng)) for p in people])
        for n in (20, 400)
    )
    assert few < many


def test_a_probe_without_keys_says_nothing(population: CountPlda, rng: np.random.Generator) -> None:
    reference = [typed(0.2 * rng.standard_normal((2, 4)), 300, rng)]
    assert population.score(reference, Sums.empty()) == pytest.approx(0.0, abs=1e-9)


def test_the_score_is_symmetric(population: CountPlda, rng: np.random.Generator) -> None:
    one, other = (typed(0.2 * rng.standard_normal((2, 4)), 200, rng) for _ in range(2))
    assert population.score([one], other) == pytest.approx(population.score([other], one))


def test_the_order_of_sessions_does_not_matter(
    population: CountPlda, rng: np.random.Generator
) -> None:
    person = 0.2 * rng.standard_normal((2, 4))
    sessions = [typed(person, 150, rng) for _ in range(3)]
    probe = typed(person, 150, rng)
    forwards = population.score(sessions, probe)
    assert population.score(sessions[::-1], probe) == pytest.approx(forwards)


def test_fitting_twice_gives_the_same_model(rng: np.random.Generator) -> None:
    halves = [
        (typed(p, 200, rng), typed(p, 200, rng))
        for p in (0.2 * rng.standard_normal((2, 4)) for _ in range(20))
    ]
    first, second = (CountPlda(n_pairs=16, n_speaker=4, n_channel=2).fit(halves) for _ in range(2))
    assert np.array_equal(first.speaker_, second.speaker_)


def test_it_is_configured_like_any_estimator() -> None:
    assert CountPlda(n_pairs=16).get_params() == {
        "n_pairs": 16,
        "n_speaker": 100,
        "n_channel": 8,
        "session_noise": 2.0,
    }

import numpy as np
import pytest

from keystroke.presses import Floats
from keystroke.template import Sums
from keystroke.verifiers.count_plda import CountPlda
from keystroke.verifiers.embedding_plda import DRIFT, EmbeddingPlda
from keystroke.verifiers.profile import Belief, Profile

pytestmark = pytest.mark.unit

DIRECTIONS = 4
PEOPLE, WINDOWS = 4000, 8


def sitting(person: Floats, rng: np.random.Generator, n: int = WINDOWS) -> Floats:
    """Windows of one sitting: a person, and noise of variance 1 in each direction."""
    return person + rng.standard_normal((n, DIRECTIONS))


@pytest.fixture(scope="module")
def fitted() -> EmbeddingPlda:
    """People of variance 4 and 1 in two directions, alike in the others."""
    rng = np.random.default_rng(3)
    people = rng.standard_normal((PEOPLE, DIRECTIONS)) * [2, 1, 0, 0]
    return EmbeddingPlda.fit([sitting(person, rng) for person in people])


def test_the_variances_that_made_the_vectors_are_found(fitted: EmbeddingPlda) -> None:
    assert fitted.axes @ fitted.axes.T == pytest.approx(np.eye(DIRECTIONS), abs=0.05)
    back = fitted.axes.T @ fitted.speaker
    assert back @ back.T == pytest.approx(np.diag([4, 1, 0, 0]), abs=0.2)
    # the same person's halves differ by nothing but their windows
    assert fitted.sitting == pytest.approx(0, abs=0.02 * DRIFT)


def test_the_ratio_is_that_of_the_two_normals(fitted: EmbeddingPlda) -> None:
    rng = np.random.default_rng(4)
    one, other = np.array([2.0, 1.0, 0, 0]), np.array([-2.0, 0.0, 0, 0])

    def believed(person: Floats) -> Belief:
        return Belief.of([fitted.evidence(WINDOWS, sitting(person, rng).mean(axis=0))])

    reference = believed(one)
    assert reference.likelihood_ratio(believed(one)) > 1
    assert reference.likelihood_ratio(believed(other)) < -5


def test_more_windows_make_surer(fitted: EmbeddingPlda) -> None:
    person = np.array([2.0, 1.0, 0, 0])
    few, many = (Belief.of([fitted.evidence(n, person)]) for n in (1, 20))
    assert many.likelihood_ratio(many) > few.likelihood_ratio(few) > 0


def test_without_a_window_there_is_no_opinion_of_the_network() -> None:
    network = EmbeddingPlda(np.zeros(64), np.eye(64), np.ones(64), np.eye(64))
    population = CountPlda(n_pairs=1, n_speaker=1, n_channel=1)
    population.pairs_ = np.array([0])
    for name in ("mean_", "event_variance_", "block_variance_", "population_mean_"):
        setattr(population, name, np.ones(30))
    population.population_sd_ = np.ones(30)
    population.speaker_ = population.channel_ = np.ones((30, 1))
    nothing = Profile.of(population, [Sums.empty()], network)
    some = Profile.of(population, [Sums.empty(), Sums.empty().embedded(np.eye(64)[:2])], network)
    assert nothing.nearness(some) is None
    assert some.nearness(some) is not None

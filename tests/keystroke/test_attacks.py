import numpy as np
import pytest

from keystroke.attacks import ATTACKS
from keystroke.presses import Presses
from keystroke.template import Sums
from keystroke.verifiers.count_plda import CountPlda
from keystroke.zones import Zone

pytestmark = pytest.mark.unit

ALPHABET = np.array([Zone.LEFT_INDEX_HOME, Zone.RIGHT_INDEX_HOME, Zone.LEFT_RING_TOP, Zone.SPACE])


def typed(n: int, seed: int, interval_ms: float = 160.0) -> Presses:
    rng = np.random.default_rng(seed)
    dt = interval_ms * np.exp(0.2 * rng.standard_normal(n))
    hold = 90 * np.exp(0.15 * rng.standard_normal(n))
    return Presses.of_keyboard(np.rint(dt), ALPHABET[rng.integers(4, size=n)], np.rint(hold), 1.0)


@pytest.fixture(scope="module")
def population() -> CountPlda:
    halves = [
        (Sums.from_presses(typed(200, i)), Sums.from_presses(typed(200, 100 + i)))
        for i in range(20)
    ]
    return CountPlda(n_pairs=16, n_speaker=4, n_channel=2).fit(halves)


@pytest.mark.parametrize("name", sorted(ATTACKS.keys() - {"replay", "drip_paste", "dictated"}))
def test_an_attack_types_the_text_with_times_of_its_own(name: str, population: CountPlda) -> None:
    text = typed(100, 1)
    attack = ATTACKS[name](text, typed(300, 2), population, np.random.default_rng(3))
    assert attack.zones.tolist() == text.zones.tolist()
    assert not np.array_equal(attack.dt_ms, text.dt_ms)
    assert attack.dt_ms[0] == 0
    assert (attack.hold_ms >= 1).all() and (attack.hold_ms <= 490).all()


def test_resampled_times_are_the_victims_of_the_same_pair(population: CountPlda) -> None:
    victim, text = typed(2000, 4, interval_ms=300.0), typed(100, 5)
    attack = ATTACKS["resampled"](text, victim, population, np.random.default_rng(6))
    heard = {
        pair: set(victim.dt_ms[1:][victim.zones[1:] == pair].tolist()) for pair in ALPHABET.tolist()
    }
    assert all(
        dt in heard[zone] for dt, zone in zip(attack.dt_ms[1:], attack.zones[1:], strict=True)
    )


def test_a_replay_is_the_recording(population: CountPlda) -> None:
    victim = typed(300, 7)
    replayed = ATTACKS["replay"](typed(100, 8), victim, population, np.random.default_rng(9))
    starts = [i for i in range(201) if np.array_equal(victim.dt_ms[i : i + 100], replayed.dt_ms)]
    assert len(starts) == 1


def test_a_text_pasted_bit_by_bit_leaves_few_keys_and_no_combination_across_a_paste(
    population: CountPlda,
) -> None:
    text = typed(400, 10)
    left = ATTACKS["drip_paste"](text, typed(300, 11), population, np.random.default_rng(12))
    assert len(left) == 80
    assert (left.zones == Zone.MODIFIER).sum() == 10
    # of each piece six keys are typed, the first of them after a paste
    assert left.timings().combined.sum() == 10 * 5


def test_a_dictated_text_leaves_a_few_mended_places(population: CountPlda) -> None:
    text = typed(4000, 13)
    left = ATTACKS["dictated"](text, typed(300, 14), population, np.random.default_rng(15))
    assert 100 < len(left) < 300
    assert left.breaks.sum() > 20

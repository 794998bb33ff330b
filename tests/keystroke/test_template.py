import json
import math
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystroke.events import KeyBatch, KeyEvent, KeyFlag
from keystroke.template import Sums, TemplateError
from keystroke.zones import N_ZONES, Zone

pytestmark = pytest.mark.unit

T, H = Zone.LEFT_INDEX_TOP, Zone.RIGHT_INDEX_HOME


def batch(*events: KeyEvent, step: float | None = 1.0) -> KeyBatch:
    return KeyBatch(step, events)


def press(dt: float, zone: Zone, hold: float | None = 80.0, flags: int = 0) -> KeyEvent:
    return KeyEvent(dt, zone, hold, KeyFlag(flags))


def pair(sums: Sums, before: Zone, zone: Zone) -> list[int]:
    row: list[int] = sums.pairs[before * N_ZONES + zone].tolist()
    return row


def test_holds_and_pairs_are_summed_in_thousandths_of_a_nat() -> None:
    sums = Sums.from_batch(batch(press(0, T, 100), press(150, H, 90), press(180, T, 120)))
    log = [round(1000 * math.log(ms)) for ms in (100, 120, 150, 180)]
    assert sums.holds[T].tolist() == [2, log[0] + log[1], log[0] ** 2 + log[1] ** 2]
    assert pair(sums, T, H) == [1, log[2], log[2] ** 2]
    assert pair(sums, H, T) == [1, log[3], log[3] ** 2]
    assert sums.pace.tolist() == [2, 330_000]
    assert sums.flights.tolist() == [[2, 50_000 + 90_000], [0, 0]]
    assert (sums.n_keys, sums.n_pairs, sums.n_pauses) == (3, 2, 0)


def test_overlapping_keys_give_a_negative_flight() -> None:
    sums = Sums.from_batch(batch(press(0, T, 140), press(100, Zone.SPACE)))
    assert sums.flights.tolist() == [[0, 0], [1, -40_000]]


def test_a_pause_is_counted_and_not_timed() -> None:
    sums = Sums.from_batch(batch(press(0, T), press(1001, H)))
    assert (sums.n_pauses, sums.n_pairs) == (1, 0)


def test_a_modifier_a_paste_and_a_program_break_the_combination() -> None:
    for between in (press(100, Zone.MODIFIER), press(100, H, flags=4), press(100, H, flags=16)):
        assert Sums.from_batch(batch(press(0, T), between, press(100, T))).n_pairs == 0
    assert Sums.from_batch(batch(press(0, T), press(100, H, flags=8))).n_pairs == 0


def test_presses_of_a_program_leave_no_trace() -> None:
    sums = Sums.from_batch(batch(press(0, T, flags=4), press(100, H, flags=4)))
    assert sums.to_bytes() == Sums.from_batch(batch()).to_bytes()


def test_a_keyboard_repeating_is_not_a_finger() -> None:
    sums = Sums.from_batch(batch(press(0, Zone.BACKSPACE), press(33, Zone.BACKSPACE)))
    assert (sums.n_pairs, sums.holds[Zone.BACKSPACE, 0]) == (0, 1)


def test_a_lost_release_costs_the_hold_and_the_flight_only() -> None:
    sums = Sums.from_batch(batch(press(0, T, None), press(120, H)))
    assert (sums.n_pairs, sums.holds[T, 0], sums.flights.sum()) == (1, 0, 0)


def test_outliers_count_as_the_bound() -> None:
    sums = Sums.from_batch(batch(press(0, T, 400), press(900, H, 10)))
    assert sums.holds[T, 1] == round(1000 * math.log(250))
    assert sums.holds[H, 1] == round(1000 * math.log(35))
    assert pair(sums, T, H)[1] == round(1000 * math.log(500))


def test_the_finest_known_clock_of_a_session_counts() -> None:
    steps = (None, 16.0, 2.0)
    assert Sums.from_batches(batch(step=s) for s in steps).clock_step_ms == 2.0
    assert Sums.from_batches([]).clock_step_ms is None


events = st.lists(
    st.builds(
        KeyEvent,
        st.integers(0, 1500).map(float),
        st.sampled_from(Zone),
        st.none() | st.integers(0, 600).map(float),
        st.sampled_from([KeyFlag(0), KeyFlag.UNTRUSTED, KeyFlag.AFTER_PASTE]),
    ),
    max_size=40,
)
batches = st.builds(lambda e: KeyBatch(1.0, tuple(e)), events)


@given(st.lists(batches, max_size=4), st.data())
def test_the_order_of_batches_does_not_matter(parts: list[KeyBatch], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(parts))
    assert Sums.from_batches(parts).to_bytes() == Sums.from_batches(shuffled).to_bytes()


@given(batches)
def test_the_bytes_give_back_the_sums(typed: KeyBatch) -> None:
    sums = Sums.from_batch(typed)
    again = Sums.from_bytes(sums.to_bytes())
    assert again.to_bytes() == sums.to_bytes()
    assert np.array_equal(again.pairs, sums.pairs)


words = st.lists(
    st.lists(st.tuples(st.integers(0, 23), st.integers(60, 900)), min_size=1, max_size=5),
    min_size=2,
    max_size=6,
)


@given(words, st.integers(60, 900), st.data())
def test_the_order_of_words_cannot_be_recovered(
    typed: list[list[tuple[int, int]]], space: int, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(typed))

    def sums(text: list[list[tuple[int, int]]]) -> Sums:
        rows = [press(0, Zone.SPACE)]
        for word in text:
            rows += [press(dt, Zone(zone)) for zone, dt in word] + [press(space, Zone.SPACE)]
        return Sums.from_batch(batch(*rows))

    assert sums(typed).to_bytes() == sums(shuffled).to_bytes()


def test_the_bytes_hold_no_sequence() -> None:
    sums = Sums.from_batch(batch(press(0, T), press(150, H), press(150, T)))
    members = json.loads(zlib.decompress(sums.to_bytes()))
    assert set(members) == {
        "v",
        *("clock_step_ms", "presses", "holds", "pairs", "flights", "pace", "n_pauses"),
        "embedding",
    }
    assert [row for row, _ in members["pairs"]] == [T * N_ZONES + H, H * N_ZONES + T]


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"v":3}', b"\xff", b"null"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(TemplateError):
        Sums.from_bytes(data)


def test_a_row_outside_the_alphabet_is_refused() -> None:
    members = json.loads(zlib.decompress(Sums.empty().to_bytes()))
    members["holds"] = [[99, [1, 2, 3]]]
    with pytest.raises(TemplateError):
        Sums.from_bytes(json.dumps(members).encode())


def test_sums_kept_before_there_was_a_network_have_no_embedding() -> None:
    members = json.loads(
        zlib.decompress(Sums.from_batch(batch(press(0, T), press(150, H))).to_bytes())
    )
    del members["embedding"]
    again = Sums.from_bytes(json.dumps({**members, "v": 1}).encode())
    assert again.n_keys == 2
    assert again.embedding.tolist() == [0] * 65


def test_embeddings_of_sessions_add_up() -> None:
    unit = np.eye(64)
    one = Sums.empty().embedded(unit[:1])
    both = one + Sums.empty().embedded(unit[1:3])
    assert both.embedding.tolist() == [3, 10_000, 10_000, 10_000, *[0] * 61]
    assert Sums.from_bytes(both.to_bytes()).embedding.tolist() == both.embedding.tolist()

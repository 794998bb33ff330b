"""Holes in a track: when they are asked for, and what the reports say."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.media.losses import Losses, Reports
from proctor.media.pace import EXPECTED, Pace
from proctor.media.rtcp import SenderReport
from proctor.observations import Track

pytestmark = pytest.mark.unit


def test_hole_is_asked_for_four_times_and_then_given_up() -> None:
    losses = Losses()
    losses.saw(65_534, 0.0, is_last=True)
    losses.saw(1, 0.0, is_last=True)

    asked = {at: due for at in range(100) if (due := losses.due(at / 50))}

    assert list(asked.values()) == [[65_535, 0]] * 4
    # after 0.12 s, then 0.2
    assert list(asked) == [0, 6, 16, 26]
    assert losses.given_up == 2


def test_repaired_hole_is_asked_for_no_more_and_teaches_the_round_trip() -> None:
    losses = Losses()
    for sequence in (1, 2, 4):
        losses.saw(sequence, 0.0, is_last=True)
    assert losses.due(0.02) == [3]
    losses.saw(3, 0.42, is_last=True)

    assert losses.due(5.0) == []
    assert losses.repaired == 1
    assert losses.round_trip_s == pytest.approx(0.08 + 0.25 * 0.32)


@pytest.mark.parametrize("late_s", [1.0, 2.5])
def test_line_slower_than_was_thought_is_learnt_from_late_answers_and_asked_less(
    late_s: float,
) -> None:
    losses, asked = Losses(), Counter[int]()
    losses.longest_wait_s = EXPECTED[Pace.STILLS].longest_wait_s
    answers: list[tuple[float, int]] = []
    for number in range(1_000):
        now = number / 20
        # every twentieth is lost
        if number % 20:
            losses.saw(number, now, is_last=True)
        for wanted in losses.due(now):
            asked[wanted] += 1
            answers.append((now + late_s, wanted))
        while answers and answers[0][0] <= now:
            losses.saw(answers.pop(0)[1], now, is_last=True)

    assert losses.round_trip_s == pytest.approx(min(late_s, 1.5), abs=0.1)
    assert asked[20] == 4
    assert {asked[late] for late in (800, 820, 840)} == {1 if late_s < 1.2 else 3}


def test_ten_percent_lost_over_a_wide_line_is_repaired_in_time() -> None:
    losses, chance = Losses(), random.Random(1)
    answers: list[tuple[float, int]] = []
    lost_at: dict[int, float] = {}
    took_s = []
    for number in range(20_000):
        now = number / 60
        while answers and answers[0][0] <= now:
            at, late = answers.pop(0)
            losses.saw(late, at, is_last=True)
            if late in lost_at:
                took_s.append(at - lost_at.pop(late))
        if chance.random() < 0.1:
            lost_at[number] = now
        else:
            losses.saw(number, now, is_last=True)
        wanted = losses.due(now)
        answers += [(now + 0.15, late) for late in wanted if chance.random() > 0.1]

    patience_s = EXPECTED[Pace.FULL].patience_s[Track.CAMERA]
    late = sum(each > patience_s for each in took_s) + len(lost_at)
    assert late / len(took_s) < 0.006


def test_end_of_a_picture_is_asked_for_when_nothing_follows() -> None:
    losses = Losses()
    losses.longest_wait_s = 1.2
    losses.saw(65_534, 0.0, is_last=False)
    assert losses.due(0.48) == []
    assert losses.due(0.5) == [65_535, 0, 1, 2, 3, 4, 5, 6]
    # two came again, and the picture has more
    losses.saw(65_535, 0.6, is_last=False)
    losses.saw(0, 0.6, is_last=False)
    assert losses.due(1.0) == []
    assert losses.due(1.1) == [1, 2, 3, 4, 5, 6, 7, 8]
    losses.saw(1, 1.2, is_last=True)

    assert losses.due(9.0) == []


def test_packets_that_were_guessed_are_no_holes() -> None:
    losses = Losses()
    losses.saw(7, 0.0, is_last=False)
    asked = [at / 50 for at in range(500) if losses.due(at / 50)]

    # after 0.12 s, then 0.2
    assert asked == pytest.approx([0.5, 0.62, 0.82, 1.02], abs=0.03)
    # sent late, and then one is really lost
    losses.saw(8, 10.0, is_last=True)
    losses.saw(10, 10.02, is_last=True)
    assert losses.due(10.02) == [9]
    assert (losses.repaired, losses.given_up, losses.round_trip_s) == (0, 0, 0.08)


def test_end_is_asked_for_no_more_when_it_was_let_go() -> None:
    losses = Losses()
    losses.saw(7, 0.0, is_last=True)
    losses.saw(9, 0.0, is_last=False)
    losses.let_go()

    assert losses.due(9.0) == []


def test_reordered_packet_is_not_asked_for() -> None:
    losses = Losses()
    for sequence in (1, 3, 2, 4):
        losses.saw(sequence, 0.0, is_last=True)

    assert losses.due(0.02) == []
    assert losses.repaired == 0


def test_wide_hole_is_a_new_start() -> None:
    losses = Losses()
    losses.saw(1, 0.0, is_last=True)
    losses.saw(400, 0.0, is_last=True)

    assert losses.due(1.0) == []
    losses.saw(402, 1.0, is_last=True)
    losses.saw(900, 1.0, is_last=True)
    assert losses.given_up == 1


@given(st.integers(0, 2**16), st.floats(0.01, 0.9))
def test_holes_held_are_bounded(start: int, share: float) -> None:
    losses, chance = Losses(), random.Random(start)
    for number in range(3_000):
        if chance.random() > share:
            losses.saw((start + number) & 0xFFFF, number / 50, is_last=True)
    assert len(losses.holes) <= 256


def test_report_counts_what_is_lost_since_the_last() -> None:
    reports = Reports(42)
    assert reports.block(0.0) is None
    for sequence in (65_534, 65_535, 0, 1):
        reports.saw(sequence, 0, 0.0)
    first = reports.block(0.0)
    assert first is not None
    assert (first.fraction_lost, first.lost, first.highest) == (0, 0, 65_537)
    for sequence in (4, 5, 6, 7, 8, 9):
        reports.saw(sequence, 0, 0.0)
    reports.heard(SenderReport(42, 0.0, 77, 0), 10.0)

    second = reports.block(10.5)

    assert second is not None
    assert (second.fraction_lost, second.lost) == (64, 2)
    assert (second.last_report, second.since_report) == (77, 32_768)


def test_even_packets_have_no_jitter_and_uneven_ones_do() -> None:
    even, uneven = Reports(1), Reports(2)
    for number in range(100):
        even.saw(number, 3_000 * number, number / 30)
        uneven.saw(number, 3_000 * number, number / 30 + 0.01 * (number % 2))

    calm, shaken = even.block(4.0), uneven.block(4.0)
    assert calm is not None
    assert shaken is not None
    assert calm.jitter == 0
    assert shaken.jitter == pytest.approx(900, rel=0.05)

"""A sitting's typing as it grows: sums kept whole, windows against earlier visits, hands."""

import json
from pathlib import Path
from typing import Any

import pytest

from keystroke.events import KeyBatch, parse_batch
from keystroke.template import Sums
from keystroke.verifiers.free_text import FreeTextVerifier
from proctor.analysis.keys import Typing
from proctor.inference import keystroke_verifier
from proctor.observations import Check, Observation

pytestmark = pytest.mark.unit

EXCERPT = Path(__file__).parents[2] / "data" / "keystroke" / "villani_excerpt.json"


def batch(rows: list[Any], step: float = 1.0) -> KeyBatch:
    return parse_batch({"v": 1, "clock_step_ms": step, "events": rows})


@pytest.fixture(scope="module")
def verifier() -> FreeTextVerifier:
    return keystroke_verifier(with_network=False)


@pytest.fixture(scope="module")
def typed() -> dict[str, list[list[Any]]]:
    """Sessions of real typists, the last one theirs to probe."""
    stored = json.loads(EXCERPT.read_text(encoding="utf-8"))["typists"]
    return {name: [*t["reference"], t["probe"]] for name, t in stored.items()}


def said(typing: Typing, rows: list[Any], name: str) -> list[Observation]:
    parts = [rows[i : i + 40] for i in range(0, len(rows), 40)]
    found: list[Observation] = []
    for part in parts:
        typing, told = typing.after(batch(part), 7.0)
        found += [o for o in told if o.name == name]
    return found


def after(typing: Typing, rows: list[Any], at_s: float = 7.0) -> Typing:
    for start in range(0, len(rows), 40):
        typing, _ = typing.after(batch(rows[start : start + 40]), at_s)
    return typing


def references(verifier: FreeTextVerifier, sessions: list[list[Any]]) -> list[Sums]:
    return [Sums.from_batch(batch(rows)) for rows in sessions]


def test_sums_are_those_of_the_whole_however_it_was_cut(
    verifier: FreeTextVerifier, typed: dict[str, list[list[Any]]]
) -> None:
    rows = typed["first"][0][:300]
    typing = Typing.begun(verifier, Sums.empty())
    for start in range(0, 300, 37):
        typing, _ = typing.after(batch(rows[start : start + 37]), 1.0)
    assert typing.total().to_bytes() == Sums.from_batch(batch(rows)).to_bytes()


def test_windows_tell_the_typist_from_another(
    verifier: FreeTextVerifier, typed: dict[str, list[list[Any]]]
) -> None:
    enrolled = references(verifier, typed["first"][:-1])
    own = said(Typing.begun(verifier, Sums.empty(), enrolled), typed["first"][-1], "windows")[-1]
    other = said(Typing.begun(verifier, Sums.empty(), enrolled), typed["third"][-1], "windows")[-1]
    assert (own.values["state"], other.values["state"]) == ("consistent", "inconsistent")
    assert own.values["sessions"] == len(enrolled)


def test_nothing_is_said_of_a_person_without_earlier_visits(
    verifier: FreeTextVerifier, typed: dict[str, list[list[Any]]]
) -> None:
    assert said(Typing.begun(verifier, Sums.empty()), typed["first"][-1], "windows") == []


def test_a_program_is_told_when_it_begins_and_when_it_ends(
    verifier: FreeTextVerifier, typed: dict[str, list[list[Any]]]
) -> None:
    human = typed["first"][-1][:120]
    machine = [[50.0, row[1], 2.0, 0] for row in human]
    typing = Typing.begun(verifier, Sums.empty())
    hands = said(typing, [*human, *machine, *human], "hands")
    assert [o.values["automated"] for o in hands] == [True, False]


def both(sessions: list[list[Any]]) -> list[Any]:
    return [row for rows in sessions for row in rows]


def test_a_hand_over_is_told_once_also_of_somebody_without_earlier_visits(
    verifier: FreeTextVerifier, typed: dict[str, list[list[Any]]]
) -> None:
    own, other = both(typed["first"]), both(typed["third"])
    for earlier in ([], references(verifier, typed["first"][:-1])):
        begun = Typing.begun(verifier, Sums.empty(), earlier)
        assert said(begun, own, "hand_over") == []
        (told,) = said(begun, own[:600] + other, "hand_over")
        assert told.at_s == 7.0
        assert after(begun, own[:600] + other).handed_over_s == 7.0


def test_a_restart_forgets_neither_the_hand_over_nor_whose_start_it_was(
    verifier: FreeTextVerifier, typed: dict[str, list[list[Any]]]
) -> None:
    own, other = both(typed["first"]), both(typed["third"])
    stored = after(Typing.begun(verifier, Sums.empty()), own[:600]).total()
    assert said(Typing.begun(verifier, stored), own[600:], "hand_over") == []
    assert len(said(Typing.begun(verifier, stored), other, "hand_over")) == 1

    was = [Observation(Check.KEYS, "hand_over", 61.0, {"keys": 900})]
    again = Typing.begun(verifier, stored, said=was)
    assert again.handed_over_s == 61.0
    assert said(again, other, "hand_over") == []


def test_a_program_told_before_a_restart_is_told_when_it_ends(
    verifier: FreeTextVerifier, typed: dict[str, list[list[Any]]]
) -> None:
    was = [Observation(Check.KEYS, "hands", 61.0, {"automated": True, "keys": 100})]
    again = Typing.begun(verifier, Sums.empty(), said=was)
    hands = said(again, typed["first"][0], "hands")
    assert [o.values["automated"] for o in hands] == [False]

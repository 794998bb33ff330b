import json
from decimal import ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.shares.course_file import CourseFileRefused, as_json, readings_of
from proctor.shares.packs import UnknownPack

pytestmark = pytest.mark.unit

NAMES = {
    "v": "verified",
    "u": "unverified",
    "d": "voided",
    "p": "pending",
    "c": "cancelled",
    "e": "excused",
    "a": "absent",
    "n": "not_planned",
}
PLAN = ["proctoring", "biometrics"]
NOT_APPLICABLE = {"num": 0, "den": 0, "percent": None, "met": None}


def course(text: str, policy: Any = "KZ-137-2016") -> dict[str, Any]:
    """``"5x2:v 20:-"``: two verified events of weight 5 and one of weight 20 nobody sat.

    A letter in capitals is an event without an identity plan.
    """
    events, attempts = [], []
    for part in text.split():
        size, letter = part.split(":")
        weight, _, times = size.partition("x")
        for _ in range(int(times or 1)):
            code = f"e{len(events)}"
            events.append({"id": code, "weight": weight, "plan": [] if letter.isupper() else PLAN})
            if letter != "-":
                attempts.append({"event": code, "outcome": NAMES[letter.lower()]})
    return {"policy": policy, "events": events, "attempts": attempts}


def shares(document: Any) -> dict[str, Any]:
    return as_json(readings_of(json.dumps(document)))


def leaf(num: int, den: int, percent: str, met: bool) -> dict[str, Any]:
    return {"num": num, "den": den, "percent": percent, "met": met}


T1 = "5x10:u 20:v 30:v"
# text, then by weight, by count, by count with events of weight 0: low and high percent, met (low)
VECTORS = {
    "T1": (T1, ("50.00", "50.00", True), ("16.66", "16.66", False), None),
    "T2": (
        "5x2:v 5x8:u 20:v 30:v",
        ("60.00", "60.00", True),
        ("33.33", "33.33", True),
        None,
    ),
    "T3": ("40x2:u 20:v", ("20.00", "20.00", False), ("33.33", "33.33", True), None),
    "T4": ("10x3:v 10x7:u", ("30.00", "30.00", True), ("30.00", "30.00", True), None),
    "T5": ("1x2:v 1x5:u", ("28.57", "28.57", False), ("28.57", "28.57", False), None),
    "T6": ("1x3:v 1x4:u", ("42.85", "42.85", True), ("42.85", "42.85", True), None),
    "T7": (
        "29.999:v 70.001:u",
        ("29.99", "29.99", False),
        ("50.00", "50.00", True),
        None,
    ),
    "T8": (
        "0x2:u 100:v",
        ("100.00", "100.00", True),
        ("100.00", "100.00", True),
        ("33.33", "33.33", True),
    ),
    "T9": (
        "0x17:u 100:v",
        ("100.00", "100.00", True),
        ("100.00", "100.00", True),
        ("5.55", "5.55", False),
    ),
    "T10": ("5x10:u 20:d 30:v", ("30.00", "30.00", True), ("8.33", "8.33", False), None),
    "T11": ("5x10:u 20:v 30:d", ("20.00", "20.00", False), ("8.33", "8.33", False), None),
    "T13": (
        "5x6:c 5x4:u 20:v 30:v",
        ("71.42", "71.42", True),
        ("33.33", "33.33", True),
        None,
    ),
    "T13 without plans": (
        "5x6:C 5x4:N 20:v 30:v",
        ("71.42", "71.42", True),
        ("33.33", "33.33", True),
        None,
    ),
    "T14": ("5x10:u 20:v 30:p", ("20.00", "50.00", False), ("8.33", "16.66", False), None),
}


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("zero_weight", ["exclude", "include"])
def test_published_vector(name: str, zero_weight: str) -> None:
    text, weight, count, count_zero = VECTORS[name]
    policy = {"id": "KZ-137-2016", "zero_weight": zero_weight}
    found = shares(course(text, policy))["learner"]
    expected = count_zero if zero_weight == "include" and count_zero else count
    for reading, figures in (("weight", weight), ("count", expected)):
        low, high = found[reading]["low"], found[reading]["high"]
        assert (low["percent"], high["percent"], low["met"]) == figures, reading


def test_vector_t12_final_sat_again_and_verified() -> None:
    document = course("5x10:u 20:v 30:d")
    document["attempts"].append({"event": "e11", "outcome": "verified"})
    found = shares(document)["learner"]
    assert found["weight"]["low"] == leaf(1, 2, "50.00", True)
    assert found["count"]["low"] == leaf(1, 6, "16.66", False)


def test_numerator_and_denominator_are_the_reduced_fraction() -> None:
    found = shares(course("29.999:v 70.001:u 0.000001:u"))
    assert found["learner"]["weight"]["low"] == leaf(29_999_000, 100_000_001, "29.99", False)
    assert found["design"]["weight"] == leaf(1, 1, "100.00", True)
    assert shares(course("5x2:u"))["learner"]["count"]["low"] == leaf(0, 1, "0.00", False)


def test_event_without_an_attempt_stays_as_not_verified() -> None:
    assert shares(course("30:v 70:-"))["learner"]["weight"] == {
        "low": leaf(3, 10, "30.00", True),
        "high": leaf(3, 10, "30.00", True),
    }


def test_attempt_at_an_event_without_a_plan_verifies_nothing() -> None:
    found = shares(course("50:V 50:P 100:v"))
    assert found["learner"]["weight"]["high"] == leaf(1, 2, "50.00", True)
    assert found["design"] == {
        "count": leaf(1, 3, "33.33", True),
        "weight": leaf(1, 2, "50.00", True),
    }


def test_sign_in_alone_is_no_plan_and_is_named() -> None:
    document = course("50:v 50:v")
    document["events"][0]["plan"] = ["sign_in"]
    readings = readings_of(json.dumps(document))
    assert as_json(readings)["design"]["count"] == leaf(1, 2, "50.00", True)
    assert readings.unknown == ("sign_in",)


def test_nothing_that_forms_the_assessment_is_not_applicable() -> None:
    for text in ("", "0x3:v", "50:c 50:e"):
        learner = shares(course(text))["learner"]
        assert learner["count"] == learner["weight"]
        assert learner["count"] == {"low": NOT_APPLICABLE, "high": NOT_APPLICABLE}


def test_excused_learner_keeps_the_design_and_a_cancelled_event_leaves_it() -> None:
    assert shares(course("50:e 50:U"))["design"]["weight"] == leaf(1, 2, "50.00", True)
    assert shares(course("50:c 50:U"))["design"]["weight"] == leaf(0, 1, "0.00", False)


def attempts(*rows: tuple[str, bool | None]) -> dict[str, Any]:
    document = course("100:-")
    document["attempts"] = [
        {"event": "e0", "outcome": NAMES[letter]} | ({} if said is None else {"counted": said})
        for letter, said in rows
    ]
    low = shares(document)["learner"]["count"]["low"]
    assert isinstance(low, dict)
    return low


@pytest.mark.parametrize(
    ("rows", "verified"),
    [
        ([("d", None), ("v", None)], True),
        ([("v", None), ("u", None)], False),
        ([("v", True), ("u", None)], True),
        ([("v", True), ("u", False)], True),
        ([("u", True), ("v", False)], False),
        ([("v", None), ("u", False)], False),
        ([("v", True), ("v", True)], True),
        ([("v", True), ("p", True)], False),
        ([("v", True), ("u", True), ("v", False)], False),
    ],
)
def test_counted_attempts_else_the_last_one_matter(
    rows: list[tuple[str, bool | None]], verified: bool
) -> None:
    assert attempts(*rows)["num"] == verified


def test_university_may_choose_basis_and_zero_weight_over_the_pack() -> None:
    policy = {"id": "KZ-137-2016", "zero_weight": "include", "basis": "weight"}
    readings = readings_of(json.dumps(course("0x17:u 100:v", policy)))
    assert readings.met is True
    both = readings_of(json.dumps(course("0x17:u 100:v", policy | {"basis": "both"})))
    assert both.met is False


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"events": [{"id": "a", "weight": "-1", "plan": []}]}, "events.0.weight"),
        ({"events": [{"id": "a", "weight": "1e3", "plan": []}]}, "events.0.weight"),
        ({"events": [{"id": "a", "weight": "NaN", "plan": []}]}, "events.0.weight"),
        ({"events": [{"id": "a", "weight": "5\n", "plan": []}]}, "events.0.weight"),
        ({"events": [{"id": "a", "weight": 0.1, "plan": []}]}, "events.0.weight"),
        ({"events": [{"id": "a", "weight": "1"}]}, "events.0.plan"),
        ({"events": [{"id": "a", "weight": "1", "plan": []}] * 2}, "file"),
        ({"attempts": [{"event": "x", "outcome": "verified"}]}, "file"),
        ({"attempts": [{"event": "e0", "outcome": "passed"}]}, "attempts.0.outcome"),
        (
            {"attempts": [{"event": "e0", "outcome": "verified", "counted": "yes"}]},
            "attempts.0.counted",
        ),
        ({"policy": {"id": "KZ-137-2016", "zero_wieght": "include"}}, "policy.zero_wieght"),
        ({"policy": {"id": "KZ-137-2016", "basis": "any"}}, "policy.basis"),
        ({"policy": {"id": "KZ-137-2016", "a\nb": 1}}, "policy.'a\\nb'"),
        ({"policy": 7}, "policy"),
        ({"events": [{"id": "a", "weight": "1e999999999", "plan": []}]}, "events.0.weight"),
        ({"events": [{"id": "a", "weight": "9" * 31, "plan": []}]}, "events.0.weight"),
        ({"events": [{"id": "a", "weight": "Infinity", "plan": []}]}, "events.0.weight"),
        ({"events": [{"id": "a", "weight": "٣", "plan": []}]}, "events.0.weight"),
        ({"events": {}}, "events"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(change: dict[str, Any], place: str) -> None:
    with pytest.raises(CourseFileRefused) as refused:
        shares(course("100:v") | change)
    assert place in [problem.split(": ")[0] for problem in refused.value.problems]


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"policy": "KZ-137-2016"}'])
def test_file_that_holds_no_course_is_refused(text: str) -> None:
    with pytest.raises(CourseFileRefused):
        readings_of(text)


def test_unknown_policy_is_refused() -> None:
    with pytest.raises(UnknownPack):
        shares(course("100:v", "KZ-137-2030"))


# an independent reading of the rules by weights in millionths, without the calculator


def percent_of(num: int, den: int) -> str:
    with localcontext() as exact:
        exact.prec = 100
        hundredths = (Decimal(10_000) * num / den).to_integral_value(ROUND_FLOOR)
    return f"{hundredths / 100:.2f}"


def expected_leaf(num: int, den: int) -> dict[str, Any]:
    if den == 0:
        return NOT_APPLICABLE
    common = Fraction(num, den)
    return {
        "num": common.numerator,
        "den": common.denominator,
        "percent": percent_of(num, den),
        "met": 100 * num >= 30 * den,
    }


def brute_force(document: dict[str, Any]) -> dict[str, Any]:
    """Walks the events one by one as §38(1) is read: what is in, what is verified."""
    zero_counts = document["policy"]["zero_weight"] == "include"
    sums = dict.fromkeys(("dc", "dcn", "dw", "dwn", "lc", "lcl", "lch", "lw", "lwl", "lwh"), 0)
    for event in document["events"]:
        size = int(Decimal(event["weight"]) * 10**6)
        one = 1 if size or zero_counts else 0
        tried = [row for row in document["attempts"] if row["event"] == event["id"]]
        chosen = [row["outcome"] for row in tried if row.get("counted") is True]
        if not chosen and tried:
            chosen = [tried[-1]["outcome"]]
        held = [name for name in chosen if name not in ("excused", "cancelled")]
        gone = chosen[0] if chosen and not held else None
        planned = bool(event["plan"])
        if gone != "cancelled":
            sums["dc"] += one
            sums["dw"] += size
            sums["dcn"] += one * planned
            sums["dwn"] += size * planned
        if gone is None:
            low = planned and bool(held) and all(name == "verified" for name in held)
            high = planned and bool(held) and all(name in ("verified", "pending") for name in held)
            sums["lc"] += one
            sums["lw"] += size
            sums["lcl"] += one * low
            sums["lwl"] += size * low
            sums["lch"] += one * high
            sums["lwh"] += size * high
    return {
        "design": {
            "count": expected_leaf(sums["dcn"], sums["dc"]),
            "weight": expected_leaf(sums["dwn"], sums["dw"]),
        },
        "learner": {
            "count": {
                "low": expected_leaf(sums["lcl"], sums["lc"]),
                "high": expected_leaf(sums["lch"], sums["lc"]),
            },
            "weight": {
                "low": expected_leaf(sums["lwl"], sums["lw"]),
                "high": expected_leaf(sums["lwh"], sums["lw"]),
            },
        },
    }


outcomes = st.sampled_from(sorted(NAMES.values()))
event_rows = st.lists(
    st.tuples(
        st.one_of(st.just(Decimal(0)), st.decimals(0, 1000, places=6)),
        st.sampled_from([[], ["proctoring"], ["keystroke", "biometrics"], ["test_centre"]]),
        st.lists(st.tuples(outcomes, st.sampled_from([None, True, False])), max_size=3),
    ),
    max_size=12,
)


@given(event_rows, st.sampled_from(["exclude", "include"]))
def test_agrees_with_a_brute_force_reading(rows: list[Any], zero_weight: str) -> None:
    document = {
        "policy": {"id": "KZ-137-2016", "zero_weight": zero_weight},
        "events": [
            {"id": f"e{n}", "weight": f"{weight:f}", "plan": plan}
            for n, (weight, plan, _) in enumerate(rows)
        ],
        "attempts": [
            {"event": f"e{n}", "outcome": outcome, "counted": said}
            for n, (_, _, tried) in enumerate(rows)
            for outcome, said in tried
        ],
    }
    assert shares(document) == brute_force(document)

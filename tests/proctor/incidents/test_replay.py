"""Other rules over the facts of a sitting: the same bytes each time, and only what differs."""

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from proctor import events
from proctor.exams.thresholds import ExamRules
from proctor.incidents import rules
from proctor.incidents.kinds import Change, Incident
from proctor.incidents.replay import (
    Item,
    difference,
    incident_json,
    incidents_under,
    items_of,
    replay,
    rules_held_under,
)
from proctor.observations import Check, NotAssessed, Observation
from tests.support.cast import NOON, assemble
from tests.support.sittings import sitting_of

pytestmark = [pytest.mark.unit, pytest.mark.db]

RULES = ExamRules()
EXAM_S = 60.0


def faces(at_s: float, count: int) -> Observation:
    return Observation(Check.FACE, "faces", at_s, {"count": count, "box_px": 90})


def page(at_s: float, name: str) -> Observation:
    return Observation(Check.BROWSER, name, at_s)


def two_absences() -> list[Item]:
    """The face is away for seconds 10 to 17 and 30 to 51."""
    away = {*range(10, 17), *range(30, 51)}
    return [faces(float(second), 0 if second in away else 1) for second in range(60)]


@st.composite
def sittings(draw: st.DrawFn) -> list[Item]:
    moments = sorted(draw(st.lists(st.integers(0, 59), min_size=1, max_size=40)))
    made = {
        0: lambda at: faces(at, draw(st.integers(0, 2))),
        1: lambda at: page(at, draw(st.sampled_from(["page_hidden", "page_shown", "focus_lost"]))),
        2: lambda at: NotAssessed(Check.FACE, "timeout", at),
        3: lambda at: Observation(Check.BROWSER, "paste", at, {"chars": 5}),
    }
    return [made[draw(st.integers(0, 3))](float(at)) for at in moments]


@given(sittings())
def test_the_same_facts_give_the_same_incidents(items: list[Item]) -> None:
    first = incidents_under(RULES, items, EXAM_S)

    assert incidents_under(RULES, items, EXAM_S) == first
    assert difference(first, first) == difference((), ())


@given(sittings())
def test_replay_makes_what_the_sitting_made(items: list[Item]) -> None:
    state, changes = rules.State(), list[Change]()
    for item in items:
        state, made = rules.step(RULES, state, item)
        changes += made
    changes += rules.finish(RULES, state, EXAM_S)
    held = [change.incident for change in changes if isinstance(change, rules.Closed)]

    assert sorted(held, key=repr) == sorted(incidents_under(RULES, items, EXAM_S), key=repr)


def test_the_difference_names_exactly_what_changes() -> None:
    items = [*two_absences(), page(55.0, "page_hidden"), page(57.0, "page_shown")]
    held = incidents_under(RULES, items, EXAM_S)
    assert [(each.kind, each.start_s) for each in held] == [
        ("face_absent", 10.0),
        ("face_absent", 30.0),
        ("page_hidden", 55.0),
    ]

    laxer = incidents_under(replace(RULES, face_absent_s=10.0), items, EXAM_S)
    stricter = incidents_under(replace(RULES, face_absent_s=2.0), items, EXAM_S)

    gone = difference(held, laxer)
    assert gone.only_before == (held[0],)
    assert gone.only_after == ()
    assert [(old.opened_s, new.opened_s) for old, new in gone.unlike] == [(35.0, 40.0)]
    earlier = difference(held, stricter)
    assert (earlier.only_before, earlier.only_after) == ((), ())
    assert [(old.opened_s, new.opened_s) for old, new in earlier.unlike] == [
        (15.0, 12.0),
        (35.0, 32.0),
    ]


def test_what_is_open_at_the_end_closes_with_the_exam() -> None:
    items: list[Item] = [page(50.0, "page_hidden")]

    unwatched = replace(RULES, not_assessed_s=1000.0)
    (incident,) = incidents_under(unwatched, items, EXAM_S)
    (running,) = incidents_under(unwatched, items, None)

    assert (incident.end_s, running.end_s) == (60.0, None)
    assert incident_json(incident)["kind"] == "page_hidden"


def test_a_stored_sitting_is_replayed_from_its_events(tx: Session) -> None:
    cast = assemble(tx)
    sitting = sitting_of(tx, cast, cast.alice, NOON)
    assert rules_held_under(tx, sitting.id) is None
    held = replace(RULES, face_absent_s=7.0)
    begun = {"identified_via": "face", "rules": asdict(held)}
    events.append(tx, sitting.id, "sitting_started", begun, NOON)
    facts = [("observation", asdict(item)) for item in two_absences()]
    facts.append(("not_assessed", asdict(NotAssessed(Check.FACE, "timeout", 59.5))))
    events.append_all(tx, sitting.id, facts, NOON)

    assert rules_held_under(tx, sitting.id) == held
    assert len(items_of(tx, sitting.id)) == 61
    found: tuple[Incident, ...] = replay(tx, sitting, held)
    assert [(each.start_s, each.opened_s) for each in found] == [(30.0, 37.0)]

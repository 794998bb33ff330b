"""Each effect suppresses its kinds, and what was suppressed is on record."""

import pytest
from sqlalchemy.orm import Session

from proctor import events
from proctor.exams.accommodations import Accommodation, Effect
from proctor.incidents.builder import incidents_of, record
from proctor.incidents.kinds import Closed, Incident, Kind, Opened, severity_of
from proctor.incidents.suppression import MADE_EXPECTED, SWITCHED_OFF, suppressed_kinds
from tests.support.cast import NOON, assemble
from tests.support.sittings import sitting_of

pytestmark = [pytest.mark.unit, pytest.mark.db]

CASES = [(effect, kind) for effect in Effect for kind in sorted(MADE_EXPECTED[effect])]


def test_a_detector_that_is_off_and_an_effect_each_say_why() -> None:
    granted = Accommodation(frozenset({Effect.GAZE_OFF, Effect.NO_KEYSTROKE}))

    assert suppressed_kinds(granted, {"paste", "looking_away"}) == {
        "automated_typing": "no_keystroke",
        "looking_away": "gaze_off",
        "paste": SWITCHED_OFF,
        "typing_mismatch": "no_keystroke",
    }


@pytest.mark.parametrize(("effect", "kind"), CASES)
def test_what_is_suppressed_is_an_event_and_no_incident(
    tx: Session, effect: Effect, kind: Kind
) -> None:
    cast = assemble(tx)
    sitting = sitting_of(tx, cast, cast.alice, NOON)
    suppressed = suppressed_kinds(Accommodation(frozenset({effect})), ())
    other = next(each for each in Kind if each not in suppressed)
    changes = []
    for found in (kind, other):
        incident = Incident(found, severity_of(found), 5.0, None, 8.0)
        closed = Incident(found, severity_of(found), 5.0, 9.0, 8.0)
        changes += [Opened(incident), Closed(closed)]

    ids = record(tx, sitting.id, changes, NOON, suppressed)

    assert [(row.kind, row.end_s) for row in incidents_of(tx, sitting.id)] == [(other, 9.0)]
    assert len(ids) == 2
    (event,) = events.read(tx, sitting.id, "incident_suppressed")
    assert event.payload == {
        "kind": kind.value,
        "because": effect.value,
        "start_s": 5,
        "opened_s": 8,
    }

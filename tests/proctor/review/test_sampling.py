"""Sittings without incidents that are looked through: which, by whom, and what they say."""

import pytest
from sqlalchemy.orm import Session

from proctor.incidents.kinds import Kind
from proctor.review.looks import record_view
from proctor.review.queue import Filter, QueueItem, queue
from proctor.review.sampling import Misses, NotInTheSample, is_drawn, misses_of, note
from proctor.review.verdicts import NotLooked, OwnSitting
from tests.support.cast import NOON, assemble
from tests.support.sittings import incident_of, sitting_of

pytestmark = pytest.mark.db

WORDS = "A telephone lies on the table."


def test_what_is_drawn_depends_on_the_id_alone_and_grows_with_the_share() -> None:
    ids = [f"{number:032x}" for number in range(2000)]
    drawn = {percent: {each for each in ids if is_drawn(each, percent)} for percent in (0, 3, 100)}

    assert drawn[0] == set()
    assert 30 <= len(drawn[3]) <= 95
    assert len(drawn[100]) == 2000


def test_a_sitting_without_incidents_waits_until_one_person_looked_through_it(tx: Session) -> None:
    cast = assemble(tx)
    plain = sitting_of(tx, cast, cast.alice, NOON)
    flagged = sitting_of(tx, cast, cast.bob, NOON)
    incident_of(tx, flagged, "paste", 5, 5)

    def samples(percent: float) -> list[str]:
        items = queue(tx, cast.rita, NOON, percent)
        return [item.reviewed.sitting.id for item in items if item.is_sample]

    assert (samples(0), samples(100)) == ([], [plain.id])
    with pytest.raises(NotLooked):
        note(tx, cast.rita, plain, Kind.PHONE_VISIBLE, WORDS, NOON)
    for sitting in (plain, flagged):
        record_view(tx, cast.rita.id, sitting.id, "recording", "camera", NOON)
    with pytest.raises(OwnSitting):
        note(tx, cast.alice, plain, None, WORDS, NOON)
    with pytest.raises(NotInTheSample):
        note(tx, cast.rita, flagged, None, WORDS, NOON)

    note(tx, cast.rita, plain, Kind.PHONE_VISIBLE, WORDS, NOON)

    assert samples(100) == []
    with pytest.raises(NotInTheSample):
        note(tx, cast.rita, plain, None, WORDS, NOON)
    assert misses_of(tx, cast.institution.id) == Misses(1, {"phone_visible": 1})


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), ["Bob", "Alice"]),
        (Filter(kind="paste"), ["Bob"]),
        (Filter(kind="face_absent"), []),
        (Filter(days=1), ["Alice"]),
        (Filter(locale="kk"), ["Bob"]),
        (Filter(locale="en", kind="paste"), []),
        (Filter(exam="another"), []),
    ],
)
def test_the_queue_is_filtered(tx: Session, wanted: Filter, found: list[str]) -> None:
    cast = assemble(tx)
    now = NOON.replace(day=4)
    sitting_of(tx, cast, cast.alice, NOON)
    incident_of(tx, sitting_of(tx, cast, cast.bob, now), "paste", 5, 5)
    cast.bob.locale = "kk"

    items: list[QueueItem] = queue(tx, cast.rita, now)

    admitted = [item for item in items if wanted.admits(item, now)]
    assert [item.reviewed.learner.name for item in admitted] == found
    assert all(Filter(exam=cast.final.id).admits(item, now) for item in items)

"""Which checks of a sitting failed, how often, and of how many."""

import pytest

from proctor import events
from proctor.analysis.face import OWN_PAD
from proctor.live.loading import fact
from proctor.observations import Check, NotAssessed, Observation
from proctor.plumbing.db import Database
from proctor.review.failed_looks import FailedLooks, failed_looks
from proctor.review.own_pad import OwnPadScores, own_pad_scores
from tests.support.cast import NOON, assemble
from tests.support.sittings import sitting_of

pytestmark = pytest.mark.db


def test_each_check_has_its_own_count_and_reasons(database: Database) -> None:
    items: list[Observation | NotAssessed] = []
    for second in range(20):
        at_s, values = float(second), {"count": 1, "box_px": 90}
        items.append(Observation(Check.FACE, "camera", at_s, {"covered": False}))
        items.append(
            Observation(Check.FACE, "faces", at_s, values | ({"far": True} if second == 0 else {}))
        )
        items.append(Observation(Check.BROWSER, "things", at_s))
    items += [NotAssessed("things", "assessment_failed", 3.0), NotAssessed("far", "timeout", 10.0)]
    items += [NotAssessed("things", reason, 9.0) for reason in ("timeout", "assessment_failed")]
    with database.transaction() as tx:
        cast = assemble(tx)
        sitting = sitting_of(tx, cast, cast.alice, NOON)
        other = sitting_of(tx, cast, cast.bob, NOON)
        events.append_all(tx, sitting.id, [fact(item) for item in items], NOON)
        events.append_all(tx, other.id, [fact(item) for item in items[:20]], NOON)
        assert failed_looks(tx, sitting.id) == (
            FailedLooks("far", 1, 2, ("timeout",)),
            FailedLooks("things", 3, 3, ("assessment_failed", "timeout")),
        )
        assert failed_looks(tx, other.id) == ()


def test_own_network_is_told_by_its_lowest_and_middle_score(database: Database) -> None:
    told = [
        Observation(Check.FACE, OWN_PAD, 15.0 * n, {"live": live, "network": "mini/1a2b3c4d"})
        for n, live in enumerate((0.9, 0.2, 0.8))
    ]
    with database.transaction() as tx:
        cast = assemble(tx)
        sitting = sitting_of(tx, cast, cast.alice, NOON)
        assert own_pad_scores(tx, sitting.id) is None
        events.append_all(tx, sitting.id, [fact(item) for item in told], NOON)
        assert own_pad_scores(tx, sitting.id) == OwnPadScores("mini/1a2b3c4d", 3, 0.2, 0.8)

"""Two people never decide in one sitting at the same time."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from proctor.review.claims import LASTS, Claimed, claims_of, hold, release
from tests.support.cast import NOON, assemble
from tests.support.sittings import sitting_of

pytestmark = pytest.mark.db


def test_a_claim_keeps_others_away_until_it_is_over_or_given_up(tx: Session) -> None:
    cast = assemble(tx)
    sitting = sitting_of(tx, cast, cast.alice, NOON)
    late = NOON + timedelta(minutes=29)

    hold(tx, cast.rita, sitting.id, NOON)
    with pytest.raises(Claimed):
        hold(tx, cast.rustam, sitting.id, late)
    hold(tx, cast.rita, sitting.id, late)
    with pytest.raises(Claimed):
        hold(tx, cast.rustam, sitting.id, NOON + LASTS)
    claim = claims_of(tx, late, [sitting.id])[sitting.id]
    assert (claim.by, claim.until) == ("Rita", late + LASTS)

    hold(tx, cast.rustam, sitting.id, late + LASTS)
    release(tx, cast.rita, sitting.id)
    assert claims_of(tx, late + LASTS, [sitting.id])[sitting.id].by == "Rustam"
    release(tx, cast.rustam, sitting.id)
    assert claims_of(tx, NOON, [sitting.id]) == {}
    hold(tx, cast.rita, sitting.id, NOON)

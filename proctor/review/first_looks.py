"""What a person sees in the raw clip of an incident before being told what a detector said.

Where an institution asks for it, kind, score and facts appear only after that; how far the two
agree is measured. A first look decides nothing.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import Conflict
from proctor.people.tables import Account
from proctor.review.dossier import IncidentFile
from proctor.review.looks import looks_of
from proctor.review.statements import Said
from proctor.review.tables import FirstLook, Seen
from proctor.review.verdicts import NotLooked, OwnSitting
from proctor.sittings.tables import Sitting


class FirstLookMissing(Conflict):
    """Say first what you see in the clip."""

    key = "error.first_look_missing"


class FirstLookGiven(Conflict):
    """You know already what the detector said of it."""

    key = "error.first_look_given"


def unlabelled(
    tx: Session, account: Account, incidents: Iterable[IncidentFile], said: Iterable[Said]
) -> frozenset[str]:
    """Incidents that *account* has to look at before the label: with a clip, and undecided or
    under an appeal that waits."""
    appealed = {each.incident_id for each in said if each.waits}
    wanted = {
        each.row.id
        for each in incidents
        if each.clips and not each.is_open and (not each.rulings or each.row.id in appealed)
    }
    given = select(FirstLook.incident_id).where(
        FirstLook.reviewer_id == account.id, FirstLook.incident_id.in_(wanted)
    )
    return frozenset(wanted - set(tx.scalars(given)))


def give(
    tx: Session, account: Account, sitting: Sitting, incident_id: str, seen: Seen, at: datetime
) -> None:
    """Write what *account* sees in an incident of ``unlabelled``. Raises NotLooked."""
    if account.id == sitting.account_id:
        raise OwnSitting(sitting=sitting.id)
    if not looks_of(tx, account.id, sitting.id).saw(incident_id):
        raise NotLooked(incident=incident_id)
    tx.add(FirstLook(incident_id=incident_id, reviewer_id=account.id, seen=seen, at=at))
    tx.flush()
    payload = {"incident": incident_id, "reviewer": account.id, "seen": seen.value}
    events.append(tx, sitting.id, "first_look", payload, at)


def given_by(tx: Session, account: Account, incident_id: str) -> Seen | None:
    """What *account* saw in an incident before its label."""
    query = select(FirstLook.seen).where(
        FirstLook.reviewer_id == account.id, FirstLook.incident_id == incident_id
    )
    return tx.scalars(query).one_or_none()

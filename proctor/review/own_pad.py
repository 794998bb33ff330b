"""What the institution's own PAD network said of a sitting's faces, for whoever reviews it."""

from dataclasses import dataclass
from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.analysis.face import OWN_PAD
from proctor.events import Event
from proctor.review.failed_looks import of_faces


@dataclass(frozen=True, slots=True)
class OwnPadScores:
    """Of ``looks``, each from 0, shown on a screen or a print, to 1, alive."""

    network: str
    looks: int
    lowest: float
    middle: float


def own_pad_scores(tx: Session, sitting_id: str) -> OwnPadScores | None:
    """None without such a network."""
    told = Event.body.contains(of_faces(OWN_PAD), autoescape=True)
    query = select(Event).where(Event.stream == sitting_id, Event.kind == "observation", told)
    found = [event.payload["values"] for event in tx.scalars(query.order_by(Event.seq))]
    if not found:
        return None
    live = [float(each["live"]) for each in found]
    return OwnPadScores(str(found[-1]["network"]), len(live), min(live), median(live))

"""Who looked at what before deciding: views of recordings and clips, and looks at one incident."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.incidents.tables import ClipRow, IncidentRow

# a browser asks for a video in many pieces: all of them within this time are one view
_ONE_VIEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Looks:
    """What one person saw of one sitting. ``incidents``: looked at one by one, or by their clip;
    ``recordings``: whether any of the recording was seen."""

    incidents: frozenset[str]
    recordings: bool

    @property
    def saw_anything(self) -> bool:
        return self.recordings or bool(self.incidents)

    def saw(self, incident_id: str) -> bool:
        """Whether the incident, or the recording it is in, was seen."""
        return self.recordings or incident_id in self.incidents

    def saw_itself(self, incident_id: str) -> bool:
        """Whether the incident was looked at by itself."""
        return incident_id in self.incidents


def looks_of(tx: Session, viewer_id: str, sitting_id: str) -> Looks:
    """What *viewer_id* saw of the sitting so far."""
    seen = events.read(tx, sitting_id, "recording_viewed", "incident_looked")
    mine = [each for each in seen if each.payload["viewer"] == viewer_id]
    incidents = {each.payload["incident"] for each in mine if each.kind == "incident_looked"}
    viewed = [str(each.payload["what"]) for each in mine if each.kind == "recording_viewed"]
    clips = [what.removeprefix("clip:") for what in viewed if what.startswith("clip:")]
    incidents |= _incidents_of_clips(tx, sitting_id, clips) if clips else set()
    return Looks(frozenset(incidents), any(what.startswith("recording:") for what in viewed))


def record_look(
    tx: Session, viewer_id: str, sitting_id: str, incident_id: str, at: datetime
) -> None:
    """Write that *viewer_id* looked at one incident, once."""
    payload = {"viewer": viewer_id, "incident": incident_id}
    seen = events.read(tx, sitting_id, "incident_looked")
    if all(each.payload != payload for each in seen):
        events.append(tx, sitting_id, "incident_looked", payload, at)


def record_view(
    tx: Session, viewer_id: str, sitting_id: str, what: str, subject_id: str, at: datetime
) -> None:
    """Write that *viewer_id* is about to see a ``recording``, ``clip``, ``picture`` or
    ``export``, once."""
    what = f"{what}:{subject_id}"
    for event in reversed(events.read(tx, sitting_id, "recording_viewed")):
        if at - event.at > _ONE_VIEW:
            break
        if event.payload == {"viewer": viewer_id, "what": what}:
            return
    events.record_access(tx, viewer_id=viewer_id, stream=sitting_id, what=what, at=at)


def _incidents_of_clips(tx: Session, sitting_id: str, clip_ids: list[str]) -> set[str]:
    query = select(ClipRow.id, ClipRow.incident_id, ClipRow.path).join(
        IncidentRow, IncidentRow.id == ClipRow.incident_id
    )
    rows = tx.execute(query.where(IncidentRow.sitting_id == sitting_id)).all()
    # overlapping incidents share one file: who saw it saw all of them
    paths = {row.path for row in rows if row.id in clip_ids}
    return {row.incident_id for row in rows if row.path in paths}

"""What a reviewer needs about one sitting beside its evidence: clips, decisions, viewers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.incidents.builder import clips_of, incidents_of
from proctor.incidents.kinds import IDENTITY_KINDS, Concern, concern_of
from proctor.incidents.tables import ClipRow, IncidentRow
from proctor.media.tables import Recording
from proctor.people.tables import Account
from proctor.review.tables import Decision, Verdict
from proctor.review.verdicts import IdentityStanding, identity_standing, verdicts_of

# a browser asks for a video in many pieces: all of them within this time are one view
_ONE_VIEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Ruling:
    """One decision of a person, with the name to show."""

    decision: Decision
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class IncidentFile:
    """An incident with its clips and its decisions in order of time."""

    row: IncidentRow
    clips: tuple[ClipRow, ...]
    rulings: tuple[Ruling, ...]

    @property
    def concern(self) -> Concern:
        return concern_of(self.row.kind)

    @property
    def is_open(self) -> bool:
        return self.row.end_s is None


@dataclass(frozen=True, slots=True)
class View:
    """Who looked at what of the recording. ``what``: recording, clip or export."""

    by: str
    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Dossier:
    incidents: tuple[IncidentFile, ...]
    recordings: tuple[Recording, ...]
    identity: tuple[Ruling, ...]
    standing: IdentityStanding
    views: tuple[View, ...]

    @property
    def identity_undecided(self) -> int:
        """Incidents about identity that nobody decided yet."""
        return sum(
            found.row.kind in IDENTITY_KINDS and not found.rulings for found in self.incidents
        )


def dossier(tx: Session, sitting_id: str) -> Dossier:
    """All of it for one sitting the visitor may review."""
    verdicts = verdicts_of(tx, sitting_id)
    seen = events.read(tx, sitting_id, "recording_viewed")
    names = _names(
        tx,
        {verdict.reviewer_id for verdict in verdicts} | {view.payload["viewer"] for view in seen},
    )
    clips = clips_of(tx, sitting_id)
    recordings = select(Recording).where(Recording.sitting_id == sitting_id)
    return Dossier(
        incidents=tuple(
            IncidentFile(
                row,
                tuple(clip for clip in clips if clip.incident_id == row.id),
                _rulings(verdicts, row.id, names),
            )
            for row in incidents_of(tx, sitting_id)
        ),
        recordings=tuple(tx.scalars(recordings.order_by(Recording.track, Recording.part))),
        identity=_rulings(verdicts, None, names),
        standing=identity_standing(verdicts),
        views=tuple(_view(event, names) for event in reversed(seen)),
    )


def record_view(
    tx: Session, viewer_id: str, sitting_id: str, what: str, subject_id: str, at: datetime
) -> None:
    """Write that *viewer_id* is about to see a ``recording``, ``clip`` or ``export``, once."""
    what = f"{what}:{subject_id}"
    for event in reversed(events.read(tx, sitting_id, "recording_viewed")):
        if at - event.at > _ONE_VIEW:
            break
        if event.payload == {"viewer": viewer_id, "what": what}:
            return
    events.record_access(tx, viewer_id=viewer_id, stream=sitting_id, what=what, at=at)


def _rulings(
    verdicts: Iterable[Verdict], incident_id: str | None, names: dict[str, str]
) -> tuple[Ruling, ...]:
    return tuple(
        Ruling(row.decision, row.reason, names[row.reviewer_id], row.at)
        for row in verdicts
        if row.incident_id == incident_id
    )


def _view(event: events.Event, names: dict[str, str]) -> View:
    what = str(event.payload["what"]).partition(":")[0]
    return View(names[event.payload["viewer"]], what, event.at)


def _names(tx: Session, ids: set[str]) -> dict[str, str]:
    rows = tx.execute(select(Account.id, Account.name).where(Account.id.in_(ids)))
    return {row.id: row.name for row in rows}

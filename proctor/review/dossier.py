"""What a reviewer needs about one sitting beside its evidence: clips, decisions, viewers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.identity.tables import CheckResult, IdentityCheck, Modality
from proctor.incidents.builder import clips_of, incidents_of
from proctor.incidents.kinds import IDENTITY_KINDS, Concern, concern_of
from proctor.incidents.tables import ClipRow, IncidentRow
from proctor.media import ledger
from proctor.media.tables import Recording
from proctor.observations import Track
from proctor.people.tables import Account, Role
from proctor.review.tables import Decision, Verdict
from proctor.review.verdicts import IdentityStanding, identity_standing, verdicts_of
from proctor.sittings.expiries import expiry_of
from proctor.sittings.tables import Expiry


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
    """Who looked at what, as what. ``what``: recording, clip, picture or export."""

    by: str
    role: Role
    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of face or typing. ``llr``: natural, None when it was not assessed."""

    at_s: float
    modality: Modality
    result: CheckResult
    llr: float | None
    model_id: str | None


@dataclass(frozen=True, slots=True)
class Dossier:
    """``sent_by_program``: whether pictures came from something else than the exam page.
    ``expiry``: set once clips and files of recordings are gone. ``dropped``: what arrived and was
    lost. ``unaccounted``: by how many seconds the ledger of a track is wrong."""

    incidents: tuple[IncidentFile, ...]
    recordings: tuple[Recording, ...]
    identity: tuple[Ruling, ...]
    standing: IdentityStanding
    views: tuple[View, ...]
    sent_by_program: bool
    expiry: Expiry | None
    dropped: Mapping[str, int]
    unaccounted: Mapping[Track, float]

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
    people = _people(
        tx,
        {verdict.reviewer_id for verdict in verdicts} | {view.payload["viewer"] for view in seen},
    )
    expiry = expiry_of(tx, sitting_id)
    clips: defaultdict[str, list[ClipRow]] = defaultdict(list)
    for clip in clips_of(tx, sitting_id) if expiry is None else ():
        clips[clip.incident_id].append(clip)
    recordings = select(Recording).where(Recording.sitting_id == sitting_id)
    return Dossier(
        incidents=tuple(
            IncidentFile(
                row,
                tuple(clips[row.id]),
                _rulings(verdicts, row.id, people),
            )
            for row in incidents_of(tx, sitting_id)
        ),
        recordings=tuple(tx.scalars(recordings.order_by(Recording.track, Recording.part))),
        identity=_rulings(verdicts, None, people),
        standing=identity_standing(verdicts),
        views=tuple(_view(event, people) for event in reversed(seen)),
        sent_by_program=any(
            event.payload["via"] == "whip"
            for event in events.read(tx, sitting_id, "media_connected")
        ),
        expiry=expiry,
        dropped=ledger.dropped_of(tx, sitting_id),
        unaccounted=ledger.unaccounted_of(tx, sitting_id),
    )


def checks_of(tx: Session, sitting_id: str) -> list[Comparison]:
    """Every comparison of a sitting in order of time, as light as a long exam's page asks for."""
    row = IdentityCheck
    query = select(row.at_s, row.modality, row.result, row.llr, row.model_id)
    mine = query.where(row.sitting_id == sitting_id).order_by(row.at_s)
    return [Comparison(*each) for each in tx.execute(mine)]


def _rulings(
    verdicts: Iterable[Verdict], incident_id: str | None, people: dict[str, Account]
) -> tuple[Ruling, ...]:
    return tuple(
        Ruling(row.decision, row.reason, people[row.reviewer_id].name, row.at)
        for row in verdicts
        if row.incident_id == incident_id
    )


def _view(event: events.Event, people: dict[str, Account]) -> View:
    what = str(event.payload["what"]).partition(":")[0]
    viewer = people[event.payload["viewer"]]
    return View(viewer.name, viewer.role, what, event.at)


def _people(tx: Session, ids: set[str]) -> dict[str, Account]:
    rows = tx.scalars(select(Account).where(Account.id.in_(ids)))
    return {row.id: row for row in rows}

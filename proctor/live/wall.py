"""The sittings under way that one proctor watches, those who need somebody first."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.incidents.kinds import Severity
from proctor.incidents.tables import IncidentRow
from proctor.live.register import LiveSittings
from proctor.live.sitting import LiveSitting
from proctor.media.pace import Pace
from proctor.people.tables import Account
from proctor.review import queue
from proctor.review.queue import Reviewed
from proctor.sittings import interventions
from proctor.sittings.tables import Act, Intervention, SittingState

#: how often an open wall is told of the sittings on it, and has new stills of them
ROUND_S = 2.0
#: an incident that ended is news for so long
NEWS_S = 300.0


class Need(IntEnum):
    """Why somebody should look, the most pressing first."""

    END_ASKED = 0
    REPLY = 1
    ADMISSION = 2
    INCIDENT = 3
    MEDIA = 4
    PAUSED = 5
    NEWS = 6
    NONE = 7


@dataclass(frozen=True, slots=True)
class LastIncident:
    """``start_s``: seconds since the exam began."""

    kind: str
    start_s: float
    is_open: bool


@dataclass(frozen=True, slots=True)
class Watched:
    """One sitting as the database has it."""

    reviewed: Reviewed
    incidents: tuple[IncidentRow, ...]
    said: Intervention | None

    def last_incident(self) -> LastIncident | None:
        """The one that lasts, else the one that came last."""
        if not self.incidents:
            return None
        row = max(self.incidents, key=lambda each: (each.end_s is None, each.start_s))
        return LastIncident(row.kind, row.start_s, row.end_s is None)


@dataclass(frozen=True, slots=True)
class Tile:
    """One sitting on the wall. ``kbit_s``: None when this process receives nothing of it.

    ``is_relayed``: its pictures come, or came last, through the relay.
    """

    watched: Watched
    need: Need
    remaining_s: float | None
    camera: bool
    screen: bool
    kbit_s: int | None
    pace: Pace
    is_relayed: bool
    incident: LastIncident | None


class Wall:
    """What one proctor's wall shows, each time it is looked at."""

    def __init__(self, sittings: LiveSittings, account: Account) -> None:
        self._sittings = sittings
        self._account = account
        self._taken: dict[str, tuple[float, int]] = {}

    def read(self) -> list[Watched]:
        """The sittings of the proctor's exams that are under way now; reads the database."""
        with self._sittings.line.db.reading() as tx:
            return watched_by(tx, self._account, self._sittings.line.clock.now())

    def tiles(self, watched: Sequence[Watched]) -> list[Tile]:
        """With what this process holds of them, those who need somebody first."""
        tiles = [self._tile(each) for each in watched]
        return sorted(tiles, key=lambda tile: (tile.need, tile.watched.reviewed.sitting.created_at))

    def _tile(self, watched: Watched) -> Tile:
        sitting_id = watched.reviewed.sitting.id
        live = self._sittings.held(sitting_id)
        incident = watched.last_incident()
        tracks = live.live_tracks if live else {}
        camera, screen = tracks.get("camera", False), tracks.get("screen", False)
        return Tile(
            watched=watched,
            need=need_of(watched, incident, live, has_media=camera and screen),
            remaining_s=live.remaining_s if live else None,
            camera=camera,
            screen=screen,
            kbit_s=self._kbit_s(sitting_id, live) if live else None,
            pace=live.pace if live else Pace.FULL,
            is_relayed=live is not None and live.is_relayed,
            incident=incident,
        )

    def _kbit_s(self, sitting_id: str, live: LiveSitting) -> int | None:
        """What arrived since the last look."""
        now, taken = self._sittings.line.clock.monotonic(), live.taken_bytes
        before, had = self._taken.get(sitting_id, (now, taken))
        self._taken[sitting_id] = now, taken
        return round((taken - had) * 8 / 1000 / (now - before)) if now > before else None


def need_of(
    watched: Watched, incident: LastIncident | None, live: LiveSitting | None, *, has_media: bool
) -> Need:
    """The most pressing reason to look at a sitting."""
    said, sitting = watched.said, watched.reviewed.sitting
    if said is not None and said.act is Act.END_ASKED:
        return Need.END_ASKED
    if said is not None and said.act is Act.REPLY:
        return Need.REPLY
    if (
        sitting.state is SittingState.CHECKING
        and live is not None
        and live.identification.waits_for_admission
    ):
        return Need.ADMISSION
    if any(
        row.end_s is None and row.severity == Severity.ATTENTION.value for row in watched.incidents
    ):
        return Need.INCIDENT
    if sitting.state is SittingState.RUNNING and not has_media:
        return Need.MEDIA
    if sitting.state is SittingState.SUSPENDED:
        return Need.PAUSED
    exam_s = live.exam_now_s if live is not None else 0.0
    if incident is not None and exam_s - incident.start_s < NEWS_S:
        return Need.NEWS
    return Need.NONE


def watched_by(tx: Session, account: Account, now: datetime) -> list[Watched]:
    """Sittings of exams assigned to *account* that are under way, with what happened in them."""
    under_way = queue.under_way(tx, account, now)
    ids = [each.sitting.id for each in under_way]
    incidents: defaultdict[str, list[IncidentRow]] = defaultdict(list)
    for row in tx.scalars(select(IncidentRow).where(IncidentRow.sitting_id.in_(ids))):
        incidents[row.sitting_id].append(row)
    said = interventions.newest(tx, ids)
    return [
        Watched(each, tuple(incidents[each.sitting.id]), said.get(each.sitting.id))
        for each in under_way
    ]

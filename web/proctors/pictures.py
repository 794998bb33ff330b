"""Single pictures beside an incident, made for who looks at them and kept nowhere.

The view is on record before a picture is read, and the viewer's number stands in it.
"""

import asyncio
from enum import StrEnum

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy.orm import Session

from proctor.errors import Unavailable
from proctor.incidents.kinds import Kind
from proctor.incidents.tables import IncidentRow
from proctor.media.frames import Codec
from proctor.media.ledger import files_of_track
from proctor.media.pictures import NoPicture, key_frame_near
from proctor.observations import NotAssessed, Track
from proctor.people.tables import Role
from proctor.review import looks, queue, verdicts
from proctor.review.dossier import checks_of
from proctor.sittings.expiries import refuse_expired
from web.access import ServicesDep, Signed, allow
from web.proctors.card import identified_s
from web.proctors.timeline import LANES
from web.videos import NO_STORE

router = APIRouter(tags=["review"])
# what these are about is seen on the screen, if at all
_ON_SCREEN = LANES["screen"] | LANES["browser"] | {Kind.PASTE}


class Moment(StrEnum):
    """``start``: the face that was identified. ``face``: the face at the incident. ``scene``: all
    of the camera, or of the screen where the incident is about that."""

    START = "start"
    FACE = "face"
    SCENE = "scene"


@router.get(
    "/review/sittings/{sitting_id}/incidents/{incident_id}/pictures/{moment}",
    dependencies=[allow(Role.PROCTOR, Role.REVIEWER)],
)
async def picture(
    sitting_id: str, incident_id: str, moment: Moment, visitor: Signed, at: ServicesDep
) -> Response:
    """A JPEG of one moment of a recording."""
    viewer_id = visitor.account.id

    def frame() -> tuple[Codec, bytes]:
        with at.db.transaction() as tx:
            sitting = queue.sitting_for(tx, visitor.account, sitting_id).sitting
            refuse_expired(tx, sitting_id)
            incident = verdicts.incident_in(tx, sitting, incident_id)
            track, at_s = _place(tx, incident, moment)
            files = files_of_track(tx, sitting_id, track, at.settings.recordings_dir)
            looks.record_view(tx, viewer_id, sitting_id, "picture", incident_id, at.clock.now())
        return key_frame_near(files, at_s + sitting.exam_offset_s)

    made = await at.inference.mark_frame(
        *await asyncio.to_thread(frame), viewer_id[:8], face_only=moment is not Moment.SCENE
    )
    if isinstance(made, NotAssessed):
        raise NoPicture if made.reason == "no_face" else Unavailable
    return Response(made, media_type="image/jpeg", headers=NO_STORE)


def _place(tx: Session, incident: IncidentRow, moment: Moment) -> tuple[Track, float]:
    """Which track shows it, and when in seconds since the exam began."""
    if moment is Moment.START:
        return Track.CAMERA, identified_s(checks_of(tx, incident.sitting_id))
    on_screen = moment is Moment.SCENE and incident.kind in _ON_SCREEN
    # by then the fact had held for as long as it must
    return Track.SCREEN if on_screen else Track.CAMERA, incident.opened_s

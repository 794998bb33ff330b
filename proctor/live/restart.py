"""Why nothing of a sitting arrived while no process held it."""

from datetime import datetime

from proctor.live.journal import Journal
from proctor.live.loading import Loaded
from proctor.live.times import recorded_s, span_of
from proctor.media.capture import NO_PACKETS, Capture
from proctor.media.gaps import Interval
from proctor.observations import Check, Observation, Track
from proctor.people.tables import Purpose

# a killed recorder loses up to this, and the last event may be as old
UNSURE_S = 2.0
SERVER_RESTART = "server_restart"


def note_outages(journal: Journal, capture: Capture, loaded: Loaded, up_since: datetime) -> None:
    """Note for an exam under way why nothing arrived until *up_since*, when this process began."""
    sitting = journal.sitting
    since_s = recorded_s(sitting, loaded.left_at) - UNSURE_S
    since_s = max(since_s, sitting.exam_offset_s)
    until_s = max(since_s, recorded_s(sitting, up_since))
    for track in Track:
        for each in loaded.outages[track]:
            capture.lost(track, *span_of(sitting, each, since_s), each.cause)
        capture.lost(track, since_s, until_s, SERVER_RESTART)
        for held in loaded.filled[track]:
            start_s, end_s = (at_s + sitting.exam_offset_s for at_s in (held.start, held.end))
            capture.note_filled(track, Interval(start_s, end_s))
    if Purpose.RECORDING not in loaded.consented:
        return
    for at_s, cause in ((since_s, SERVER_RESTART), (until_s, NO_PACKETS)):
        for track in Track:
            values: dict[str, float | int | bool | str] = {"track": track.value, "cause": cause}
            journal.note(Observation(Check.MEDIA, "silent", at_s, values))

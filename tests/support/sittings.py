"""Finished sittings with incidents and real recordings, for the rooms after the exam."""

from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from sqlalchemy.orm import Session

from proctor.exams.thresholds import ExamRules
from proctor.incidents import builder
from proctor.incidents.tables import ClipRow, IncidentRow
from proctor.media.frames import EncodedFrame, is_key_frame
from proctor.media.ledger import recordings_of
from proctor.media.recorder import TrackRecorder
from proctor.media.tables import Recording
from proctor.observations import Track
from proctor.people.tables import Account
from proctor.sittings.tables import Sitting, SittingState
from tests.support.cast import Cast

FRAME_RATE = 5
EXAM_S = 30.0


def sitting_of(
    tx: Session,
    cast: Cast,
    learner: Account,
    now: datetime,
    state: SittingState = SittingState.FINISHED,
) -> Sitting:
    """A sitting of 30 seconds of the cast's final, over unless told otherwise."""
    is_over = state in (SittingState.FINISHED, SittingState.SUSPENDED)
    row = Sitting(
        event_id=cast.final.id,
        account_id=learner.id,
        state=state,
        sign_in_id="0" * 32,
        created_at=now - timedelta(minutes=2),
        started_at=now - timedelta(minutes=1),
        deadline_at=now + timedelta(minutes=1),
        finished_at=now if is_over else None,
        exam_s=EXAM_S if is_over else None,
    )
    tx.add(row)
    tx.flush()
    return row


def incident_of(
    tx: Session,
    sitting: Sitting,
    kind: str,
    start_s: float,
    end_s: float | None,
    **evidence: Any,
) -> IncidentRow:
    row = IncidentRow(
        sitting_id=sitting.id,
        kind=kind,
        severity="attention",
        start_s=start_s,
        end_s=end_s,
        opened_s=start_s,
        opened_at=sitting.created_at,
        evidence=evidence,
    )
    tx.add(row)
    tx.flush()
    return row


def record_track(
    tx: Session,
    sitting: Sitting,
    directory: Path,
    track: Track,
    *,
    seconds: float = EXAM_S,
    starts_s: float = 0.0,
    rate: int = FRAME_RATE,
    plain: bool = False,
) -> Recording:
    """A real WebM file of a moving pattern, on disk and in the database."""
    folder = directory / sitting.id
    folder.mkdir(parents=True, exist_ok=True)
    recorder = TrackRecorder(folder, track, epoch=-starts_s)
    shown = pictures(plain)
    for number in range(round(seconds * rate)):
        data = shown[number % len(shown)]
        ticks, arrival = 90_000 // rate * number, number / rate
        is_key = is_key_frame("VP8", data)
        recorder.write(EncodedFrame(track, "VP8", ticks, arrival, is_key, data))
    recorded = recorder.finish()
    row = Recording(
        sitting_id=sitting.id,
        track=track,
        part=1,
        path=f"{sitting.id}/{recorded.path.name}",
        starts_s=starts_s,
        recorded_s=seconds,
        bytes=recorded.bytes,
        sha256=recorded.sha256,
    )
    tx.add(row)
    tx.flush()
    return row


@cache
def pictures(plain: bool = False) -> tuple[bytes, ...]:
    """Five seconds of VP8, 160x120, a key frame each second; *plain* ones are small."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 160, 120, "yuv420p"
    encoder.time_base = Fraction(1, FRAME_RATE)
    encoder.options = {"deadline": "realtime", "lag-in-frames": "0", "g": str(FRAME_RATE)}
    base = np.random.default_rng(11).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    if plain:
        base = np.broadcast_to(np.arange(160, dtype=np.uint8)[None, :, None], base.shape)
    encoded: list[bytes] = []
    for number in range(5 * FRAME_RATE):
        picture = av.VideoFrame.from_ndarray(np.roll(base, 5 * number, axis=1), format="rgb24")
        picture.pts = number
        encoded += [bytes(packet) for packet in encoder.encode(picture)]
    return tuple(encoded)


def cut_clips(tx: Session, sitting: Sitting, directory: Path) -> list[ClipRow]:
    """The clips of all incidents of *sitting*, from what ``record_track`` recorded."""
    files = {
        track: [directory / row.path for row in recordings_of(tx, sitting.id, track)]
        for track in Track
    }
    spans = builder.spans_of(builder.incidents_of(tx, sitting.id), (), ())
    windows = builder.clip_windows(ExamRules(), spans, EXAM_S)
    clips = builder.cut(windows, files, 0.0, directory / sitting.id)
    return builder.name_clips(tx, sitting.id, clips, directory)

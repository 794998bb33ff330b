"""The learners' earlier visits: consent, enrolment, and confirmation by the office."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import cv2
from sqlalchemy.orm import Session

from biometrics.types import Box
from keystroke.events import parse_batch
from keystroke.verifiers.free_text import FreeTextVerifier
from proctor.commands import typist
from proctor.commands.camera_film import Picture, jpeg, read_still
from proctor.errors import Refused
from proctor.identity import enrolment
from proctor.identity.tables import Modality
from proctor.inference import FrameAssessment
from proctor.inference.pool import InferencePool
from proctor.observations import NotAssessed
from proctor.people import consents
from proctor.people.tables import Account, Purpose
from proctor.vault import Vault

DAY: Final = timedelta(days=1)
JPEG_QUALITY: Final = 95
# a face box and half of it again on each side: what a portrait shows
AROUND_FACE: Final = 0.5


class PortraitRefused(Refused):
    """The portrait cannot be enrolled."""

    def __init__(self, hints: Sequence[str]) -> None:
        super().__init__(hints=" ".join(hints))
        self.args = (f"the portrait cannot be enrolled: {', '.join(hints)}",)


@dataclass(frozen=True)
class Desk:
    """Who confirms the references, and what they are sealed and compared with."""

    tx: Session
    vault: Vault
    office: Account
    now: datetime


def consent(desk: Desk, learner: Account) -> None:
    """The learner agrees to every purpose, before anything is enrolled."""
    answers = dict.fromkeys(Purpose, True)
    at = desk.now - 30 * DAY
    consents.record(desk.tx, desk.vault, learner.id, answers, learner.locale, at)


def enrol_face(
    desk: Desk, pool: InferencePool, learner: Account, portrait: FrameAssessment
) -> None:
    """One confirmed face reference made of the portrait alone, as three pictures of it."""
    at = desk.now - DAY
    # enrolment does not take the same picture again
    portrait = replace(portrait, fingerprint=b"")
    for _ in range(enrolment.FACE_SAMPLES):
        progress = enrolment.add_face(
            desk.tx, desk.vault, pool.comparison, learner.id, portrait, at
        )
        if progress.hints:
            raise PortraitRefused(progress.hints)
    _confirm(desk, learner, at)


def enrol_typing(
    desk: Desk,
    verifier: FreeTextVerifier,
    learner: Account,
    sessions: Sequence[tuple[typist.Press, ...]],
) -> None:
    """One confirmed typing reference for each session, each typed on a day of its own."""
    if enrolment.status(desk.tx, learner.id, desk.now)[Modality.KEYSTROKE] == "confirmed":
        return
    for days_ago, presses in enumerate(sessions, start=2):
        at = desk.now - days_ago * DAY
        batch = parse_batch(typist.batch(presses))
        enrolment.add_typing(desk.tx, desk.vault, verifier, learner.id, batch, at)
        _confirm(desk, learner, at)


def assess_portrait(pool: InferencePool, path: Path) -> FrameAssessment:
    """The portrait as enrolment wants it: one face, large enough, with room around it.

    Raises FootageUnreadable or PortraitRefused.
    """
    picture = read_still(path)
    seen = _assess(pool, picture)
    if "no_face" in enrolment.face_hints(seen):
        picture = _with_room(picture)
        seen = _assess(pool, picture)
    if isinstance(seen, FrameAssessment) and seen.faces and enrolment.face_hints(seen):
        seen = _assess(pool, _around(picture, seen.faces[0].box))
    hints = enrolment.face_hints(seen)
    if hints or isinstance(seen, NotAssessed):
        raise PortraitRefused(hints)
    return seen


def _assess(pool: InferencePool, picture: Picture) -> FrameAssessment | NotAssessed:
    return pool.submit_image(jpeg(picture, JPEG_QUALITY), embed=True, portrait=True).result()


def _with_room(picture: Picture) -> Picture:
    """The picture with a border: a face that fills it is not found without one."""
    up, across = picture.shape[0] // 2, picture.shape[1] // 2
    return cv2.copyMakeBorder(
        picture, up, up, across, across, cv2.BORDER_CONSTANT, value=(128, 128, 128)
    ).astype(picture.dtype)


def _around(picture: Picture, face: Box) -> Picture:
    """The part of the picture around one face, at least 480 pixels high."""
    across, up = face.width * AROUND_FACE, face.height * AROUND_FACE
    left, top = max(0, round(face.left - across)), max(0, round(face.top - up))
    right = round(face.left + face.width + across)
    bottom = round(face.top + face.height + up)
    part = picture[top:bottom, left:right]
    scale = max(1.0, 480 / part.shape[0])
    enlarged = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return enlarged.astype(picture.dtype)


def _confirm(desk: Desk, learner: Account, at: datetime) -> None:
    for row, account in enrolment.pending(desk.tx, learner.institution_id):
        if account.id == learner.id:
            enrolment.confirm(desk.tx, row.id, desk.office, "office", at)

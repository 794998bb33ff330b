"""People of one institution at the doors of another: real ids, every route, nothing there."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session

from proctor.centres.tables import Cause, OnSiteSitting
from proctor.exams.tables import Course, CourseKind, CourseStaff, Declaration, StaffRole, Technology
from proctor.identity.enrolment import FACE_SAMPLES
from proctor.identity.tables import Modality, Reference, ReferenceState
from proctor.incidents.tables import ClipRow
from proctor.observations import Track
from proctor.people import accounts, consents, sign_in
from proctor.people.tables import Account, Purpose, Role
from proctor.reports.certificate_form import form_of
from proctor.reports.issue import issue
from proctor.reports.tables import Certificate
from proctor.retention.tables import Erasure, LegalHold
from proctor.review.tables import Statement
from proctor.sittings.tables import RepairWindow
from tests.support.cast import Cast
from tests.support.certificates import FORM
from tests.support.service import Service
from tests.support.sittings import incident_of, record_track, sitting_of
from web.access import COOKIE, all_routes, policy_of

pytestmark = pytest.mark.db


def move_in(tx: Session, cast: Cast) -> list[Account]:
    """One person of each role in another institution, the staff on a course there."""
    institution = accounts.ensure_institution(tx, "Another University")
    course = Course(
        institution_id=institution.id,
        code=cast.course.code,
        title="The same code elsewhere",
        kind=CourseKind.MOOC,
        policy_pack=cast.course.policy_pack,
        starts_on=cast.course.starts_on,
        ends_on=cast.course.ends_on,
    )
    tx.add(course)
    tx.flush()
    people = [
        accounts.add(tx, institution.id, f"{role}@elsewhere.example", role, role) for role in Role
    ]
    for person in people:
        if person.role in set(StaffRole):
            role = StaffRole(person.role.value)
            tx.add(CourseStaff(course_id=course.id, account_id=person.id, role=role))
    return people


def belongings(tx: Session, service: Service, recordings: Path) -> dict[str, str]:
    """One of everything the cast has, by the name of the path parameter."""
    cast, now = service.cast, service.services.clock.now()
    sitting = sitting_of(tx, cast, cast.alice, now)
    incident = incident_of(tx, sitting, "paste", 5.0, 5.0)
    recording = record_track(tx, sitting, recordings, Track.CAMERA)
    clip = ClipRow(
        incident_id=incident.id,
        track=Track.CAMERA,
        path=recording.path,
        start_s=0,
        end_s=9,
        sha256="0" * 64,
        parent_sha256="1" * 64,
    )
    reference = Reference(
        account_id=cast.alice.id,
        modality=Modality.FACE,
        model_id="sface/1",
        samples=FACE_SAMPLES,
        sealed=b"",
        state=ReferenceState.PENDING,
        created_at=now,
        expires_at=now.replace(year=now.year + 1),
    )
    sealed = service.services.vault.seal(tx, cast.alice.id, "statement", b"It was not me.")
    appeal = Statement(
        sitting_id=sitting.id, incident_id=incident.id, is_appeal=True, sealed=sealed, at=now
    )
    outage = OnSiteSitting(
        course_id=cast.course.id,
        event_code=cast.final.code,
        cause=Cause.OUTAGE,
        reason="The line is down.",
        by=cast.olga.id,
        at=now,
    )
    declared = Declaration(
        course_id=cast.course.id,
        account_id=cast.alice.id,
        declared_on=now.date(),
        by=cast.olga.id,
        at=now,
    )
    window = RepairWindow(
        course_id=cast.course.id,
        event_code=cast.final.code,
        technology=Technology.TEST_CENTRE,
        opens_at=now,
        closes_at=now + timedelta(days=1),
        by=cast.olga.id,
        at=now,
    )
    hold = LegalHold(
        account_id=cast.alice.id,
        reason="The court asks for it.",
        until=now + timedelta(days=30),
        asked_by=cast.olga.id,
        asked_at=now,
    )
    printed = Certificate(
        institution_id=cast.institution.id,
        number=1,
        course_id=cast.course.id,
        account_id=cast.alice.id,
        issued_at=now,
        body="{}",
        sha256="0" * 64,
    )
    asked = Erasure(account_id=cast.alice.id, asked_at=now, done_at=now, receipt={})
    tx.add_all([clip, reference, appeal, outage, declared, window, hold, asked, printed])
    tx.flush()
    return {
        "course_id": cast.course.id,
        "event_id": cast.final.id,
        "event_code": cast.final.code,
        "question_id": cast.essay.id,
        "sitting_id": sitting.id,
        "incident_id": incident.id,
        "recording_id": recording.id,
        "clip_id": clip.id,
        "statement_id": appeal.id,
        "reference_id": reference.id,
        "report_id": issue(tx, cast.course.id, cast.olga.id, now).id,
        "row_id": outage.id,
        "window_id": window.id,
        "declaration_id": declared.id,
        "hold_id": hold.id,
        "certificate_id": printed.id,
        "erasure_id": asked.id,
        "file_format": "pdf",
        "moment": "scene",
    }


TEXTS = form_of(FORM).model_dump(mode="json")
REASON = "Nobody here knows them."
PROCTORING = {
    "messages": {"act": "message", "words": "Hello"},
    "pause": {"reason": REASON},
    "resume": {},
    "extension": {"minutes": 5, "reason": REASON},
    "end": {"reason": REASON, "confirmed": True},
}
EVENT = {
    "test": {"url": "https://quiz.example"},
    "overrides": {"learner": "nobody", "reason": REASON},
    "on-site": {"reason": REASON},
    "repairs": {
        "technology": "test_centre",
        "opens_at": "2026-05-11T10:00",
        "closes_at": "2026-05-12T10:00",
    },
    "on-site/{row_id}": {"place": "Hall 2", "held_at": "2026-05-11T10:00"},
    "sittings/{sitting_id}": {"decision": "on_site", "reason": REASON},
}


def body_of(path: str) -> dict[str, Any]:
    """What a route needs before it looks for the thing itself."""
    if path.endswith("/offer"):
        tracks = {"camera": "0", "screen": "1"}
        return {"json": {"sdp": "v=0", "tracks": tracks, "display_surface": "monitor"}}
    if "/backfill/" in path:
        return {"params": {"now_ms": 0.0}, "content": b""}
    if "/answers/" in path:
        return {"json": {"revision": 1, "text": ""}}
    if path.endswith("/replies"):
        return {"json": {"words": "Hello"}}
    if path.startswith("/api/proctoring/"):
        return {"json": PROCTORING[path.rpartition("/")[2]]}
    if path.endswith("/publication"):
        return {"data": {"expertise": "act 1", "pilot": "act 2"}}
    if path.endswith(("/verdict", "/identity")):
        return {"data": {"decision": "dismissed", "reason": REASON}}
    if path.endswith("/alike"):
        return {"data": {"kind": "paste", "reason": REASON}}
    if "/events/{event_code}/" in path:
        return {"data": EVENT.get(path.rpartition("{event_code}/")[2], {})}
    if path.endswith("/attendance.{file_format}"):
        return {"params": {"part": "session", "first": "2026-05-04", "last": "2026-05-09"}}
    if path.endswith("/certificates"):
        return {"files": {"file": ("results.csv", b"learner_number\n")}}
    if path.endswith("/certificates/texts"):
        return {"data": TEXTS}
    if path.endswith("/rulings"):
        return {"data": {"status": "revoked", "reason": REASON}}
    if path.endswith("/declarations"):
        return {"data": {"number": "D-1", "declared_on": "2026-01-12"}}
    if path.startswith("/api/protocols/"):
        entry = {"learner": "0" * 32, "attended": False, "workplace": None, "document": None}
        protocol = {"centre": "A", "number": "1", "held_at": "2026-05-04T10:00", "signed_on": None}
        return {"json": protocol | {"entries": [entry | {"conditions": False}]}}
    if path.endswith("/break"):
        return {"json": {"begins": True}}
    if path.endswith("/sentence"):
        return {"json": {"batch": {"v": 1, "clock_step_ms": 0.1, "events": []}}}
    if path.endswith("/first-look"):
        return {"data": {"seen": "nothing"}}
    if "/blind/" in path:
        return {"data": {"decision": "confirmed"}}
    if "/appeals/" in path:
        return {"data": {"granted": "true", "reason": REASON}}
    return {}


def doors(service: Service, names: set[str]) -> Iterator[tuple[str, APIRoute, frozenset[Role]]]:
    """Routes about one of the things in *names*."""
    app = service.app_client.app
    assert isinstance(app, FastAPI)
    for path, route in all_routes(app):
        policy = policy_of(route)
        # what is sent to measure the uplink is about nothing
        is_about = names & set(re.findall(r"{(\w+)}", path)) and not path.endswith("/bandwidth")
        if isinstance(route, APIRoute) and policy and policy.roles and is_about:
            yield path, route, policy.roles


def test_nobody_reaches_what_belongs_to_another_institution(service: Service) -> None:
    at = service.services
    with service.db.transaction() as tx:
        ids = belongings(tx, service, at.settings.recordings_dir)
        people = move_in(tx, service.cast)
        tokens = [sign_in.begin(tx, each.id, at.clock.now()) for each in people]
        for person in people:
            given = dict.fromkeys(Purpose, True)
            consents.record(tx, at.vault, person.id, given, "en", at.clock.now())
    answers, parts = [], {"track": "camera"}
    for person, token in zip(people, tokens, strict=True):
        client = service.client(None)
        client.cookies.set(COOKIE, token)
        for path, route, roles in doors(service, set(ids)):
            for method in route.methods if person.role in roles else ():
                answer = client.request(method, path.format_map(parts | ids), **body_of(path))
                answers.append((answer.status_code, person.role, method, path))
    assert [each for each in answers if each[0] != 404] == []
    assert len(answers) > 30

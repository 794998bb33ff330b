"""``proctor bench report``: how long the report of a term takes, on made-up data."""

import json
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import insert
from sqlalchemy.orm import Session

from proctor.exams.schemes import add_version
from proctor.exams.tables import (
    AssessmentEvent,
    Course,
    CourseKind,
    EventKind,
    Mode,
    RosterEntry,
    Technology,
    Venue,
)
from proctor.identity.tables import CheckResult, IdentityCheck, Modality
from proctor.media.tables import Recording
from proctor.observations import Track
from proctor.people.tables import Account, Institution, Role
from proctor.plumbing.db import Database, new_id
from proctor.reports.build import build_report, learner_report
from proctor.reports.document import as_json, canonical, sha256_of
from proctor.reports.workbook import xlsx_of
from proctor.shares.outcomes import course_outcomes
from proctor.shares.packs import pack
from proctor.sittings.tables import Sitting, SittingState

_NOW = datetime(2026, 12, 20, 12, 0, tzinfo=UTC)
_EXAM_S = 60.0
_AT_ONCE = 2_000
_PAGES = 20


def report(
    learners: Annotated[int, typer.Option(min=1, max=1_000_000)] = 100_000,
    events: Annotated[int, typer.Option(min=1, max=100)] = 12,
    database_url: Annotated[
        str | None, typer.Option(help="An empty database; a temporary SQLite file without it.")
    ] = None,
    as_data: Annotated[bool, typer.Option("--json", help="Print plain JSON.")] = False,
) -> None:
    """The identity report of one course: its data, its workbook, one learner's page.

    Every third event has an identity plan and was sat by everybody. Peak memory is of the whole
    process.
    """
    with tempfile.TemporaryDirectory() as directory:
        db = Database(database_url or f"sqlite:///{Path(directory) / 'bench.db'}")
        db.upgrade()
        with db.transaction() as tx:
            course_id = _course(tx, learners, events)
        with db.transaction() as tx:
            figures = _measure(tx, course_id, learners)
        db.close()
    if as_data:
        typer.echo(json.dumps(figures))
    else:
        for name, value in figures.items():
            typer.echo(f"{name}: {value}")


def _measure(tx: Session, course_id: str, learners: int) -> dict[str, float]:
    page_ms = _learner_page_ms(tx, course_id, min(learners, _PAGES))
    began = time.perf_counter()
    document = as_json(build_report(tx, course_id, _NOW))
    body = canonical(document)
    seconds = time.perf_counter() - began
    peak_mb = _peak_mb()
    sha256 = sha256_of(body)
    del body
    began = time.perf_counter()
    xlsx_of(document, sha256, "kk")
    return {
        "seconds": round(seconds, 3),
        "peak_mb": peak_mb,
        "xlsx_seconds": round(time.perf_counter() - began, 3),
        "learner_page_ms": page_ms,
    }


def _learner_page_ms(tx: Session, course_id: str, pages: int) -> float:
    """Median time to bring together what a learner's page shows."""
    course = tx.get_one(Course, course_id)
    rules = pack(course.policy_pack)
    taken = []
    for n in range(pages):
        account = tx.get_one(Account, f"{n:032x}")
        began = time.perf_counter()
        outcomes = course_outcomes(tx, course, [account], _NOW)[account.id]
        learner_report(account, outcomes, rules)
        taken.append(time.perf_counter() - began)
    return round(1000 * sorted(taken)[len(taken) // 2], 3)


def _peak_mb() -> float:
    # kibibytes on Linux
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def _course(tx: Session, learners: int, events: int) -> str:
    institution = Institution(id=new_id(), name="Bench University")
    tx.add(institution)
    tx.flush()
    course = Course(
        id=new_id(),
        institution_id=institution.id,
        code="BENCH",
        title="Bench",
        kind=CourseKind.MOOC,
        policy_pack="KZ-137-2016",
        starts_on=date(2026, 9, 1),
        ends_on=date(2026, 12, 31),
    )
    tx.add(course)
    tx.flush()
    rows = [_event(n) for n in range(events)]
    add_version(tx, course, rows, _NOW)
    planned = [row.id for row in rows if row.identity_plan]
    for start in range(0, learners, _AT_ONCE):
        chunk = range(start, min(start + _AT_ONCE, learners))
        people = [_person(n, institution.id) for n in chunk]
        tx.execute(insert(Account), people)
        places = [{"course_id": course.id, "account_id": person["id"]} for person in people]
        tx.execute(insert(RosterEntry), places)
        sittings = [_sitting(person["id"], event) for person in people for event in planned]
        if sittings:
            tx.execute(insert(Sitting), sittings)
            tx.execute(insert(Recording), list(_recordings(sittings)))
            tx.execute(insert(IdentityCheck), [_check(sitting["id"]) for sitting in sittings])
    return course.id


def _event(n: int) -> AssessmentEvent:
    plan = [Technology.PROCTORING.value, Technology.BIOMETRICS.value] if n % 3 == 0 else []
    return AssessmentEvent(
        code=f"e{n:02}",
        title=f"Event {n}",
        kind=EventKind.MOOC_TASK,
        weight=Decimal(8),
        mode=Mode.SYNC,
        venue=Venue.ONLINE,
        opens_at=_NOW - timedelta(days=30 - n % 20),
        closes_at=_NOW - timedelta(days=29 - n % 20),
        duration_s=int(_EXAM_S),
        identity_plan=plan,
    )


def _person(n: int, institution_id: str) -> dict[str, Any]:
    return {
        "id": f"{n:032x}",
        "institution_id": institution_id,
        "email": f"learner{n}@example.org",
        "name": f"Learner {n:06}",
        "role": Role.STUDENT,
        "learner_number": f"L-{n:06}",
        "locale": "kk",
        "is_active": True,
    }


def _sitting(account_id: str, event_id: str) -> dict[str, Any]:
    started = _NOW - timedelta(days=10)
    return {
        "id": new_id(),
        "event_id": event_id,
        "account_id": account_id,
        "attempt": 1,
        "state": SittingState.FINISHED,
        "sign_in_id": "0" * 32,
        "created_at": started,
        "started_at": started,
        "deadline_at": started + timedelta(seconds=_EXAM_S),
        "finished_at": started + timedelta(seconds=_EXAM_S),
        "exam_s": _EXAM_S,
        "exam_offset_s": 0.0,
        "identified_via": "face",
        "last_batch": 0,
    }


def _recordings(sittings: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for sitting in sittings:
        for track in Track:
            yield {
                "id": new_id(),
                "sitting_id": sitting["id"],
                "track": track,
                "part": 1,
                "path": f"{sitting['id']}/{track}-1.webm",
                "starts_s": 0.0,
                "recorded_s": _EXAM_S,
                "bytes": 1_000_000,
                "sha256": "a" * 64,
            }


def _check(sitting_id: str) -> dict[str, Any]:
    return {
        "id": new_id(),
        "sitting_id": sitting_id,
        "modality": Modality.FACE,
        "at_s": 30.0,
        "result": CheckResult.MATCH,
        "score": 0.8,
        "llr": 4.0,
        "model_id": "sface-2021dec",
    }

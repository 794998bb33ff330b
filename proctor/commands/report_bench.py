"""``proctor bench report``: how long the report of a term takes, on made-up data."""

import hashlib
import resource
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    case,
    cast,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.orm import Session

from proctor.commands.evaluate.figures import AsJson, show
from proctor.commands.serve import collect_rarely
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
from proctor.inference.opened import face_comparison
from proctor.media.tables import Recording
from proctor.observations import Track
from proctor.people.tables import Account, Institution, Role
from proctor.plumbing.db import Database, UtcDateTime, new_id
from proctor.reports.build import learner_report, stream_report
from proctor.reports.document import canonical_parts, streamed
from proctor.reports.workbook import write_xlsx
from proctor.shares.outcomes import course_outcomes
from proctor.shares.packs import pack
from proctor.sittings.tables import Sitting, SittingState

_NOW = datetime(2026, 12, 20, 12, 0, tzinfo=UTC)
_EXAM_S = 60.0
_AT_ONCE = 2_000
_PAGES = 20
_FIGURES = ("seconds", "peak_mb", "xlsx_seconds", "learner_page_ms")


def report(
    learners: Annotated[int, typer.Option(min=1, max=1_000_000)] = 100_000,
    events: Annotated[int, typer.Option(min=1, max=100)] = 12,
    database_url: Annotated[
        str | None, typer.Option(help="An empty database; a temporary SQLite file without it.")
    ] = None,
    runs: Annotated[
        int, typer.Option(min=1, max=20, help="Gather the data this often; the least counts.")
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """The identity report of one course: its data, its workbook, one learner's page.

    Every third event has an identity plan and was sat by everybody, with two recordings and one
    face comparison. ``seconds`` is from the tables to the hashed canonical text in a file; peak
    memory is of the whole process. On a machine that does other work too, look at ``cpu_seconds``
    of several runs.
    """
    collect_rarely()
    with tempfile.TemporaryDirectory() as directory:
        db = Database(database_url or f"sqlite:///{Path(directory) / 'bench.db'}")
        db.upgrade()
        with db.transaction() as tx:
            if db.engine.dialect.name == "sqlite":
                # ids are in no order; an index that does not fit is written over and over
                tx.execute(text("PRAGMA cache_size = -262144"))
            course_id = _course(tx, learners, events)
        # connections, and what they hold in memory, are not those that are measured
        db.close()
        with db.reading() as tx:
            figures = _measure(tx, course_id, learners, Path(directory), runs)
        db.close()
    told = {name: figures[name] for name in _FIGURES} if as_json else figures
    show(told, as_json=as_json)


def _measure(
    tx: Session, course_id: str, learners: int, directory: Path, runs: int
) -> dict[str, float]:
    page_ms = _learner_page_ms(tx, course_id, min(learners, _PAGES))
    written = directory / "report.json"
    taken, used = [], []
    for _ in range(runs):
        before, began = time.process_time(), time.perf_counter()
        with written.open("wb") as file:
            hashed = hashlib.sha256()
            for part in canonical_parts(stream_report(tx, course_id, _NOW)):
                hashed.update(part)
                file.write(part)
        taken.append(time.perf_counter() - began)
        used.append(time.process_time() - before)
    peak_mb = _peak_mb()
    document = streamed(written.read_text("utf-8"))
    before, began = time.process_time(), time.perf_counter()
    with (directory / "report.xlsx").open("wb") as file:
        write_xlsx(document, hashed.hexdigest(), "kk", file)
    return {
        "seconds": round(min(taken), 3),
        "peak_mb": peak_mb,
        "xlsx_seconds": round(time.perf_counter() - began, 3),
        "learner_page_ms": page_ms,
        "cpu_seconds": round(min(used), 3),
        "xlsx_cpu_seconds": round(time.process_time() - before, 3),
        "report_mb": round(written.stat().st_size / 1e6, 1),
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
    for start in range(0, learners, _AT_ONCE):
        chunk = range(start, min(start + _AT_ONCE, learners))
        tx.execute(insert(Account), [_person(n, institution.id) for n in chunk])
    _enrol_and_sit(tx, course.id, rows)
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


def _enrol_and_sit(tx: Session, course_id: str, events: list[AssessmentEvent]) -> None:
    """Everybody sits what is planned. The database makes the rows: millions of them."""
    _fill(tx, RosterEntry, select(Account.id), {"course_id": course_id})
    number = cast(func.substr(Account.learner_number, 3), Integer)
    held = {
        "state": SittingState.FINISHED.value,
        "attempt": 1,
        "sign_in_id": "0" * 32,
        "created_at": literal(_NOW - timedelta(days=10), UtcDateTime),
        "started_at": literal(_NOW - timedelta(days=10), UtcDateTime),
        "identified_via": "face",
        "exam_offset_s": 0.0,
        "last_batch": 0,
    }
    for n, event in enumerate(row for row in events if row.identity_plan):
        # no two sat for as long
        length = 1800.0 + number * 0.0137 + n * 0.0031
        _fill(tx, Sitting, select(Account.id, length), {"event_id": event.id, **held}, "exam_s")
    for track in Track:
        file = {
            "track": track.value,
            "part": 1,
            "path": "bench.webm",
            "starts_s": -5.0,
            "bytes": 1_000_000,
            "sha256": "a" * 64,
        }
        _fill(tx, Recording, select(Sitting.id, Sitting.exam_s + 5.0), file, "recorded_s")
    check = {
        "modality": Modality.FACE.value,
        "at_s": 30.0,
        "result": CheckResult.MATCH.value,
        # a match at the one operating point of the model and none at the other, for one in fifty
        "score": case((cast(1e4 * Sitting.exam_s, Integer) % 50 == 0, 0.45), else_=0.8),
        "llr": 4.0,
        "model_id": str(face_comparison("opencv").model_id),
    }
    _fill(tx, IdentityCheck, select(Sitting.id), check)


def _fill(
    tx: Session,
    table: type[RosterEntry | Sitting | Recording | IdentityCheck],
    found: Select[Any, Any] | Select[Any],
    same: dict[str, Any],
    measured: str | None = None,
) -> None:
    """A row of *table* for each row *found*: whose it is, and what was *measured*."""
    whose = "sitting_id" if hasattr(table, "sitting_id") else "account_id"
    columns = [whose, *([measured] if measured else []), *same]
    query = found.add_columns(*[v if hasattr(v, "type") else literal(v) for v in same.values()])
    if hasattr(table, "id"):
        columns.append("id")
        query = query.add_columns(_fresh_id(tx))
    tx.execute(insert(table).from_select(columns, query, include_defaults=False))


def _fresh_id(tx: Session) -> ColumnElement[str]:
    """An expression for an id nobody can guess, in the words of the database."""
    if tx.get_bind().dialect.name == "sqlite":
        return func.lower(func.hex(func.randomblob(16)))
    return func.replace(cast(func.gen_random_uuid(), String), "-", "")

"""Issuing freezes a report: its canonical JSON and hash are kept, a later one supersedes it."""

import json
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import Conflict, NotFound
from proctor.exams.schemes import visible_courses
from proctor.exams.tables import Course
from proctor.people.tables import Account
from proctor.reports.build import stream_report
from proctor.reports.document import Json, canonical_parts, sha256_of
from proctor.reports.tables import IssuedReport


class ReportNotFound(NotFound):
    """There is no such report among those you may see."""

    key = "error.report_not_found"


class IssuedMeanwhile(Conflict):
    """Somebody issued this version of the report meanwhile."""

    key = "error.issued_meanwhile"


def issue(tx: Session, course_id: str, issued_by: str, now: datetime) -> IssuedReport:
    """The report of a course as things stand at *now*, frozen as its next version."""
    row = draft(tx, course_id, issued_by, now)
    keep(tx, row)
    return row


def draft(tx: Session, course_id: str, issued_by: str, now: datetime) -> IssuedReport:
    """The next version, not kept yet: a large course takes seconds, in which nothing is written."""
    last = next(iter(issued_reports(tx, course_id)), None)
    report = stream_report(
        tx,
        course_id,
        now,
        version=last.version + 1 if last else 1,
        supersedes=last.sha256 if last else None,
    )
    body = b"".join(canonical_parts(report)).decode()
    return IssuedReport(
        course_id=course_id,
        version=report.version,
        issued_at=now,
        issued_by=issued_by,
        body=body,
        sha256=sha256_of(body),
    )


def keep(tx: Session, row: IssuedReport) -> None:
    """Issue a draft. Raises IssuedMeanwhile when its version is there by now."""
    try:
        with tx.begin_nested():
            tx.add(row)
    except IntegrityError:
        raise IssuedMeanwhile(version=row.version) from None
    facts = {"by": row.issued_by, "sha256": row.sha256}
    _record(tx, row, "report_issued", facts, row.issued_at)


def issued_reports(tx: Session, course_id: str) -> list[IssuedReport]:
    """Issued reports of a course, newest first."""
    query = select(IssuedReport).where(IssuedReport.course_id == course_id)
    return list(tx.scalars(query.order_by(IssuedReport.version.desc())))


def issued_for(tx: Session, account: Account, report_id: str) -> IssuedReport:
    """The issued report, when *account* may see its course. Raises ReportNotFound."""
    visible = visible_courses(account).with_only_columns(Course.id)
    query = select(IssuedReport).where(
        IssuedReport.id == report_id, IssuedReport.course_id.in_(visible)
    )
    found = tx.scalars(query).one_or_none()
    if found is None:
        raise ReportNotFound(report=report_id)
    return found


def record_download(
    tx: Session, report: IssuedReport, by: str, file_format: str, now: datetime
) -> None:
    """Write who took a report away, and in which format."""
    _record(tx, report, "report_downloaded", {"by": by, "format": file_format}, now)


def document_of(report: IssuedReport) -> Json:
    """The frozen document of an issued report."""
    document: Json = json.loads(report.body)
    return document


def _record(
    tx: Session, report: IssuedReport, kind: str, facts: dict[str, str], now: datetime
) -> None:
    payload = {"report": report.id, "version": report.version, **facts}
    events.append(tx, f"course:{report.course_id}", kind, payload, now)

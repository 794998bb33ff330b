from datetime import timedelta

import pytest
import rfc8785

from proctor import events
from proctor.people.tables import Account, Institution, Role
from proctor.reports.document import canonical, sha256_of
from proctor.reports.issue import (
    IssuedMeanwhile,
    ReportNotFound,
    document_of,
    draft,
    issue,
    issued_for,
    issued_reports,
    keep,
    record_download,
)
from proctor.reports.tables import IssuedReport
from proctor.review.tables import Decision
from proctor.sittings.tables import Sitting
from tests.support.exam_course import NOW, ExamCourse

pytestmark = pytest.mark.db


def test_issued_report_stays_as_it_was_when_a_verdict_comes_later(
    held: ExamCourse, report: IssuedReport
) -> None:
    before = report.body
    bob = held.learners[1]
    final = held.tx.query(Sitting).filter_by(account_id=bob.id).order_by(Sitting.id)
    for sitting in final:
        held.decide(sitting, 0, Decision.VERIFIED)
    later = issue(held.tx, held.course.id, held.office.id, NOW + timedelta(days=1))
    held.tx.expire_all()
    assert report.body == before
    assert sha256_of(report.body) == report.sha256
    outcomes = [document_of(row)["learners"][0]["events"][4]["outcome"] for row in (report, later)]
    assert outcomes == ["pending", "verified"]


def test_next_version_names_the_hash_it_supersedes(held: ExamCourse, report: IssuedReport) -> None:
    second = issue(held.tx, held.course.id, held.office.id, NOW + timedelta(days=1))
    assert (report.version, document_of(report)["supersedes"]) == (1, None)
    assert (second.version, document_of(second)["supersedes"]) == (2, report.sha256)
    assert issued_reports(held.tx, held.course.id) == [second, report]


def test_a_version_is_issued_once(held: ExamCourse, report: IssuedReport) -> None:
    first = draft(held.tx, held.course.id, held.office.id, NOW)
    second = draft(held.tx, held.course.id, held.office.id, NOW)
    assert (first.version, second.version) == (2, 2)
    keep(held.tx, first)
    with pytest.raises(IssuedMeanwhile):
        keep(held.tx, second)


def test_issue_and_download_are_on_record(held: ExamCourse, report: IssuedReport) -> None:
    record_download(held.tx, report, held.office.id, "pdf", NOW)
    stream = f"course:{held.course.id}"
    assert [(e.kind, e.payload["version"]) for e in events.read(held.tx, stream)] == [
        ("report_issued", 1),
        ("report_downloaded", 1),
    ]
    assert events.verify(held.tx, stream) is None


def test_report_of_another_institution_does_not_exist(
    held: ExamCourse, report: IssuedReport
) -> None:
    elsewhere = Institution(name="Elsewhere")
    held.tx.add(elsewhere)
    held.tx.flush()
    stranger = Account(
        institution_id=elsewhere.id,
        email="office@elsewhere.example.org",
        name="Stranger",
        role=Role.EXAM_OFFICE,
        locale="en",
        is_active=True,
    )
    held.tx.add(stranger)
    held.tx.flush()
    assert issued_for(held.tx, held.office, report.id) is report
    with pytest.raises(ReportNotFound):
        issued_for(held.tx, stranger, report.id)


def test_canonical_text_is_that_of_rfc_8785(held: ExamCourse, report: IssuedReport) -> None:
    assert report.body.encode() == rfc8785.dumps(document_of(report))
    hostile = {"name": '"\\/\u2028\x00\x1f\x7fӘ😀', "numbers": [0, -1, 0.001, 1234.5, 99.999]}
    assert canonical(hostile).encode() == rfc8785.dumps(hostile)

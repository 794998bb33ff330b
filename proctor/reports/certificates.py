"""Certificates of completion: results and the form's texts enter; numbered certificates leave.

The form is Annex 1 of the Order with what items 38(2) and 40 ask for beside it.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proctor import events
from proctor.clock import written
from proctor.errors import Conflict, NotFound
from proctor.exams.tables import Course
from proctor.people.tables import Account
from proctor.plumbing.db import hold, new_id
from proctor.reports.build import LearnerReport, learner_report
from proctor.reports.certificate_form import CertificateForm, Results
from proctor.reports.document import Json, canonical, range_json, sha256_of
from proctor.reports.tables import Certificate
from proctor.shares.calculator import Outcome
from proctor.shares.outcomes import RECREDITED, course_outcomes
from proctor.shares.packs import pack

SCHEMA = "tanu.certificate/1"
_GONE = (Outcome.EXCUSED, Outcome.CANCELLED)


class CertificateRevoked(Conflict):
    """The certificate was revoked: it is not printed any more."""

    key = "error.certificate_revoked"


class CertificateNotFound(NotFound):
    """There is no such certificate."""

    key = "error.certificate_not_found"


def issue_certificates(
    tx: Session,
    course: Course,
    learners: Sequence[Account],
    form: CertificateForm,
    results: Results,
    url: str,
    now: datetime,
) -> list[tuple[Account, Certificate | tuple[str, ...]]]:
    """For each learner the next certificate of the register, or why they get none.

    ``url``: where the service is reached. Reasons are short names, some with a value after a
    colon.
    """
    rules = pack(course.policy_pack)
    # whoever issues at the same time goes on from the number reached here
    hold(tx, f"certificates:{course.institution_id}")
    query = select(Certificate.account_id, Certificate.number)
    had = tx.execute(query.where(Certificate.course_id == course.id))
    numbers = {row.account_id: row.number for row in had}
    outcomes = course_outcomes(tx, course, learners, now)
    number = _next_number(tx, course.institution_id)
    done: list[tuple[Account, Certificate | tuple[str, ...]]] = []
    for learner in learners:
        report = learner_report(learner, outcomes[learner.id], rules)
        lacking = _refusals(report, numbers.get(learner.id), form, results, url)
        if lacking:
            done.append((learner, lacking))
            continue
        row = _issue(tx, course, learner, report, number, form, results, url, now)
        done.append((learner, row))
        number += 1
    return done


def _issue(
    tx: Session,
    course: Course,
    learner: Account,
    report: LearnerReport,
    number: int,
    form: CertificateForm,
    results: Results,
    url: str,
    now: datetime,
) -> Certificate:
    rules, identifier = pack(course.policy_pack), new_id()
    document = {
        "schema": SCHEMA,
        "id": identifier,
        "number": number,
        "link": f"{url}/certificates/{identifier}",
        "issued_at": written(now),
        "form": form.model_dump(exclude={"requires_share"}),
        "holder": {
            "name": learner.name,
            "number": learner.learner_number,
            "studies": results.studies.get(learner.learner_number or "", ""),
        },
        "identity": {
            "pack": rules.name,
            "text": rules.text,
            "required": form.requires_share,
            "count": range_json(report.count, rules)["low"],
            "weight": range_json(report.weight, rules)["low"],
            "methods": sorted(
                {
                    method.technology.value
                    for outcome in report.outcomes
                    if outcome.decision.outcome is Outcome.VERIFIED
                    for method in outcome.decision.methods
                    if method.result == "pass"
                }
            ),
        },
    }
    body = canonical(document)
    row = Certificate(
        id=identifier,
        institution_id=course.institution_id,
        number=number,
        course_id=course.id,
        account_id=learner.id,
        issued_at=now,
        body=body,
        sha256=sha256_of(body),
    )
    tx.add(row)
    tx.flush()
    fact = {"certificate": row.id, "number": number, "sha256": row.sha256}
    events.append(tx, f"course:{course.id}", "certificate_issued", fact, now)
    return row


def certificate(tx: Session, certificate_id: str) -> Certificate:
    """Raises CertificateNotFound."""
    row = tx.get(Certificate, certificate_id)
    if row is None:
        raise CertificateNotFound
    return row


def certificate_of(tx: Session, course: Course, holder: Account) -> Certificate | None:
    """The certificate of *course* a learner has."""
    query = select(Certificate).where(Certificate.course_id == course.id)
    return tx.scalars(query.where(Certificate.account_id == holder.id)).one_or_none()


def certificate_for(tx: Session, by: Account, certificate_id: str) -> Certificate:
    """One of the institution of *by*. Raises CertificateNotFound."""
    row = certificate(tx, certificate_id)
    if row.institution_id != by.institution_id:
        raise CertificateNotFound
    return row


def document_of(row: Certificate) -> Json:
    document: Json = json.loads(row.body)
    return document


def _next_number(tx: Session, institution_id: str) -> int:
    query = select(func.max(Certificate.number)).where(Certificate.institution_id == institution_id)
    return (tx.execute(query).scalar_one() or 0) + 1


def _refusals(
    report: LearnerReport, issued: int | None, form: CertificateForm, results: Results, url: str
) -> tuple[str, ...]:
    """What a learner lacks; ``issued``: number of the certificate they have."""
    if report.number is None:
        return ("no_learner_number",)
    if issued is not None:
        return (f"already_issued:{issued}",)
    if any(outcome.decision == RECREDITED for outcome in report.outcomes):
        return ("recredited",)
    passed = results.passed.get(report.number, frozenset())
    found = [
        f"not_passed:{outcome.code}"
        for outcome in report.outcomes
        if outcome.decision.outcome not in _GONE and outcome.code not in passed
    ]
    if form.requires_share and not report.met:
        count, weight = report.count.low.percent_floored, report.weight.low.percent_floored
        found.append(f"below_share:{count or '–'}/{weight or '–'}")
    host = urlsplit(url).hostname or ""
    if host != form.domain and not host.endswith(f".{form.domain}"):
        found.append(f"other_domain:{host}")
    return tuple(found)

"""Certificates of completion: results and the form's texts enter; numbered certificates leave.

The form is Annex 1 of the Order with what items 38(2) and 40 ask for beside it.
"""

import csv
import io
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import NotFound, Refused
from proctor.exams.tables import Course
from proctor.people.tables import Account, Role
from proctor.plumbing.db import new_id
from proctor.reports.build import LearnerReport, learner_report
from proctor.reports.document import Json, canonical, range_json, sha256_of
from proctor.reports.tables import Certificate, CertificateRuling, CertificateStatus
from proctor.shares.calculator import Outcome
from proctor.shares.outcomes import RECREDITED, course_outcomes
from proctor.shares.packs import pack

SCHEMA = "tanu.certificate/1"
_GONE = (Outcome.EXCUSED, Outcome.CANCELLED)
_RULERS = (Role.EXAM_OFFICE, Role.ADMIN)


class FormRefused(Refused):
    """The form of the certificate or the results cannot be used."""

    key = "error.certificate_form"

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__(count=len(problems))


class CertificateNotFound(NotFound):
    """There is no such certificate."""

    key = "error.certificate_not_found"


class CertificateForm(BaseModel):
    """What the institution prints on the certificates of one course.

    ``domain``: the one associated with the online platform (item 40(2)); ``outcomes_*``: level of
    mastery of the learning outcomes (item 40(3)); ``credits``: ECTS.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name_kk: str = Field(min_length=1)
    name_ru: str = Field(min_length=1)
    address_kk: str = Field(min_length=1)
    address_ru: str = Field(min_length=1)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    phone: str = Field(min_length=1)
    topic_kk: str = Field(min_length=1)
    topic_ru: str = Field(min_length=1)
    credits: int = Field(ge=1, le=120)
    outcomes_kk: str = Field(min_length=1)
    outcomes_ru: str = Field(min_length=1)
    signatory: str = Field(min_length=1)
    domain: str = Field(min_length=1)
    requires_share: bool = True


def form_of(text: str) -> CertificateForm:
    """The form in a TOML file. Raises FormRefused."""
    try:
        return CertificateForm.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise FormRefused((str(error),)) from None
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise FormRefused(tuple(f"{each['loc'][0]}: {each['msg']}" for each in found)) from None


@dataclass(frozen=True, slots=True)
class Results:
    """What the teachers reported: events passed by learner number, and year, semester, faculty."""

    passed: Mapping[str, frozenset[str]]
    studies: Mapping[str, str]


def results_of(text: str) -> Results:
    """Results in a CSV file ``learner_number,event_code,passed,studies``. Raises FormRefused."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    columns = {"learner_number", "event_code", "passed", "studies"}
    if set(reader.fieldnames or ()) != columns:
        raise FormRefused((f"results: the columns are {', '.join(sorted(columns))}",))
    passed: dict[str, set[str]] = {}
    studies = {}
    for row in reader:
        if row["passed"] not in ("yes", "no"):
            raise FormRefused((f"results, line {reader.line_num}: passed is yes or no",))
        codes = passed.setdefault(row["learner_number"], set())
        if row["passed"] == "yes":
            codes.add(row["event_code"])
        studies[row["learner_number"]] = row["studies"] or ""
    return Results({number: frozenset(codes) for number, codes in passed.items()}, studies)


def issue_certificate(
    tx: Session,
    course: Course,
    learner: Account,
    form: CertificateForm,
    results: Results,
    url: str,
    now: datetime,
) -> Certificate | tuple[str, ...]:
    """The next certificate of the register, or why the learner gets none.

    ``url``: where the service is reached. Reasons are short names, some with a value after a
    colon.
    """
    rules = pack(course.policy_pack)
    outcomes = course_outcomes(tx, course, [learner], now)[learner.id]
    report = learner_report(learner, outcomes, rules)
    refusals = _refusals(tx, course, report, form, results, url)
    if refusals:
        return refusals
    assert learner.learner_number is not None
    identifier, number = new_id(), _next_number(tx, course.institution_id)
    document = {
        "schema": SCHEMA,
        "id": identifier,
        "number": number,
        "link": f"{url}/certificates/{identifier}",
        "issued_at": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "form": form.model_dump(exclude={"requires_share"}),
        "holder": {
            "name": learner.name,
            "number": learner.learner_number,
            "studies": results.studies.get(learner.learner_number, ""),
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
                    for outcome in outcomes
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


def rule(
    tx: Session,
    certificate_id: str,
    status: CertificateStatus,
    reason: str,
    by: Account,
    now: datetime,
) -> CertificateStatus:
    """Put a certificate under review, revoke it or restore it, with the reason.

    The status it then has: a second person has to revoke it too. Raises CertificateNotFound, also
    for one of another institution.
    """
    row = certificate(tx, certificate_id)
    if by.institution_id != row.institution_id or by.role not in _RULERS:
        raise CertificateNotFound
    ruling = CertificateRuling(
        certificate_id=row.id, status=status, reason=reason, by=by.id, at=now
    )
    tx.add(ruling)
    tx.flush()
    fact = {"certificate": row.id, "status": status.value, "by": by.id}
    events.append(tx, f"course:{row.course_id}", "certificate_ruled", fact, now)
    return status_of(tx, row, now)


def certificate(tx: Session, certificate_id: str) -> Certificate:
    """Raises CertificateNotFound."""
    row = tx.get(Certificate, certificate_id)
    if row is None:
        raise CertificateNotFound
    return row


def status_of(tx: Session, row: Certificate, now: datetime) -> CertificateStatus:
    """What people ruled; without a ruling valid, but under review when the share that the
    certificate rests on is no longer met."""
    query = select(CertificateRuling).where(CertificateRuling.certificate_id == row.id)
    rulings = list(tx.scalars(query.order_by(CertificateRuling.at.desc())))
    if rulings:
        return _ruled(rulings)
    if not document_of(row)["identity"]["required"]:
        return CertificateStatus.VALID
    course, learner = tx.get_one(Course, row.course_id), tx.get_one(Account, row.account_id)
    outcomes = course_outcomes(tx, course, [learner], now)[learner.id]
    met = learner_report(learner, outcomes, pack(course.policy_pack)).met
    return CertificateStatus.VALID if met else CertificateStatus.UNDER_REVIEW


def _ruled(rulings: Sequence[CertificateRuling]) -> CertificateStatus:
    """What *rulings*, newest first, come to: one person alone revokes nothing."""
    revoking = list(takewhile(lambda each: each.status is CertificateStatus.REVOKED, rulings))
    if not revoking:
        return rulings[0].status
    people = {each.by for each in revoking}
    # rulings of before people were named stand
    stands = len(people) > 1 or None in people
    return CertificateStatus.REVOKED if stands else CertificateStatus.UNDER_REVIEW


def document_of(row: Certificate) -> Json:
    document: Json = json.loads(row.body)
    return document


def _next_number(tx: Session, institution_id: str) -> int:
    query = select(func.max(Certificate.number)).where(Certificate.institution_id == institution_id)
    return (tx.execute(query).scalar_one() or 0) + 1


def _refusals(
    tx: Session,
    course: Course,
    report: LearnerReport,
    form: CertificateForm,
    results: Results,
    url: str,
) -> tuple[str, ...]:
    if report.number is None:
        return ("no_learner_number",)
    found = []
    query = (
        select(Certificate.number)
        .join(Account, Account.id == Certificate.account_id)
        .where(Certificate.course_id == course.id, Account.learner_number == report.number)
    )
    issued = tx.scalars(query).one_or_none()
    if issued is not None:
        return (f"already_issued:{issued}",)
    if any(outcome.decision == RECREDITED for outcome in report.outcomes):
        return ("recredited",)
    passed = results.passed.get(report.number, frozenset())
    found += [
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

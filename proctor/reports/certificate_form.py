"""What certificates are made from: what the institution prints on them, and who passed what."""

import json
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import Refused
from proctor.exams.consistency import contradictions, repeated
from proctor.exams.sheets import (
    Columns,
    ImportRefused,
    RowError,
    one_of,
    optional,
    read_sheet,
    refusal,
    text_of,
)
from proctor.exams.tables import Course
from proctor.people.tables import Account
from proctor.plumbing.db import hold
from proctor.reports.document import canonical, sha256_of
from proctor.reports.tables import CertificateTexts


class FormRefused(Refused):
    """The form of the certificate cannot be used."""

    key = "error.certificate_form"

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__(count=len(problems))


class CertificateForm(BaseModel):
    """What the institution prints on the certificates of one course.

    ``domain``: the one associated with the online platform (item 40(2)); ``outcomes_*``: level of
    mastery of the learning outcomes (item 40(3)); ``credits``: ECTS.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    name_kk: str = Field(min_length=1, max_length=300)
    name_ru: str = Field(min_length=1, max_length=300)
    address_kk: str = Field(min_length=1, max_length=300)
    address_ru: str = Field(min_length=1, max_length=300)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)
    phone: str = Field(min_length=1, max_length=100)
    topic_kk: str = Field(min_length=1, max_length=300)
    topic_ru: str = Field(min_length=1, max_length=300)
    credits: int = Field(ge=1, le=120)
    outcomes_kk: str = Field(min_length=1, max_length=1000)
    outcomes_ru: str = Field(min_length=1, max_length=1000)
    signatory: str = Field(min_length=1, max_length=200)
    domain: str = Field(min_length=1, max_length=253)
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


def keep_form(
    tx: Session, course: Course, form: CertificateForm, by: Account, now: datetime
) -> None:
    """Certificates of *course* that are issued from now on are printed with *form*."""
    body = canonical(form.model_dump())
    hold(tx, f"certificate_texts:{course.id}")
    row = tx.get(CertificateTexts, course.id) or CertificateTexts(course_id=course.id)
    row.body, row.by, row.at = body, by.id, now
    tx.add(row)
    tx.flush()
    fact = {"sha256": sha256_of(body), "by": by.id}
    events.append(tx, f"course:{course.id}", "certificate_form_set", fact, now)


def kept_form(tx: Session, course: Course) -> CertificateForm | None:
    """The form of *course*; None while nobody filled it in."""
    row = tx.get(CertificateTexts, course.id)
    return None if row is None else CertificateForm.model_validate(json.loads(row.body))


def last_form(tx: Session, institution_id: str) -> CertificateForm | None:
    """The form of the institution's courses that was filled in last: most of it is the same."""
    query = (
        select(CertificateTexts.body)
        .join(Course, Course.id == CertificateTexts.course_id)
        .where(Course.institution_id == institution_id)
        .order_by(CertificateTexts.at.desc())
    )
    body = tx.scalars(query.limit(1)).first()
    return None if body is None else CertificateForm.model_validate(json.loads(body))


@dataclass(frozen=True, slots=True)
class Results:
    """What the teachers reported: events passed by learner number, and year, semester, faculty."""

    passed: Mapping[str, frozenset[str]]
    studies: Mapping[str, str]


class Passed(StrEnum):
    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class ResultLine:
    line: int
    learner_number: str
    event_code: str
    passed: Passed
    studies: str


RESULT_COLUMNS: Columns = {
    "learner_number": text_of(64),
    "event_code": text_of(64),
    "passed": one_of(Passed),
    "studies": optional(text_of(300)),
}


def results_of(data: bytes, learners: Iterable[Account], codes: Collection[str]) -> Results:
    """Results in a CSV or XLSX file of RESULT_COLUMNS, about *learners* and the events *codes*.

    Raises ImportRefused.
    """
    numbers = {learner.learner_number for learner in learners}
    sheet = read_sheet(data, RESULT_COLUMNS, ResultLine)
    errors = [*sheet.errors, *_contradicted(sheet.lines)]
    errors += [
        refusal(line.line, "learner_number", "not_on_roster", line.learner_number)
        for line in sheet.lines
        if line.learner_number not in numbers
    ]
    errors += [
        refusal(line.line, "event_code", "unknown_event", line.event_code)
        for line in sheet.lines
        if line.event_code not in codes
    ]
    if errors:
        raise ImportRefused(tuple(sorted(errors, key=lambda error: error.line)))
    passed: dict[str, set[str]] = {}
    studies = {}
    for line in sheet.lines:
        of_learner = passed.setdefault(line.learner_number, set())
        if line.passed is Passed.YES:
            of_learner.add(line.event_code)
        if line.studies:
            studies[line.learner_number] = line.studies
    return Results({number: frozenset(which) for number, which in passed.items()}, studies)


def _contradicted(lines: Sequence[ResultLine]) -> list[RowError]:
    """Lines about what an earlier one was about, or that place the learner elsewhere."""
    twice = repeated(lines, "event_code", lambda line: (line.learner_number, line.event_code))
    placed = [line for line in lines if line.studies]
    return twice + contradictions(
        placed, lambda line: line.learner_number, "studies", lambda line: line.studies
    )

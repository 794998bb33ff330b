"""``proctor report``: the identity report of a course or of one learner, as files."""

import re
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from proctor import events
from proctor.clock import Clock
from proctor.commands.opened import opened
from proctor.exams.roster import learner_by_number
from proctor.exams.schemes import course_by_code
from proctor.exams.tables import Course
from proctor.people import accounts
from proctor.people.tables import Role
from proctor.reports.build import stream_report
from proctor.reports.document import canonical_parts
from proctor.reports.files import FileFormat, content_of
from proctor.reports.issue import issue
from proctor.reports.signing import Seal
from proctor.settings import Settings

_ISSUERS = (Role.EXAM_OFFICE, Role.ADMIN)


def report(
    course: Annotated[str, typer.Argument(help="Code of the course.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="Directory for the files.")],
    formats: Annotated[str, typer.Option("--format", help="pdf,xlsx,csv,json or some.")] = "pdf",
    learner: Annotated[str | None, typer.Option(help="Number of one learner.")] = None,
    language: Annotated[str, typer.Option(help="kk, ru or en.")] = "kk",
    issue_as: Annotated[
        str | None, typer.Option("--issue", help="E-mail of the office: issue the next version.")
    ] = None,
) -> None:
    """Write the identity report as things stand, a draft unless it is issued."""
    wanted = _formats(formats)
    if language not in ("kk", "ru", "en"):
        raise typer.BadParameter(f"{language!r} is not kk, ru or en", param_hint="--language")
    if learner and issue_as:
        raise typer.BadParameter("only the report of a whole course is issued")
    settings = Settings()
    with opened(settings) as db, db.transaction() as tx:
        institution = accounts.ensure_institution(tx, settings.institution)
        found = course_by_code(tx, institution.id, course)
        body, version = _body(tx, found, learner, issue_as)
        code = found.code
    out.mkdir(parents=True, exist_ok=True)
    for file_format in wanted:
        path = out / _file_name(code, learner, version, file_format)
        content = content_of(body, file_format, language)
        if version is not None and file_format is FileFormat.PDF:
            seal = Seal(settings.pdf_key, settings.institution, settings.timestamp_url)
            content = seal.sign(content, Clock().now())
        path.write_bytes(content)
        typer.echo(path)


def _body(
    tx: Session, course: Course, learner: str | None, issue_as: str | None
) -> tuple[str, int | None]:
    """The canonical text of the report, and its version if it is issued."""
    now = Clock().now()
    stream = f"course:{course.id}"
    if issue_as is not None:
        issuer = accounts.by_email(tx, issue_as)
        if issuer.institution_id != course.institution_id or issuer.role not in _ISSUERS:
            raise accounts.NoSuchAccount
        issued = issue(tx, course.id, issuer.id, now)
        return issued.body, issued.version
    person = learner_by_number(tx, course.id, learner) if learner is not None else None
    fact = {"learner": person.id if person else None}
    events.append(tx, stream, "report_drafted", fact, now)
    report = stream_report(tx, course.id, now, learner=person)
    return b"".join(canonical_parts(report)).decode(), None


def _formats(text: str) -> list[FileFormat]:
    names = [name.strip().lower() for name in text.split(",")]
    known = set(FileFormat)
    if not known.issuperset(names):
        raise typer.BadParameter(f"{text!r}: formats are {', '.join(FileFormat)}")
    return [FileFormat(name) for name in dict.fromkeys(names)]


def _file_name(code: str, learner: str | None, version: int | None, file_format: FileFormat) -> str:
    """A name that stays inside the directory whatever the code of the course holds."""
    parts = [code, learner, "identity-report", f"v{version}" if version else "draft"]
    name = "-".join(part for part in parts if part)
    return re.sub(r"[^\w.-]+", "_", name).lstrip(".") + f".{file_format}"

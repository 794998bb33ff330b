"""``proctor certificate``: issue certificates of a course, and rule on one afterwards."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated

import typer

from proctor.catalogue import translate
from proctor.clock import Clock
from proctor.commands.opened import opened
from proctor.exams.roster import learner_by_number, learners_of
from proctor.exams.schemes import course_by_code, events_in_force
from proctor.exams.sheets import ImportRefused
from proctor.people import accounts
from proctor.people.tables import Account
from proctor.reports import certificates
from proctor.reports.badges import badge, badge_image
from proctor.reports.certificate_form import (
    CertificateForm,
    FormRefused,
    Results,
    form_of,
    results_of,
)
from proctor.reports.certificate_pdf import certificate_pdf
from proctor.reports.certificate_register import rule as rule_on
from proctor.reports.signing import Seal
from proctor.reports.tables import Certificate, CertificateStatus
from proctor.settings import Settings, signing_key

app = typer.Typer(no_args_is_help=True, help="Certificates of completion.")
_File = typer.Option(exists=True, dir_okay=False)


@app.command("issue")
def issue(
    course: Annotated[str, typer.Argument(help="Code of the course.")],
    form: Annotated[Path, _File],
    results: Annotated[Path, _File],
    out: Annotated[Path, typer.Option(file_okay=False, help="Directory for the files.")],
    learner: Annotated[str | None, typer.Option(help="Number of one learner.")] = None,
) -> None:
    """Issue to everybody who passed, and name what the others lack (status 1 if any)."""
    settings = Settings()
    texts = _texts(form)
    made: list[tuple[Certificate, str]] = []
    refused = False
    with opened(settings) as db, db.transaction() as tx:
        institution = accounts.ensure_institution(tx, settings.institution)
        found = course_by_code(tx, institution.id, course)
        one = learner_by_number(tx, found.id, learner) if learner else None
        everybody = learners_of(tx, found.id)
        codes = {event.code for event in events_in_force(tx, found.id)}
        passed = _passed(results, everybody, codes)
        people = [one] if one else everybody
        for person, row in certificates.issue_certificates(
            tx, found, people, texts, passed, settings.url, Clock().now()
        ):
            if isinstance(row, Certificate):
                made.append((row, person.email))
                continue
            refused = True
            typer.echo(f"{person.learner_number or person.id}: {', '.join(row)}", err=True)
    out.mkdir(parents=True, exist_ok=True)
    seal = Seal(settings.pdf_key, settings.institution, settings.timestamp_url)
    for row, email in made:
        document = certificates.document_of(row)
        path = out / f"certificate-{row.number}.pdf"
        path.write_bytes(seal.sign(certificate_pdf(document, row.sha256), Clock().now()))
        typer.echo(path)
        token = badge(document, email, signing_key(settings))
        path.with_name(f"badge-{row.number}.svg").write_bytes(badge_image(document, token))
    if refused:
        raise typer.Exit(1)


@app.command("rule")
def rule(
    certificate: str,
    status: CertificateStatus,
    reason: str,
    by: Annotated[str, typer.Option(help="E-mail of who rules, of the office.")],
) -> None:
    """Revoke a certificate (by its id), put it under review, or restore it.

    It is under review until a second person revokes it too.
    """
    with opened(Settings()) as db, db.transaction() as tx:
        ruler = accounts.by_email(tx, by)
        stands = rule_on(tx, certificate, status, reason, ruler, Clock().now())
    typer.echo(stands.value)
    if stands is not status:
        typer.echo("a second person has to revoke it too", err=True)


def _texts(form: Path) -> CertificateForm:
    try:
        return form_of(form.read_text("utf-8"))
    except FormRefused as refusal:
        typer.echo("\n".join(refusal.problems), err=True)
        raise typer.Exit(2) from None


def _passed(results: Path, learners: Iterable[Account], codes: Collection[str]) -> Results:
    try:
        return results_of(results.read_bytes(), learners, codes)
    except ImportRefused as refusal:
        for each in refusal.errors:
            said = translate("en", each.key, value=each.value)
            typer.echo(f"{results.name}, line {each.line}, {each.column}: {said}", err=True)
        raise typer.Exit(2) from None

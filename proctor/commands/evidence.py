"""``proctor evidence`` packs what an issued report rests on; ``proctor verify`` checks it."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from proctor.clock import Clock
from proctor.commands.opened import opened
from proctor.exams.schemes import course_by_code
from proctor.people import accounts
from proctor.people.tables import Role
from proctor.plumbing.db import Database
from proctor.reports.evidence_pack import record_head, record_taking, write_pack
from proctor.reports.issue import ReportNotFound, issued_reports
from proctor.reports.verification import verify
from proctor.settings import Settings, signing_key


def evidence(
    course: Annotated[str, typer.Argument(help="Code of the course.")],
    by: Annotated[str, typer.Option(help="E-mail of who takes it away, of the office.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="The ZIP to write.")],
) -> None:
    """Pack the newest issued report of a course with its clips and event chains."""
    settings, now = Settings(), Clock().now()
    unfinished = out.with_name(out.name + ".part")
    try:
        with opened(settings) as db:
            _take(db, settings, course, by, unfinished, now)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    typer.echo(out)


def _take(db: Database, settings: Settings, course: str, by: str, to: Path, now: datetime) -> None:
    key = signing_key(settings)
    with db.transaction() as tx:
        taker = accounts.by_email(tx, by)
        if taker.role is not Role.EXAM_OFFICE:
            raise accounts.NoSuchAccount
        found = course_by_code(tx, taker.institution_id, course)
        reports = issued_reports(tx, found.id)
        if not reports:
            raise ReportNotFound(report=found.id)
        record_taking(tx, reports[0], taker.id, now)
    # reading the clips takes minutes, in which exams go on being written
    with db.reading() as tx:
        head = write_pack(tx, reports[0], settings.recordings_dir, key, to, now)
    with db.transaction() as tx:
        record_head(tx, head, now)


def verify_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    key: Annotated[str | None, typer.Option(help="Public key the pack must be signed by.")] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="Key of a witness that must have signed; repeatable.")
    ] = None,
) -> None:
    """Check a report (JSON) or an evidence pack (ZIP) by itself; status 1 if anything is wrong."""
    found = verify(file.read_bytes())
    for finding in found.findings:
        typer.echo(f"{finding.member}: {finding.problem}")
    wrong_key = key is not None and key.lower() != found.public_key
    if wrong_key:
        typer.echo("signature.json: signed by another key")
    known = {each.key for each in found.witnessed}
    absent = [each for each in witness or () if each not in known]
    for name in absent if not found.findings else ():
        typer.echo(f"log.json: not signed by {name}")
    if found.findings or wrong_key or absent:
        raise typer.Exit(1)
    typer.echo(f"nothing is wrong; report sha256 {found.sha256}")
    if found.public_key:
        typer.echo(f"signed by Ed25519 key {found.public_key}")
    for size, root in found.heads:
        typer.echo(f"log of {size} events, root {root}")
    for each in found.witnessed:
        typer.echo(f"witnessed up to event {each.size} on {each.at:%Y-%m-%d %H:%M} UTC, {each.key}")
    for name in found.missing:
        typer.echo(f"{name}: was missing when the pack was made")
    for name, day in found.expired:
        typer.echo(f"sitting {name}: evidence erased on {day}")
    for name in found.altered:
        typer.echo(f"recording {name}: segments changed after they were sealed")

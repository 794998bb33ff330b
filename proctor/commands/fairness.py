"""``proctor accommodation`` and ``proctor detectors``: what is not held against whom, and why."""

from typing import Annotated

import typer
from sqlalchemy.orm import Session

from proctor.clock import Clock
from proctor.commands.opened import opened
from proctor.exams.accommodations import Effect, grant
from proctor.exams.schemes import course_by_code
from proctor.incidents.kinds import Kind
from proctor.people import accounts
from proctor.people.tables import Account, Role
from proctor.review.precision import detectors_of, switch_on
from proctor.settings import Settings

detectors = typer.Typer(no_args_is_help=True, help="What people's decisions say of detectors.")
_OFFICE = frozenset({Role.EXAM_OFFICE, Role.ADMIN})


def accommodation(
    learner: Annotated[str, typer.Argument(help="E-mail of the learner.")],
    by: Annotated[str, typer.Option(help="E-mail of who grants it, of the office.")],
    effect: Annotated[list[Effect] | None, typer.Option(help="May be given several times.")] = None,
    extra_time: Annotated[int, typer.Option(help="Percent of the length of the exam.")] = 0,
    course: Annotated[str | None, typer.Option(help="Code of the course; without it all.")] = None,
) -> None:
    """Replace what a learner is granted; without an effect and extra time it ends."""
    with opened(Settings()) as db, db.transaction() as tx:
        office, person = of_the_office(tx, by), accounts.by_email(tx, learner)
        if person.institution_id != office.institution_id:
            raise accounts.NoSuchAccount
        home = office.institution_id
        course_id = course_by_code(tx, home, course).id if course else None
        grant(tx, office, person, course_id, effect or (), extra_time, Clock().now())
    typer.echo("granted", err=True)


@detectors.command("list")
def list_detectors() -> None:
    """Print each kind with how many incidents people confirmed of how many decided."""
    with opened(Settings()) as db, db.transaction() as tx:
        home = accounts.ensure_institution(tx, Settings().institution).id
        for each in detectors_of(tx, home):
            state = "off" if each.off_since else "overturned" if each.needs_notice else "on"
            of = each.precision
            typer.echo(f"{each.kind.value}\t{of.confirmed}/{of.decided}\t{state}")


@detectors.command("on")
def on(
    kind: Kind, by: Annotated[str, typer.Option(help="E-mail of who decides it, of the office.")]
) -> None:
    """Let a detector open incidents again."""
    with opened(Settings()) as db, db.transaction() as tx:
        switch_on(tx, of_the_office(tx, by), kind.value, Clock().now())
    typer.echo("on", err=True)


def of_the_office(tx: Session, email: str) -> Account:
    """Raises NoSuchAccount for everybody else."""
    account = accounts.by_email(tx, email)
    if account.role not in _OFFICE:
        raise accounts.NoSuchAccount
    return account

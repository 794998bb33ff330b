"""``proctor account``: accounts and one-time sign-in links."""

from typing import Annotated

import typer

from proctor.clock import Clock
from proctor.commands.opened import opened
from proctor.people import accounts, sign_in
from proctor.people.tables import Role
from proctor.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Accounts and one-time sign-in links.")


@app.command("add")
def add(
    email: str,
    name: str,
    role: Role,
    password: Annotated[bool, typer.Option(help="Ask for a password.")] = False,
) -> None:
    """Add a person to the institution."""
    secret = typer.prompt("Password", hide_input=True, confirmation_prompt=True) if password else ""
    settings = Settings()
    with opened(settings) as db, db.transaction() as tx:
        institution = accounts.ensure_institution(tx, settings.institution)
        account = accounts.add(tx, institution.id, email, name, role)
        if secret:
            account.password_hash = sign_in.hash_password(secret)
    typer.echo(f"{role.value} added", err=True)


@app.command("sign-in-link")
def sign_in_link(email: str) -> None:
    """Print a link that signs this person in once."""
    settings = Settings()
    with opened(settings) as db, db.transaction() as tx:
        token = sign_in.make_link(tx, accounts.by_email(tx, email).id, Clock().now())
    typer.echo(f"{settings.url}/sign-in/{token}")

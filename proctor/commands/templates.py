"""``proctor templates``: protection of the stored face templates."""

import typer

from proctor.clock import Clock
from proctor.identity import protection
from proctor.people import accounts
from proctor.plumbing.db import Database
from proctor.settings import Settings, institution_key
from proctor.vault import Vault

app = typer.Typer(no_args_is_help=True, help="Protection of the stored face templates.")


@app.callback()
def templates() -> None:
    """Protection of the stored face templates."""


@app.command("renew")
def renew() -> None:
    """Turn all face references by a new secret and destroy the old one."""
    settings = Settings()
    db = Database(settings.database)
    db.upgrade()
    with db.transaction() as tx:
        institution = accounts.ensure_institution(tx, settings.institution)
        vault = Vault(institution_key(settings))
        count = protection.renew_all(tx, vault, institution.id, Clock().now())
    typer.echo(f"{count} references renewed", err=True)

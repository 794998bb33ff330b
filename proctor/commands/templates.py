"""``proctor templates``: the stored face templates, their protection and how alike they are."""

import typer

from proctor.clock import Clock
from proctor.commands.evaluate.figures import AsJson, Rate, fail, show
from proctor.commands.opened import opened
from proctor.identity import nightly, protection
from proctor.inference import face_comparison
from proctor.people import accounts
from proctor.settings import Settings, institution_key
from proctor.vault import Vault

app = typer.Typer(no_args_is_help=True, help="The stored face templates.")
# each waits half a second for those who read
_TRIES = 10


@app.command("renew")
def renew() -> None:
    """Turn all face references by a new secret and destroy the old one."""
    settings = Settings()
    with opened(settings) as db:
        with db.transaction() as tx:
            institution = accounts.ensure_institution(tx, settings.institution)
            vault = Vault(institution_key(settings))
            count = protection.renew_all(tx, vault, institution.id, Clock().now())
        typer.echo(f"{count} references renewed", err=True)
        if not any(db.forget() for _ in range(_TRIES)):
            raise fail(
                "somebody kept reading: the old secret is renewed, but still in the database's log "
                "of writes (-wal). It goes when this is run again, or when the service ends."
            )


@app.command("impostors")
def impostors(as_json: AsJson = False) -> None:
    """Compare all enrolled people with one another: the FMR among one's own students.

    The office sees the newest result on the page where samples are confirmed.
    """
    settings = Settings()
    comparison = face_comparison(settings.face_backend)
    with opened(settings) as db:
        with db.transaction() as tx:
            institution = accounts.ensure_institution(tx, settings.institution)
        vault = Vault(institution_key(settings))
        found = nightly.measure(db, vault, comparison, institution.id, Clock().now())
    points = {name: Rate(errors, found.compared) for name, errors in found.accepted.items()}
    show(
        {
            "people": found.people,
            "n_non_mated": found.compared,
            "highest": found.highest,
            "scores": str(found.scores),
            "fmr": {name: rate.value for name, rate in points.items()},
            "intervals": {f"fmr.{name}": rate.as_dict() for name, rate in points.items()},
        },
        as_json=as_json,
    )

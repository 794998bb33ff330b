"""``proctor log``: have the log of all events witnessed, and witness that of others."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from proctor.clock import Clock
from proctor.commands.opened import opened
from proctor.people import accounts
from proctor.people.tables import Role
from proctor.reports import witnesses
from proctor.reports.checkpoints import NotANote, NoteKey, Signs
from proctor.settings import Settings, signing_key

app = typer.Typer(no_args_is_help=True, help="Witnesses of the log of all events.")
_File = Annotated[Path, typer.Argument(exists=True, dir_okay=False)]


@app.command("keys")
def keys() -> None:
    """Print the keys to hand over: that of the log, and that as a witness of others."""
    settings = Settings()
    public = signing_key(settings).public_key().public_bytes_raw()
    typer.echo(NoteKey(_origin(settings), public, Signs.CHECKPOINTS).text)
    typer.echo(NoteKey(_name(settings), public, Signs.COSIGNATURES).text)


@app.command("register")
def register(
    key: Annotated[str, typer.Argument(help="Key of the witness: name+id+key.")],
    by: Annotated[str, typer.Option(help="E-mail of who takes it, of the office.")],
) -> None:
    """Take another institution as a witness of the log."""
    with opened(Settings(), NotANote) as db, db.transaction() as tx:
        taker = accounts.by_email(tx, by)
        if taker.role not in (Role.EXAM_OFFICE, Role.ADMIN):
            raise accounts.NoSuchAccount
        typer.echo(witnesses.register(tx, key, taker.id, Clock().now()).name)


@app.command("checkpoint")
def checkpoint(
    since: Annotated[int, typer.Option(min=0, help="Events the witness knows already.")] = 0,
) -> None:
    """Print what a witness is asked: the root of the log, and that it goes on from there."""
    settings = Settings()
    with opened(settings, NotANote) as db, db.reading() as tx:
        asked = witnesses.request(tx, _origin(settings), signing_key(settings), since)
    typer.echo(asked, nl=False)


@app.command("witness")
def witness(
    file: _File, log: Annotated[str, typer.Option(help="Key of that log: name+id+key.")]
) -> None:
    """Sign the root in a request of another log, when it goes on from the one signed before."""
    settings = Settings()
    with opened(settings, NotANote, UnicodeDecodeError) as db, db.transaction() as tx:
        key, asked = NoteKey.of(log), file.read_text("utf-8")
        now, own = Clock().now(), signing_key(settings)
        note = witnesses.attest(tx, asked, key, _name(settings), own, now)
    typer.echo(note, nl=False)


@app.command("receipt")
def receipt(file: _File) -> None:
    """Keep what a witness signed; later evidence packs hold it."""
    with opened(Settings(), NotANote, UnicodeDecodeError) as db, db.transaction() as tx:
        found = witnesses.keep(tx, file.read_text("utf-8"), Clock().now())
    for key in found:
        typer.echo(key.text)


def _origin(settings: Settings) -> str:
    return f"{urlsplit(settings.url).netloc}/log"


def _name(settings: Settings) -> str:
    return f"{urlsplit(settings.url).netloc}/witness"

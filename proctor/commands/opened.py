"""The service's database, for as long as a command needs it."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from proctor.errors import ProctorError
from proctor.plumbing.db import Database
from proctor.settings import Settings


@contextmanager
def opened(settings: Settings, *refusals: type[Exception]) -> Iterator[Database]:
    """The database, brought up to date. What the service refuses, or one of *refusals*, is said
    and ends the command with status 2."""
    said: tuple[type[Exception], ...] = (ProctorError, *refusals)
    db = Database(settings.database)
    try:
        db.upgrade()
        yield db
    except said as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    finally:
        db.close()

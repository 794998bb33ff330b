"""``proctor demo``: two sittings through the real service, one honest, one taken over half-way."""

import signal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from proctor.errors import ProctorError


def demo(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")
    ] = False,
    camera: Annotated[
        Path | None, typer.Option(help="Video or still: the honest learner's camera.")
    ] = None,
    reference: Annotated[Path | None, typer.Option(help="The enrolled portrait.")] = None,
    impostor: Annotated[
        Path | None, typer.Option(help="Video or still that takes over half-way.")
    ] = None,
    seconds: Annotated[int, typer.Option(min=45, max=900, help="Length of the exam.")] = 90,
    keep: Annotated[
        Path | None, typer.Option(help="Directory for the data; a temporary one if not given.")
    ] = None,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Use the service's own port and data, and stay up."),
    ] = False,
) -> None:
    """Let two students sit an exam, one of them replaced half-way, and show what comes of it."""
    # the browser's driver is an extra, and what plays an exam is slow to load
    from proctor.commands import stage

    # being told to end, like Ctrl-C, ends the service that was started
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    notes = Console(stderr=True, highlight=False)
    cast = stage.Cast(
        camera or stage.MATERIAL / "camera_honest.mp4",
        reference or stage.MATERIAL / "portrait_honest.jpg",
        impostor or stage.MATERIAL / "still_impostor.jpg",
    )
    try:
        stage.perform(notes, cast, seconds, keep, as_json=as_json, stays_up=serve)
    except ProctorError as error:
        notes.print(f"proctor demo: {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        notes.print("stopped")

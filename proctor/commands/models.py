"""``proctor models``: fetch the pinned models, and list them with their hashes and licences."""

import typer
from rich.console import Console
from rich.table import Table

from models.registry import FetchFailed, ModelRefused, fetch, open_model, read_registry
from proctor.settings import Settings

app = typer.Typer(help="Trained models: fetch them, list them.", no_args_is_help=True)


@app.command("fetch")
def fetch_models() -> None:
    """Download the pinned models by hash; offline when they are there already."""
    target = Settings().models_dir
    notes = Console(stderr=True)
    try:
        fetched = fetch(target)
    except (FetchFailed, ModelRefused, OSError) as error:
        notes.print(str(error), markup=False)
        raise typer.Exit(1) from error
    notes.print(f"fetched: {', '.join(fetched)}" if fetched else f"up to date in {target}")


@app.command("list")
def list_models() -> None:
    """Every registered model, and whether its file is there and hashes right."""
    target = Settings().models_dir
    table = Table("model", "version", "licence", "sha256", "state")
    for entry in read_registry().models.values():
        try:
            open_model(entry.name, target)
            state = "ready"
        except ModelRefused:
            state = "missing or wrong"
        table.add_row(entry.name, entry.version, entry.licence, entry.sha256[:12], state)
    Console().print(table)

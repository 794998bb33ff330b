"""``proctor retention``: what is past its term, and erasing it."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from sqlalchemy import select

from proctor.clock import Clock
from proctor.commands.evaluate.figures import AsJson, show
from proctor.commands.opened import opened
from proctor.people.tables import Institution
from proctor.retention.due import find_due
from proctor.retention.facts import Standing
from proctor.retention.reconcile import differences
from proctor.retention.sweep import sweep
from proctor.settings import Settings

app = typer.Typer(no_args_is_help=True, help="What is kept until when, and what is erased.")


@app.command("due")
def due(as_json: AsJson = False) -> None:
    """Print what is past its term and why it is still there, and where files and rows differ."""
    settings, now = Settings(), Clock().now()
    with opened(settings) as db, db.reading() as tx:
        found = [find_due(tx, each, now) for each in tx.scalars(select(Institution.id)).all()]
        unlike = differences(tx, settings.recordings_dir)

    def told(each: Standing) -> dict[str, Any]:
        held = sorted(why.value for why in each.why_not_yet(now))
        return {"id": each.id, "due_at": each.due_at.isoformat(), "held": held}

    figures: dict[str, Any] = {
        "as_of": now.isoformat(),
        "kept": sum(each.kept for each in found),
        "sittings": [told(one) for each in found for one in each.sittings],
        "references": [told(one) for each in found for one in each.references],
        "too_many": any(any(each.too_many(now, settings.expiry_percent)) for each in found),
        "files": asdict(unlike),
    }
    if not as_json:
        for name in ("sittings", "references"):
            rows = figures[name]
            held = sum(bool(row["held"]) for row in rows)
            figures[name] = {"due": len(rows) - held, "held": held}
        figures["files"] = {name: len(paths) for name, paths in figures["files"].items()}
    show(figures, as_json=as_json)


@app.command("sweep")
def sweep_now(
    dry_run: Annotated[bool, typer.Option(help="Erase nothing, only say what is due.")] = False,
    above_limit: Annotated[
        bool, typer.Option(help="Also when it is a larger share than PROCTOR_EXPIRY_PERCENT.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Erase everything that is due now; status 1 when something due is still there."""
    if dry_run:
        due(as_json)
        return
    settings = Settings()
    root, percent = settings.recordings_dir, settings.expiry_percent
    with opened(settings) as db:
        done = sweep(db, root, Clock().now(), percent, above_limit=above_limit)
    lists = ("sittings", "references", "failed")
    told = asdict(done) | {"held": {why.value: n for why, n in sorted(done.held.items())}}
    show(told if as_json else told | {each: len(told[each]) for each in lists}, as_json=as_json)
    refused = {
        "sittings": (done.refused, done.kept),
        "references": (done.refused_references, done.used),
    }
    for name, (n, of) in refused.items():
        if n:
            typer.echo(
                f"{n} of {of} {name} are due at once, more than {percent:g} %: "
                "nothing of them was erased. Look at the clock and the terms; then --above-limit",
                err=True,
            )
    if done.refused or done.refused_references or done.failed:
        raise typer.Exit(1)

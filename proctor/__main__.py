"""The command line: ``proctor serve``, ``demo``, ``models``, ``account`` and measurements."""

from importlib.util import find_spec

import typer

from proctor.commands import (
    account,
    bench,
    evaluate,
    faces_bench,
    keystroke_bench,
    models,
    serve,
    templates,
)

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.command("serve")(serve.serve)
app.add_typer(models.app, name="models")
app.add_typer(account.app, name="account")
app.add_typer(templates.app, name="templates")
app.add_typer(evaluate.app, name="evaluate")
bench.app.command("faces")(faces_bench.faces)
bench.app.command("keystroke")(keystroke_bench.keystroke)
app.add_typer(bench.app, name="bench")

# the demo drives a browser, which a server has no use for: extra "demo"
if find_spec("playwright") is not None:
    from proctor.commands import demo

    app.command("demo")(demo.demo)

if __name__ == "__main__":
    app()

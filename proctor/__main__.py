"""The command line: ``proctor serve``, ``demo``, ``models``, ``account``."""

import typer

from proctor.commands import account, demo, models, serve

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.add_typer(models.app, name="models")
app.add_typer(account.app, name="account")

if __name__ == "__main__":
    app()

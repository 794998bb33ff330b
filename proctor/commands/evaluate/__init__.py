"""``proctor evaluate``: the error rates of what is shipped, on files of your own."""

import typer

from proctor.commands.evaluate.keystroke_fixed import keystroke_fixed
from proctor.commands.evaluate.keystroke_free import keystroke_free

app = typer.Typer(no_args_is_help=True, help="Error rates of the verifiers on your files.")
app.command("keystroke-fixed")(keystroke_fixed)
app.command("keystroke-free")(keystroke_free)

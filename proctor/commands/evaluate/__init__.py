"""``proctor evaluate``: what the biometrics do on material of one's own, as JSON or a table."""

import typer

from proctor.commands.evaluate import detection, faces, videos

app = typer.Typer(
    help="Measure on material of your own; rates are fractions with n and a 95 % interval.",
    no_args_is_help=True,
)
app.command("faces")(faces.faces)
app.command("videos")(videos.videos)
app.command("detection")(detection.detection)

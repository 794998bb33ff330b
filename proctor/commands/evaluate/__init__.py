"""``proctor evaluate``: what the biometrics do on material of one's own, as JSON or a table."""

import typer

from proctor.commands.evaluate import detection, faces, gaze, objects, pad, videos
from proctor.commands.evaluate.keystroke_fixed import keystroke_fixed
from proctor.commands.evaluate.keystroke_free import keystroke_free

app = typer.Typer(
    help="Measure on material of your own; rates are fractions with n and a 95 % interval.",
    no_args_is_help=True,
)
app.command("faces")(faces.faces)
app.command("videos")(videos.videos)
app.command("detection")(detection.detection)
app.command("pad")(pad.pad)
app.command("gaze")(gaze.gaze)
app.command("objects")(objects.objects)
app.command("keystroke-fixed")(keystroke_fixed)
app.command("keystroke-free")(keystroke_free)

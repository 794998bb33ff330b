"""The command line: the service, reports, certificates and measurements."""

import sys
from importlib.util import find_spec

import structlog
import typer

from proctor.commands import (
    account,
    bench,
    calibrate,
    certificate,
    evaluate,
    evidence,
    faces_bench,
    fairness,
    keystroke_bench,
    log,
    models,
    policy_replay,
    report,
    report_bench,
    retention,
    serve,
    share,
    templates,
    wall_bench,
)

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.command("serve")(serve.serve)
app.command("share")(share.share)
app.command("report")(report.report)
app.command("evidence")(evidence.evidence)
app.command("verify")(evidence.verify_file)
app.command("replay")(policy_replay.replay)
app.command("accommodation")(fairness.accommodation)
app.add_typer(fairness.detectors, name="detectors")
app.add_typer(models.app, name="models")
app.add_typer(account.app, name="account")
app.add_typer(certificate.app, name="certificate")
app.add_typer(log.app, name="log")
app.add_typer(templates.app, name="templates")
app.add_typer(retention.app, name="retention")
app.add_typer(calibrate.app, name="calibrate")
app.add_typer(evaluate.app, name="evaluate")
bench.app.command("faces")(faces_bench.faces)
bench.app.command("report")(report_bench.report)
bench.app.command("wall")(wall_bench.wall)
bench.app.command("keystroke")(keystroke_bench.keystroke)
app.add_typer(bench.app, name="bench")

# the demo drives a browser, which a server has no use for: extra "demo"
if find_spec("playwright") is not None:
    from proctor.commands import demo

    app.command("demo")(demo.demo)


@app.callback()
def main() -> None:
    """An online proctoring and identity-verification service."""
    # standard output belongs to the figures; which stream that is, is asked for each line
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


if __name__ == "__main__":
    app()

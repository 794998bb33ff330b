"""``proctor calibrate``: what the comparison of faces does among the institution's own people."""

from typing import Annotated, Any

import typer

from biometrics.calibration import Calibration
from biometrics.cohort import SMALLEST_COHORT, OwnScores, own_scores
from biometrics.comparison import FaceComparison
from biometrics.error_rates import fnmr, threshold_at_fmr
from proctor.clock import Clock
from proctor.commands.evaluate.figures import AsJson, Rate, fail, show
from proctor.commands.opened import opened
from proctor.identity import calibrations
from proctor.identity.impostors import enrolled
from proctor.inference import face_comparison
from proctor.people import accounts
from proctor.settings import Settings, institution_key
from proctor.vault import Vault

app = typer.Typer(no_args_is_help=True, help="Thresholds from one's own enrolments.")
_KEPT = (
    "Scores are centred from now on, at the card's thresholds and on its line. The line fitted "
    "here is not used: enrolments are of one visit, and it is too sure of how somebody looks on "
    "another day. Nor are the thresholds: reports count what a stricter one changes by the card's."
)
_TARGETS = {"1e-2": 1e-2, "1e-3": 1e-3, "1e-4": 1e-4}


@app.callback()
def calibrate() -> None:
    """Keep ``faces`` a command of its own name."""


@app.command("faces")
def faces(
    as_json: AsJson = False,
    use: Annotated[
        bool, typer.Option("--use", help="Compare by centred scores from now on.")
    ] = False,
    end: Annotated[
        bool, typer.Option("--end", help="Compare as the model's card says again.")
    ] = False,
) -> None:
    """Measure the card's threshold among the enrolled, and propose one for each target FMR.

    Nobody is named. Without an option nothing is set.
    """
    if use and end:
        raise fail("either --use or --end")
    settings = Settings()
    comparison = face_comparison(settings.face_backend)
    with opened(settings) as db:
        with db.transaction() as tx:
            institution = accounts.ensure_institution(tx, settings.institution)
        vault = Vault(institution_key(settings))
        now = Clock().now()
        with db.reading() as tx:
            groups = enrolled(tx, vault, comparison, institution.id, now)
        people = max(groups, key=len, default=[])
        found: dict[str, Any] = {"people": len(people)}
        if len(people) >= 2:
            raw, centred = own_scores(comparison.measure, people)
            found |= figures(raw, centred, _card(comparison))
        elif not end:
            raise fail("calibration needs the confirmed references of two people at least")
        with db.transaction() as tx:
            if end:
                calibrations.end(tx, institution.id, now)
            if use:
                refuse_worse(found)
                calibrations.put_in_force(tx, comparison, institution.id, found, now)
            own = calibrations.in_force(tx, comparison, institution.id)
            found["in_force"] = own.number if own else None
    show(found, as_json=as_json)
    if use:
        typer.echo(_KEPT, err=True)


def refuse_worse(found: dict[str, Any]) -> None:
    """Raises typer.Exit unless centred scores were measured, and do no harm at the threshold."""
    if found["centred"] is None:
        raise fail(
            f"centred scores need {SMALLEST_COHORT} people at least under one rotation, and there "
            f"are {found['people']}: nothing was set"
        )
    card, centred = found["card"], found["centred"]["card"]
    if centred["fmr"] > card["fmr"] or (centred["fnmr"] or 0.0) > (card["fnmr"] or 0.0):
        told = ", ".join(
            f"{error} {_percent(centred[error])} instead of {_percent(card[error])}"
            for error in ("fmr", "fnmr")
        )
        raise fail(f"centred scores do worse here ({told}): nothing was set")


def _percent(rate: float | None) -> str:
    return "not measured" if rate is None else f"{rate:.3%}"


def figures(raw: OwnScores, centred: OwnScores | None, threshold: float) -> dict[str, Any]:
    """``card``: at *threshold*. ``own`` and ``centred``: thresholds of the targets n can show."""
    rates = {"card": _rates(raw, threshold)}
    if centred is not None:
        rates["centred.card"] = _rates(centred, threshold)
    at_card = {
        name: {"threshold": threshold, **{error: rate.value for error, rate in each.items()}}
        for name, each in rates.items()
    }
    return {
        "n_mated": raw.mated.size,
        "n_non_mated": raw.non_mated.size,
        "card": at_card["card"],
        "own": _points(raw),
        "calibration": _line(raw),
        "centred": None
        if centred is None
        else {"card": at_card["centred.card"], **_points(centred)},
        "intervals": {
            f"{name}.{error}": rate.as_dict()
            for name, each in rates.items()
            for error, rate in each.items()
        },
    }


def _rates(scores: OwnScores, threshold: float) -> dict[str, Rate]:
    return {
        "fmr": Rate(int((scores.non_mated >= threshold).sum()), scores.non_mated.size),
        "fnmr": Rate(int((scores.mated < threshold).sum()), scores.mated.size),
    }


def _points(scores: OwnScores) -> dict[str, dict[str, float] | None]:
    points: dict[str, dict[str, float] | None] = {}
    for name, target in _TARGETS.items():
        if target * scores.non_mated.size < 1 or not scores.mated.size:
            points[name] = None
            continue
        threshold = threshold_at_fmr(scores.non_mated, target)
        points[name] = {"threshold": threshold, "fnmr": fnmr(scores.mated, threshold)}
    return points


def _line(scores: OwnScores) -> dict[str, float] | None:
    try:
        line = Calibration.fit(scores.mated, scores.non_mated)
    except ValueError:
        return None
    return {"slope": line.slope, "intercept": line.intercept}


def _card(comparison: FaceComparison) -> float:
    return comparison.operating_points["verification"].threshold

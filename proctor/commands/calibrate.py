"""``proctor calibrate``: what the comparison of faces does among the institution's own people."""

from typing import Any

import typer

from biometrics.calibration import Calibration
from biometrics.cohort import OwnScores, own_scores
from biometrics.comparison import FaceComparison
from biometrics.error_rates import fnmr, threshold_at_fmr
from proctor.clock import Clock
from proctor.commands.evaluate.figures import AsJson, Rate, fail, show
from proctor.identity.impostors import enrolled
from proctor.inference import face_comparison
from proctor.people import accounts
from proctor.plumbing.db import Database
from proctor.settings import Settings, institution_key
from proctor.vault import Vault

app = typer.Typer(no_args_is_help=True, help="Thresholds from one's own enrolments.")
_TARGETS = {"1e-2": 1e-2, "1e-3": 1e-3, "1e-4": 1e-4}


@app.callback()
def calibrate() -> None:
    """Keep ``faces`` a command of its own name."""


@app.command("faces")
def faces(as_json: AsJson = False) -> None:
    """Measure the card's threshold among the enrolled, and propose one for each target FMR.

    Nothing is set, nothing stored and nobody named.
    """
    settings = Settings()
    db = Database(settings.database)
    db.upgrade()
    comparison = face_comparison(settings.face_backend)
    with db.transaction() as tx:
        institution = accounts.ensure_institution(tx, settings.institution)
        vault = Vault(institution_key(settings))
        groups = enrolled(tx, vault, comparison, institution.id, Clock().now())
    people = max(groups, key=len, default=[])
    if len(people) < 2:
        raise fail("calibration needs the confirmed references of two people at least")
    raw, centred = own_scores(comparison.measure, people)
    show(
        {"people": len(people), **figures(raw, centred, _card(comparison))},
        as_json=as_json,
    )


def figures(raw: OwnScores, centred: OwnScores | None, threshold: float) -> dict[str, Any]:
    """``card``: at *threshold*. ``own`` and ``centred``: thresholds of the targets n can show."""
    rates = {
        "fmr": Rate(int((raw.non_mated >= threshold).sum()), raw.non_mated.size),
        "fnmr": Rate(int((raw.mated < threshold).sum()), raw.mated.size),
    }
    return {
        "n_mated": raw.mated.size,
        "n_non_mated": raw.non_mated.size,
        "card": {"threshold": threshold, **{name: rate.value for name, rate in rates.items()}},
        "own": _points(raw),
        "calibration": _line(raw),
        "centred": None if centred is None else _points(centred),
        "intervals": {f"card.{name}": rate.as_dict() for name, rate in rates.items()},
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

"""``proctor calibrate``: what the comparison of faces does among the institution's own people."""

from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from biometrics.calibration import Calibration
from biometrics.cohort import SMALLEST_COHORT, OwnScores, own_scores, own_threshold
from biometrics.comparison import FaceComparison
from biometrics.error_rates import fnmr, threshold_at_fmr
from proctor.clock import Clock
from proctor.commands.evaluate.figures import AsJson, Rate, fail, show
from proctor.commands.fairness import of_the_office
from proctor.commands.opened import opened
from proctor.identity import calibrations
from proctor.identity.impostors import enrolled
from proctor.inference import face_comparison
from proctor.people import accounts
from proctor.settings import Settings, institution_key
from proctor.vault import Vault

app = typer.Typer(no_args_is_help=True, help="Thresholds from one's own enrolments.")
_KEPT = (
    "Scores are centred from now on, on the card's line. The line fitted here is not used: "
    "enrolments are of one visit, and it is too sure of how somebody looks on another day."
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
    by: Annotated[
        str | None, typer.Option(help="E-mail of who says so, of the office; with the two above.")
    ] = None,
) -> None:
    """Measure the card's threshold among the enrolled, and propose one for each target FMR.

    Nobody is named. Without an option nothing is set.
    """
    if use and end:
        raise fail("either --use or --end")
    if (use or end) and by is None:
        raise fail("--use and --end need --by: who puts it in force stands beside it")
    settings = Settings()
    comparison = face_comparison(settings.face_backend)
    with opened(settings) as db:
        with db.transaction() as tx:
            institution = accounts.ensure_institution(tx, settings.institution)
            office = None if by is None else _of_the_office(tx, by, institution.id)
        vault = Vault(institution_key(settings))
        now = Clock().now()
        with db.reading() as tx:
            groups = enrolled(tx, vault, comparison, institution.id, now)
        people = max(groups, key=len, default=[])
        found: dict[str, Any] = {"people": len(people)}
        if len(people) >= 2:
            raw, centred = own_scores(comparison.measure, people)
            found |= figures(raw, centred, comparison)
        elif not end:
            raise fail("calibration needs the confirmed references of two people at least")
        with db.transaction() as tx:
            if end:
                calibrations.end(tx, institution.id, now, by=office)
            if use:
                refuse_worse(found)
                own_point = found["centred"]["verification"]
                calibrations.put_in_force(
                    tx,
                    comparison,
                    institution.id,
                    found,
                    now,
                    by=office,
                    threshold=own_point["threshold"] if own_point else None,
                )
            own = calibrations.in_force(tx, comparison, institution.id)
            found["in_force"] = own.number if own else None
    show(found, as_json=as_json)
    if use:
        typer.echo(f"{_KEPT} {_told(found, comparison)}", err=True)


def _of_the_office(tx: Session, email: str, institution_id: str) -> str:
    """Raises NoSuchAccount for everybody else, those of other institutions too."""
    account = of_the_office(tx, email)
    if account.institution_id != institution_id:
        raise accounts.NoSuchAccount
    return account.id


def refuse_worse(found: dict[str, Any]) -> None:
    """Raises typer.Exit unless centred scores were measured, and do no harm, neither at the
    card's threshold nor at the one to be put in force.
    """
    if found["centred"] is None:
        raise fail(
            f"centred scores need {SMALLEST_COHORT} people at least under one rotation, and there "
            f"are {found['people']}: nothing was set"
        )
    card = found["card"]
    for centred in (found["centred"]["card"], found["centred"]["verification"] or card):
        if centred["fmr"] > card["fmr"] or (centred["fnmr"] or 0.0) > (card["fnmr"] or 0.0):
            told = ", ".join(
                f"{error} {_percent(centred[error])} instead of {_percent(card[error])}"
                for error in ("fmr", "fnmr")
            )
            at = f"at {centred['threshold']:.3f}"
            raise fail(f"centred scores do worse here {at} ({told}): nothing was set")


def _percent(rate: float | None) -> str:
    return "not measured" if rate is None else f"{rate:.3%}"


def figures(
    raw: OwnScores, centred: OwnScores | None, comparison: FaceComparison
) -> dict[str, Any]:
    """``card``: at its threshold. ``own`` and ``centred``: thresholds of the targets n can show;
    ``verification`` of the centred ones is what ``--use`` puts in force, None for the card's.
    """
    point = comparison.operating_points["verification"]
    rates = {"card": (point.threshold, _rates(raw, point.threshold))}
    told: dict[str, float] = {}
    if centred is not None:
        rates["centred.card"] = point.threshold, _rates(centred, point.threshold)
        strictest = comparison.operating_points["enrolment"]
        if (found := own_threshold(centred.non_mated, point, strictest)) is not None:
            demanded, used = found
            rates["centred.verification"] = used, _rates(centred, used)
            doubles = int((centred.non_mated >= strictest.threshold).sum())
            told = {"demanded": demanded, "doubles": doubles}
    at = {
        name: {"threshold": threshold, **{error: rate.value for error, rate in each.items()}}
        for name, (threshold, each) in rates.items()
    }
    return {
        "n_mated": raw.mated.size,
        "n_non_mated": raw.non_mated.size,
        "card": at["card"],
        "own": _points(raw),
        "calibration": _line(raw),
        "centred": None
        if centred is None
        else {
            "card": at["centred.card"],
            "verification": {**told, **at["centred.verification"]} if told else None,
            **_points(centred),
        },
        "intervals": {
            f"{name}.{error}": rate.as_dict()
            for name, (_, each) in rates.items()
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


def _told(found: dict[str, Any], comparison: FaceComparison) -> str:
    """Which threshold of verification is in force, and why it is this one."""
    card, point = comparison.operating_points["verification"], found["centred"]["verification"]
    if point is None:
        return (
            f"The threshold stays the card's {card.threshold:g}: FMR {card.fmr:g} takes "
            f"{1 / card.fmr:,.0f} pairs to show, and there are {found['n_non_mated']:,}."
        )
    demanded, used = point["demanded"], point["threshold"]
    if demanded > used:
        strictest = comparison.operating_points["enrolment"].threshold
        return (
            f"The threshold stays the card's {used:g}: FMR {card.fmr:g} would take {demanded:.3f} "
            f"here. Pairs at {strictest:g}, the card's strictest, or above: {point['doubles']}. Is "
            "anybody enrolled under two accounts?"
        )
    if used == card.threshold:
        return (
            f"The threshold stays the card's {used:g}: {demanded:.3f} would do for FMR "
            f"{card.fmr:g} here, and it is never lowered."
        )
    return (
        f"The threshold is {used:.3f} instead of the card's {card.threshold:g}, for FMR "
        f"{card.fmr:g} among the people here; FNMR {_percent(point['fnmr'])} there, of one visit."
    )

"""Train ``weights/keystroke-plda.npz`` and measure it: population, calibration, operating point.

Usage: ``python -m models.recipes.keystroke_plda DATA_FOLDER OUTPUT``. Needs pyarrow, which the
service does not. The folder holds klicke_background and klicke_background2 (training),
villani_free_dev (calibration) and kuruvilla_social_dev (check on other people) as parquet files
with the columns subject, session, code, dd_ms and hold_ms in order of press.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from biometrics.calibration import Calibration
from biometrics.error_rates import eer, fmr, fnmr, threshold_at_fmr
from keystroke.gate import unfit
from keystroke.presses import Presses
from keystroke.template import Sums
from keystroke.verifiers.count_plda import CountPlda, Evidence
from keystroke.verifiers.plda import OperatingPoint, PldaVerifier
from keystroke.zones import Zone, zone_of

MODEL_ID: Final = "keystroke-plda-1"
SEED: Final = 20260101
TARGET_FMR: Final = 0.01
# an honest student is told "no match" at most this often on the calibration set
TARGET_FALSE_REJECT: Final = 0.03
# chosen among 5, 10, 15, 20, 30 and none: Cllr is flat from 10 to 20, and the wider keeps room
# for a "no match" threshold
BOUND: Final = 20.0
# the data sets name modifiers without their side
_MODIFIERS: Final = frozenset({"Shift", "Control", "Alt", "Meta"})
# the recordings were made with a millisecond clock
_CLOCK_STEP_MS: Final = 1.0

Floats = NDArray[np.float64]
People = dict[int, dict[int, Presses]]


@dataclass(frozen=True)
class Trials:
    """Comparisons of probes with references, arrays of shape (n,)."""

    scores: Floats
    reference: NDArray[np.int64]
    probe: NDArray[np.int64]

    @property
    def mated(self) -> Floats:
        return np.compress(self.reference == self.probe, self.scores)

    @property
    def non_mated(self) -> Floats:
        return np.compress(self.reference != self.probe, self.scores)

    def among(self, people: NDArray[np.int64]) -> "Trials":
        """The trials in which both sides are of *people*."""
        kept = np.isin(self.reference, people) & np.isin(self.probe, people)
        return Trials(self.scores[kept], self.reference[kept], self.probe[kept])


def read_presses(path: Path) -> People:
    """Presses per subject and session."""
    table = import_module("pyarrow.parquet").read_table(path)
    column = {n: table.column(n).to_numpy() for n in ("subject", "session", "dd_ms", "hold_ms")}
    codes = table.column("code").combine_chunks().dictionary_decode().to_pylist()
    zone = {c: Zone.MODIFIER if c in _MODIFIERS else zone_of(c) for c in set(codes)}
    zones = np.array([zone[c] for c in codes], np.int64)
    changes = (np.diff(column["subject"]) != 0) | (np.diff(column["session"]) != 0)
    starts = [0, *(np.flatnonzero(changes) + 1).tolist()]
    people: People = {}
    for start, stop in zip(starts, [*starts[1:], len(zones)], strict=True):
        presses = Presses.of_keyboard(
            column["dd_ms"][start:stop].astype(np.float64),
            zones[start:stop],
            column["hold_ms"][start:stop].astype(np.float64),
            _CLOCK_STEP_MS,
        )
        sessions = people.setdefault(int(column["subject"][start]), {})
        sessions[int(column["session"][start])] = presses
    return people


def halves(people: People) -> Iterator[tuple[Sums, Sums]]:
    """First and second half of each person's only session."""
    for sessions in people.values():
        (presses,) = sessions.values()
        middle = len(presses) // 2
        first, second = presses.part(0, middle), presses.part(middle, 2 * middle)
        yield Sums.from_presses(first), Sums.from_presses(second)


def compare_all(
    population: CountPlda,
    people: People,
    enrolled: Sequence[int],
    probed: Sequence[int],
    n_keys: int,
) -> Trials:
    """Every window of *n_keys* of the *probed* sessions against everyone's *enrolled* sessions."""
    references: dict[int, Evidence] = {}
    for subject, sessions in people.items():
        first, *rest = (
            population.evidence(Sums.from_presses(sessions[i])) for i in enrolled if i in sessions
        )
        references[subject] = sum(rest, start=first)
    rows: list[tuple[float, int, int]] = []
    for subject, sessions in people.items():
        for session in (sessions[i] for i in probed if i in sessions):
            for start in range(0, len(session) - n_keys + 1, n_keys):
                sums = Sums.from_presses(session.part(start, start + n_keys))
                if unfit(sums) is None:
                    fresh = population.evidence(sums)
                    rows += [(_llr(r, fresh), name, subject) for name, r in references.items()]
    scores, reference, probe = zip(*rows, strict=True)
    return Trials(np.clip(scores, -BOUND, BOUND), np.array(reference), np.array(probe))


def _llr(reference: Evidence, probe: Evidence) -> float:
    apart = reference.log_likelihood() + probe.log_likelihood()
    return (reference + probe).log_likelihood() - apart


def calibrate(sets: Sequence[Trials]) -> Calibration:
    """Logistic line through the trials, mated and non-mated weighted alike."""
    scores = np.concatenate([t.scores for t in sets])
    same = np.concatenate([t.reference == t.probe for t in sets])
    line = LogisticRegression(C=1e6, class_weight="balanced").fit(scores[:, None], same)
    return Calibration(float(line.coef_[0, 0]), float(line.intercept_[0]))


def operating_point(calibration: Calibration, sets: Sequence[Trials]) -> OperatingPoint:
    """Accept at the target FMR; reject where few mated trials fall, and never above accept."""
    accept = max(threshold_at_fmr(t.non_mated, TARGET_FMR) for t in sets)
    mated = np.concatenate([t.mated for t in sets])
    reject = min(float(np.quantile(mated, TARGET_FALSE_REJECT)), accept)
    return OperatingPoint(calibration.llr(accept), calibration.llr(reject))


def rates(trials: Trials, calibration: Calibration, point: OperatingPoint) -> dict[str, float]:
    """Error rates at the operating point; *wrongly_refused* is what an honest student meets."""
    mated = calibration.slope * trials.mated + calibration.intercept
    non_mated = calibration.slope * trials.non_mated + calibration.intercept
    return {
        "fmr": fmr(non_mated, point.accept),
        "fnmr": fnmr(mated, point.accept),
        "wrongly_refused": fnmr(mated, point.reject),
        "impostor_not_refused": fmr(non_mated, point.reject),
    }


def intervals(
    trials: Trials, calibration: Calibration, point: OperatingPoint, repeats: int = 500
) -> dict[str, tuple[float, float]]:
    """95 % intervals of the rates, people resampled with their comparisons."""
    rng = np.random.default_rng(SEED)
    people = np.unique(trials.probe)
    drawn: list[list[float]] = []
    for _ in range(repeats):
        times = np.bincount(rng.choice(people, len(people)), minlength=int(people.max()) + 1)
        weight = times[trials.reference] * times[trials.probe]
        weight = np.where(trials.reference == trials.probe, times[trials.probe], weight)
        again = Trials(
            np.repeat(trials.scores, weight),
            np.repeat(trials.reference, weight),
            np.repeat(trials.probe, weight),
        )
        drawn.append(list(rates(again, calibration, point).values()))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    names = rates(trials, calibration, point)
    return {name: (float(low[i]), float(high[i])) for i, name in enumerate(names)}


def cross_validated(sets: dict[str, Trials], folds: int = 3) -> dict[str, object]:
    """Rates on people whose trials chose neither the calibration nor the operating point."""
    people = np.unique(next(iter(sets.values())).probe)
    fold = np.random.default_rng(SEED).permutation(len(people)) % folds
    measured: dict[str, object] = {}
    for name, trials in sets.items():
        totals: dict[str, float] = {}
        n_mated = n_non_mated = 0
        for i in range(folds):
            seen = [t.among(people[fold != i]) for t in sets.values()]
            calibration = calibrate(seen)
            unseen = trials.among(people[fold == i])
            m, n = len(unseen.mated), len(unseen.non_mated)
            found = rates(unseen, calibration, operating_point(calibration, seen))
            for rate, value in found.items():
                count = n if rate in ("fmr", "impostor_not_refused") else m
                totals[rate] = totals.get(rate, 0.0) + value * count
            n_mated, n_non_mated = n_mated + m, n_non_mated + n
        measured[name] = {
            "n_mated": n_mated,
            "n_non_mated": n_non_mated,
            **{
                rate: value / (n_non_mated if rate in ("fmr", "impostor_not_refused") else n_mated)
                for rate, value in totals.items()
            },
        }
    return measured


def main(folder: Path, output: Path) -> None:
    """Train, calibrate, save, and print what was measured."""
    population = CountPlda()
    names = ("klicke_background", "klicke_background2")
    writers = [h for n in names for h in halves(read_presses(folder / f"{n}.parquet"))]
    population.fit(writers)
    villani = read_presses(folder / "villani_free_dev.parquet")
    sets = {
        f"{k} sessions, {n} keys": compare_all(population, villani, range(k), (4, 5), n)
        for k in (2, 4)
        for n in (150, 300)
    }
    calibration = calibrate(list(sets.values()))
    point = operating_point(calibration, list(sets.values()))
    PldaVerifier(MODEL_ID, population, BOUND, calibration, point).save(output)
    kuruvilla = read_presses(folder / "kuruvilla_social_dev.parquet")
    sets["other people, 10 sessions, 150 keys"] = compare_all(
        population, kuruvilla, range(10), range(10, 30), 150
    )
    report = {
        "writers": len(writers),
        "calibration": [calibration.slope, calibration.intercept],
        "operating_point": [point.accept, point.reject],
        "on_development": {
            name: {
                "n_mated": len(t.mated),
                "n_non_mated": len(t.non_mated),
                "eer": eer(t.mated, t.non_mated),
                **rates(t, calibration, point),
                "intervals": intervals(t, calibration, point),
            }
            for name, t in sets.items()
        },
        "cross_validated": cross_validated(
            {name: t for name, t in sets.items() if not name.startswith("other")}
        ),
    }
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

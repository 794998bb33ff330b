"""Weigh the two opinions on free typing, and measure the verifier: ``weights/keystroke-free-text``.

Usage: ``python -m models.recipes.keystroke_free_text DATA_FOLDER OUTPUT``, after the recipes of
keystroke_plda and keystroke_network_pooled. Needs pyarrow and onnxruntime. Of the folder it
reads klicke_background and every other writer of klicke_dev (how the network's vectors vary; the
latter also the weights, for two parts of one sitting), the other half of klicke_dev (check),
villani_free_dev (the line to other sittings, and the thresholds) and kuruvilla_social_dev (check on
other people). Nobody is in two of these. The network was trained on the background.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from biometrics.calibration import Calibration
from biometrics.error_rates import eer, fmr, fnmr, threshold_at_fmr
from keystroke.free_text import Cell, Protocol, Trials, across, split, trial_rows, within
from keystroke.presses import Floats, Presses
from keystroke.verifiers.count_plda import CountPlda
from keystroke.verifiers.embedding_plda import EmbeddingPlda
from keystroke.verifiers.free_text import (
    N_WEIGHTS,
    FreeTextVerifier,
    OperatingPoint,
    Weighing,
    save_weighings,
    terms,
)
from keystroke.verifiers.network import Embedder, open_embedder
from keystroke.verifiers.profile import Profile
from models.recipes.keystroke_plda import read_presses

MODEL_IDS: Final = {"fused": "keystroke-fused-5", "alone": "keystroke-plda-4"}
WEIGHTS: Final = Path(__file__).parents[1] / "weights"
SEED: Final = 20260101
TARGET_FMR: Final = 0.01
# an honest student is told "no match" at most this often on the calibration set
TARGET_FALSE_REJECT: Final = 0.03
# of 27 people one whose later sittings look like another's would else outweigh all others
BOUND: Final = 8.0
BOUNDS: Final = (4.0, 5.0, 6.0, 8.0, 12.0, 100.0)
FOLDS: Final = 3
# others a probe of the large set is compared with
OTHERS: Final = 20
# keys of a writer that teach how vectors vary: after these come those enrolled and probed
TAUGHT: Final = slice(500, 1500)
ENROLLED: Final = (100, 200, 500, 1000, 2000)
PROBED: Final = (50, 100, 200, 500)

People = Mapping[int, Sequence[Presses]]


@dataclass(frozen=True)
class Compared:
    """Terms of comparisons, shape (n, 9), and who is compared with whom, (n,)."""

    terms: Floats
    reference: NDArray[np.int64]
    probe: NDArray[np.int64]

    def trials(self, weights: Floats, bound: float) -> Trials:
        scores = bound * np.tanh(self.terms @ weights / bound)
        return Trials(scores, self.reference, self.probe)


def network_of(embedder: Embedder, people: Sequence[Sequence[Presses]]) -> EmbeddingPlda:
    """How the network's vectors vary between people, sittings and windows."""
    longest = (max(own, key=len).part(TAUGHT.start, TAUGHT.stop) for own in people)
    windows = [embedder.embed(presses) for presses in longest]
    fitted = EmbeddingPlda.fit([own for own in windows if len(own) >= 4])
    # as it is stored
    return EmbeddingPlda(
        *(
            getattr(fitted, field.name).astype(np.float32).astype(np.float64)
            for field in fields(fitted)
        )
    )


def sittings(path: Path) -> People:
    """Sittings in order by person."""
    return {
        person: [sessions[number] for number in sorted(sessions)]
        for person, sessions in read_presses(path).items()
    }


def compare_people(
    verifier: FreeTextVerifier,
    people: People,
    protocol: Protocol,
    enrolled: Sequence[int],
    probed: Sequence[int],
) -> dict[str, Compared]:
    """Everyone's probes against their own profile and others', by "keys enrolled/keys probed"."""
    profiles: dict[tuple[int, int], Profile] = {}
    probes: dict[tuple[int, int], list[Profile]] = {}

    def compared(reference: Profile, fresh: Profile) -> Floats:
        opinion = verifier.opinion(reference, fresh)
        return np.full(N_WEIGHTS, np.nan) if opinion is None else terms(opinion)

    cells: dict[str, Compared] = {}
    for e, p in product(enrolled, probed):
        cell = Cell({}, [])
        for person, first, later in split(people, protocol, e, p):
            if (person, e) not in profiles:
                profiles[person, e] = verifier.profile([verifier.sums(each) for each in first])
            if (person, p) not in probes:
                probes[person, p] = [verifier.profile([verifier.sums(each)]) for each in later]
            cell.profiles[person] = profiles[person, e]
            cell.probes.extend((person, each) for each in probes[person, p])
        rows, of, by = trial_rows(cell, compared, OTHERS, SEED)
        kept = ~np.isnan(rows[:, 0])
        cells[f"{e}/{p}"] = Compared(rows[kept], of[kept], by[kept])
    return cells


def fit_weights(cells: Sequence[Compared], columns: Sequence[int]) -> Floats:
    """Logistic weights of *columns*; each cell counts alike, mated and non-mated too."""
    rows = np.concatenate([cell.terms for cell in cells])
    same = np.concatenate([cell.reference == cell.probe for cell in cells])
    counts = [
        np.where(own := cell.reference == cell.probe, 1 / own.sum(), 1 / (~own).sum())
        for cell in cells
    ]
    line = LogisticRegression(C=1e6, max_iter=5000, fit_intercept=False)
    line.fit(rows[:, columns], same, sample_weight=1e4 * np.concatenate(counts))
    weights = np.zeros(N_WEIGHTS)
    weights[list(columns)] = line.coef_[0]
    return weights


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
    trials: Trials, calibration: Calibration, point: OperatingPoint, repeats: int = 200
) -> dict[str, tuple[float, float]]:
    """95 % intervals of the rates, people resampled with their comparisons."""
    rng = np.random.default_rng(SEED)
    drawn = [
        list(rates(trials.resampled(rng), calibration, point).values()) for _ in range(repeats)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    names = rates(trials, calibration, point)
    return {name: (float(low[i]), float(high[i])) for i, name in enumerate(names)}


def folded(sets: dict[str, Trials], folds: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """People of *sets*, and which fold each is in."""
    people = np.unique(next(iter(sets.values())).probe)
    return people, np.random.default_rng(SEED).permutation(len(people)) % folds


def unseen_cllr(sets: dict[str, Trials], folds: int = FOLDS) -> float:
    """Mean Cllr on people whose trials did not choose the line."""
    people, fold = folded(sets, folds)
    costs = []
    for i in range(folds):
        line = calibrate([t.among(people[fold != i]) for t in sets.values()])
        costs += [cllr(t.among(people[fold == i]), line) for t in sets.values()]
    return float(np.mean(costs))


def errors_by_keys(sets: dict[str, Trials], line: Calibration) -> tuple[tuple[int, float], ...]:
    """Mean error at LLR 0 by number of keys probed; a set is named "enrolled/probed"."""
    found: dict[int, list[float]] = {}
    for name, trials in sets.items():
        found.setdefault(int(name.split("/")[1]), []).append(
            measured(trials, line)["error_at_llr_0"]
        )
    return tuple((keys, float(np.mean(rates))) for keys, rates in sorted(found.items()))


def cross_validated(sets: dict[str, Trials], folds: int = FOLDS) -> dict[str, object]:
    """Rates on people whose trials chose neither the calibration nor the operating point."""
    people, fold = folded(sets, folds)
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


def cllr(trials: Trials, calibration: Calibration) -> float:
    """Cost of the likelihood ratios in bits; 1 is knowing nothing."""
    mated = calibration.slope * trials.mated + calibration.intercept
    non_mated = calibration.slope * trials.non_mated + calibration.intercept
    cost = np.logaddexp(0, -mated).mean() + np.logaddexp(0, non_mated).mean()
    return float(cost / 2 / np.log(2))


def measured(trials: Trials, line: Calibration) -> dict[str, Any]:
    """What is said of one cell without choosing a threshold on it."""
    mated = line.slope * trials.mated + line.intercept
    non_mated = line.slope * trials.non_mated + line.intercept
    return {
        "n_mated": len(mated),
        "n_non_mated": len(non_mated),
        "people": len(np.unique(trials.probe)),
        "eer": eer(mated, non_mated),
        "fnmr_at_fmr_1e-2": fnmr(mated, threshold_at_fmr(non_mated, 0.01)),
        "error_at_llr_0": (fnmr(mated, 0.0) + fmr(non_mated, 0.0)) / 2,
        "cllr": cllr(trials, line),
    }


def main(folder: Path, output: Path) -> None:
    """Fit, save, and print what was measured."""
    population = CountPlda.load(WEIGHTS / "keystroke-plda.npz")
    embedder = open_embedder(WEIGHTS / "keystroke-network.onnx")
    assert embedder is not None, "the recipe needs onnxruntime"
    writers, villani, kuruvilla, background = (
        sittings(folder / f"{name}.parquet")
        for name in (
            "klicke_dev",
            "villani_free_dev",
            "kuruvilla_social_dev",
            "klicke_background",
        )
    )
    choosing, unseen = ({k: writers[k] for k in sorted(writers)[i::2]} for i in (0, 1))
    network = network_of(embedder, [*background.values(), *choosing.values()])
    none = Calibration(1, 0), OperatingPoint(0, 0), ()
    nothing = Weighing("", np.zeros(N_WEIGHTS), BOUND, *none, network)
    verifier = FreeTextVerifier(population, embedder, nothing)
    chosen, one = (
        compare_people(verifier, half, within, ENROLLED, PROBED) for half in (choosing, unseen)
    )
    other = compare_people(verifier, villani, across, (500, 1000, 2000), (100, 150, 200, 300))
    check = compare_people(verifier, kuruvilla, across, (500, 2000), (100, 200))
    report: dict[str, Any] = {}
    weighings: dict[str, Weighing] = {}
    for name, columns in {"fused": range(N_WEIGHTS), "alone": (0, 1, 2, 3, 7, 8)}.items():
        weights = fit_weights(list(chosen.values()), list(columns))
        by_bound = {
            bound: unseen_cllr(
                {k: c.trials(weights, bound) for k, c in other.items() if not k.startswith("500/")}
            )
            for bound in BOUNDS
        }
        sets = {key: cell.trials(weights, BOUND) for key, cell in other.items()}
        thresholded = {k: t for k, t in sets.items() if not k.startswith("500/")}
        line = calibrate(list(thresholded.values()))
        point = operating_point(line, list(thresholded.values()))
        weighings[name] = replace(
            nothing,
            model_id=MODEL_IDS[name],
            weights=weights,
            other_sittings=line,
            operating_point=point,
            errors=errors_by_keys(thresholded, line),
            network=network if name == "fused" else None,
        )
        same = Calibration(1.0, 0.0)
        sets_of_others = {key: cell.trials(weights, BOUND) for key, cell in check.items()}
        report[name] = {
            "weights": weights.tolist(),
            "cllr_by_bound": by_bound,
            "line": [line.slope, line.intercept],
            "operating_point": [point.accept, point.reject],
            "one_sitting": {k: measured(c.trials(weights, BOUND), same) for k, c in one.items()},
            "choosing": {k: measured(c.trials(weights, BOUND), same) for k, c in chosen.items()},
            "other_sittings": {k: measured(t, line) for k, t in sets.items()},
            "other_people": {k: measured(t, line) for k, t in sets_of_others.items()},
            "at_the_operating_point": {
                key: {**rates(t, line, point), "intervals": intervals(t, line, point)}
                for key, t in {
                    **thresholded,
                    **{f"others {k}": t for k, t in sets_of_others.items()},
                }.items()
            },
            "cross_validated": cross_validated(thresholded),
        }
    save_weighings(output, fused=weighings["fused"], alone=weighings["alone"])
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

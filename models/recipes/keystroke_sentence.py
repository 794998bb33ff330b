"""Measure whether a same-phrase verifier adds to that of free typing; prints JSON, writes nothing.

Usage: ``python -m models.recipes.keystroke_sentence DATA_FOLDER``. Needs pyarrow and onnxruntime.
Both compare the same keys: a sentence (villani_fable_fixed_dev, other days; each sitting in turn is
probed) and a password (cmu_dev, five repetitions enrolled, attempts days later). Weights and
calibration come from other people than those measured.
"""

import csv
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import LogisticRegression

from biometrics.calibration import Calibration
from biometrics.error_rates import eer
from keystroke.free_text import Trials
from keystroke.presses import Floats, Presses
from keystroke.template import Sums
from keystroke.verifiers.count_plda import CountPlda
from keystroke.verifiers.free_text import FreeTextVerifier, load_weighing
from keystroke.verifiers.network import open_embedder
from keystroke.verifiers.phrase import (
    AgainstOthers,
    Background,
    PhraseVerifier,
    RobustLikelihoodRatio,
    phrase_features,
)
from keystroke.zones import Zone, zone_of
from models.recipes.keystroke_free_text import WEIGHTS, cllr
from models.recipes.keystroke_plda import read_presses

SEED: Final = 20260101
FOLDS: Final = 5
REPEATS: Final = 500
# impostors are never among the people the phrase is told from
GROUPS: Final = 5
PASSWORD: Final = "Period KeyT KeyI KeyE Digit5 KeyR KeyO KeyA KeyN KeyL Enter"
ENROLLED: Final = slice(195, 200)
LATER: Final = slice(380, 400)

# reference, probe, score of free typing, score of the phrase
Row = tuple[int, int, float, float]


def sentence(people: Sequence[Sequence[Presses]], n_keys: int) -> NDArray[np.int64]:
    """The zones most sittings have in order, the first *n_keys* of them."""
    typed = Counter(tuple(_typed(p).zones.tolist()) for own in people for p in own)
    ((zones, _),) = typed.most_common(1)
    return np.array(zones[:n_keys], np.int64)


def aligned(presses: Presses, zones: NDArray[np.int64]) -> tuple[Floats, int]:
    """Features of the sentence's keys in a sitting with mistakes, NaN where a key was not typed as
    in the sentence; and how many presses it took."""
    typed, n = _typed(presses), len(zones)
    at = np.full(n, -1)
    matcher = SequenceMatcher(None, zones.tolist(), typed.zones.tolist(), autojunk=False)
    for start, place, length in matcher.get_matching_blocks():
        at[start : start + length] = np.arange(place, place + length)
    holds = np.where(at < 0, np.nan, typed.hold_ms[at])
    follows = (at[1:] > 0) & (at[1:] == at[:-1] + 1)
    intervals = np.where(follows, typed.dt_ms[at[1:]], np.nan)
    flights = intervals - np.where(follows, typed.hold_ms[at[:-1]], np.nan)
    return phrase_features(holds, intervals, flights), int(at.max()) + 1


def phrase_scores(own: Floats, others: Floats, probes: Floats) -> Floats:
    """``PhraseVerifier`` over features with gaps, which count neither for nor against."""
    middle = np.nanmedian(others.reshape(-1, others.shape[-1]), axis=0)
    filled_own, filled_others, filled = (
        np.where(np.isnan(part), middle, part) for part in (own, others, probes)
    )
    background = Background(filled_others)
    ratio = RobustLikelihoodRatio(background).fit(filled_own)
    of_own = stats.t.logpdf(probes, ratio.freedom, ratio.centre_, ratio.spread_)
    of_all = stats.t.logpdf(probes, ratio.freedom, ratio.all_centre_, ratio.all_spread_)
    told = np.nansum(np.clip(of_own - of_all, -ratio.cap, ratio.cap), axis=1)
    border, odds = (
        AgainstOthers(background, trees=trees).fit(filled_own).score_samples(filled)
        for trees in (0, 100)
    )
    return np.asarray(0.1 * np.clip(told, -40, 40) + border + 0.5 * odds, np.float64)


def sentence_rows(
    verifier: FreeTextVerifier, people: Sequence[Sequence[Presses]], n_keys: int, enrolled: int
) -> Iterator[Row]:
    """Each sitting probed in turn, against the newest *enrolled* of the others."""
    zones = sentence(people, n_keys)
    groups = np.random.default_rng(SEED).permutation(len(people)) % GROUPS
    found = [[aligned(each, zones) for each in own] for own in people]
    features = np.array([[each for each, _ in own] for own in found])
    sums = [
        [verifier.sums(_typed(p).part(0, stop)) for p, (_, stop) in zip(own, ends, strict=True)]
        for own, ends in zip(people, found, strict=True)
    ]
    everyone = np.arange(len(people))
    for sitting in range(features.shape[1]):
        kept = [i for i in range(features.shape[1]) if i != sitting][-enrolled:]
        for person in everyone:
            reference = [sums[person][i] for i in kept]
            for group in range(GROUPS):
                impostors = (groups == group) & (everyone != person)
                probed = [person, *everyone[impostors].tolist()]
                others = features[~impostors & (everyone != person)]
                scores = phrase_scores(features[person, kept], others, features[probed, sitting])
                for other, score in zip(probed, scores.tolist(), strict=True):
                    free = _free(verifier, reference, sums[other][sitting])
                    yield int(person), other, free, score


def password_rows(verifier: FreeTextVerifier, path: Path) -> Iterator[Row]:
    """Five repetitions enrolled of each, twenty attempts days later."""
    holds, intervals, flights = _repetitions(path)
    features = phrase_features(holds, intervals, flights)
    zones = np.array([zone_of(code) for code in PASSWORD.split()], np.int64)

    def sums(person: int, repetition: int) -> Sums:
        dt_ms = np.concatenate([[0.0], intervals[person, repetition]])
        return verifier.sums(Presses.of_keyboard(dt_ms, zones, holds[person, repetition], 1.0))

    everyone = np.arange(len(features))
    attempts = range(features.shape[1])[LATER]
    probes = [[sums(int(person), n) for n in attempts] for person in everyone]
    groups = np.random.default_rng(SEED).permutation(len(everyone)) % GROUPS
    for person in everyone:
        enrolled = [sums(int(person), n) for n in range(features.shape[1])[ENROLLED]]
        reference = [sum(enrolled, start=Sums.empty())]
        for group in range(GROUPS):
            impostors = (groups == group) & (everyone != person)
            others = features[~impostors & (everyone != person), ENROLLED]
            phrase = PhraseVerifier(Background(others)).fit(features[person, ENROLLED])
            for other in (person, *everyone[impostors]):
                scores = phrase.score_samples(features[other, LATER]).tolist()
                for n, score in enumerate(scores):
                    free = _free(verifier, reference, probes[other][n])
                    yield int(person), int(other), free, score


def measured(rows: Sequence[Row]) -> dict[str, Any]:
    """Free typing alone, the phrase alone, and both, on people who chose neither weights nor line.

    ``gained``: 95 % intervals of what both are better by than free typing, people resampled.
    """
    told = np.array(rows)
    reference, probe = told[:, 0].astype(np.int64), told[:, 1].astype(np.int64)
    parts = {"free": [2], "phrase": [3], "both": [2, 3]}
    trials = {
        name: Trials(_weighed(told[:, columns], reference, probe), reference, probe)
        for name, columns in parts.items()
    }
    return {
        "n_mated": len(trials["both"].mated),
        "n_non_mated": len(trials["both"].non_mated),
        **{name: _rates(each) for name, each in trials.items()},
        "gained": _gained(trials["free"], trials["both"]),
    }


def _weighed(
    scores: Floats, reference: NDArray[np.int64], probe: NDArray[np.int64]
) -> NDArray[np.float64]:
    fold = np.random.default_rng(SEED).permutation(int(reference.max()) + 1) % FOLDS
    weighed = np.zeros(len(scores))
    scale = scores.std(axis=0)
    for i in range(FOLDS):
        taught = (fold[reference] != i) & (fold[probe] != i)
        line = LogisticRegression(class_weight="balanced")
        line.fit(scores[taught] / scale, (reference == probe)[taught])
        tested = fold[reference] == i
        weighed[tested] = line.decision_function(scores[tested] / scale)
    return weighed


def _rates(trials: Trials) -> dict[str, float]:
    mated, non_mated = trials.mated, trials.non_mated
    return {
        "eer": eer(mated, non_mated),
        "error_at_llr_0": float((mated < 0).mean() + (non_mated >= 0).mean()) / 2,
        "cllr": cllr(trials, Calibration(1.0, 0.0)),
    }


def _gained(before: Trials, after: Trials) -> dict[str, list[float]]:
    gained = []
    for repeat in range(REPEATS):
        first, second = (
            _rates(each.resampled(np.random.default_rng([SEED, repeat])))
            for each in (before, after)
        )
        gained.append([first[name] - second[name] for name in ("eer", "cllr")])
    bounds = np.quantile(gained, [0.025, 0.975], axis=0).T.tolist()
    return dict(zip(("eer", "cllr"), bounds, strict=True))


def _free(verifier: FreeTextVerifier, reference: Sequence[Sums], probe: Sums) -> float:
    opinion = verifier.opinion(verifier.profile(reference), verifier.profile([probe]))
    assert opinion is not None, "a sentence has a window of the network"
    return verifier.weighing.llr(opinion)


def _typed(presses: Presses) -> Presses:
    """*presses* without those of modifiers, whose time goes to the next."""
    kept = presses.zones < Zone.MODIFIER
    pressed_ms = np.cumsum(presses.dt_ms)[kept]
    dt_ms = np.diff(pressed_ms, prepend=pressed_ms[0])
    return Presses.of_keyboard(
        dt_ms, presses.zones[kept], presses.hold_ms[kept], presses.clock_step_ms
    )


def _repetitions(path: Path) -> tuple[Floats, Floats, Floats]:
    """Holds, intervals and flights of the CMU file in ms, each (people, repetitions, k)."""
    with gzip.open(path, "rt") as file:
        header, *rows = list(csv.reader(file))
    people: dict[str, list[list[float]]] = {}
    for row in rows:
        people.setdefault(row[0], []).append([1000 * float(value) for value in row[3:]])
    timings = np.array(list(people.values()))
    holds, intervals, flights = (
        timings[..., [name.startswith(prefix) for name in header[3:]]]
        for prefix in ("H.", "DD.", "UD.")
    )
    return holds, intervals, flights


def main(folder: Path) -> None:
    """Measure both, and print the results."""
    population = CountPlda.load(WEIGHTS / "keystroke-plda.npz")
    weighings = WEIGHTS / "keystroke-free-text.npz"
    embedder = open_embedder(WEIGHTS / "keystroke-network.onnx")
    fused = FreeTextVerifier(population, embedder, load_weighing(weighings, fused=True))
    # a password is shorter than the network's window
    alone = FreeTextVerifier(population, None, load_weighing(weighings, fused=False))
    fable = read_presses(folder / "villani_fable_fixed_dev.parquet")
    people = [list(sessions.values()) for sessions in fable.values()]
    for n_keys, enrolled in ((100, 3), (55, 3)):
        rows = list(sentence_rows(fused, people, n_keys, enrolled))
        _tell(f"sentence of {n_keys} keys, {enrolled} enrolled", rows)
    _tell("password", list(password_rows(alone, folder / "cmu_dev.csv.gz")))


def _tell(name: str, rows: Sequence[Row]) -> None:
    print(json.dumps({name: measured(rows)}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

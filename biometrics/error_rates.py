"""Errors of a comparison from mated and non-mated scores, with what n allows one to say.

Scores are similarities, shape (n,); a score equal to the threshold is accepted.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """Bounds of a rate, both in [0, 1]."""

    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Det:
    """Detection error trade-off: FMR falls and FNMR rises along the thresholds, shape (n,)."""

    thresholds: Scores
    fmr: Scores
    fnmr: Scores


def fmr(non_mated: Scores, threshold: float) -> float:
    """Share of non-mated comparisons accepted at *threshold*.

    Raises ValueError when empty: an unmeasured rate is not a rate of zero.
    Source: ISO/IEC 19795-1, false match rate.
    """
    _refuse_unmeasured(non_mated)
    return float(np.mean(non_mated >= threshold))


def fnmr(mated: Scores, threshold: float) -> float:
    """Share of mated comparisons rejected at *threshold*.

    Raises ValueError when empty.
    Source: ISO/IEC 19795-1, false non-match rate.
    """
    _refuse_unmeasured(mated)
    return float(np.mean(mated < threshold))


def det(mated: Scores, non_mated: Scores) -> Det:
    """Both rates at every observed score, and above the highest, where nothing is accepted.

    Raises ValueError when either is empty.
    """
    _refuse_unmeasured(mated)
    _refuse_unmeasured(non_mated)
    observed = np.unique(np.concatenate([mated, non_mated]))
    thresholds = np.append(observed, np.inf)
    rejected = np.searchsorted(np.sort(mated), thresholds, side="left")
    below = np.searchsorted(np.sort(non_mated), thresholds, side="left")
    return Det(thresholds, 1.0 - below / non_mated.size, rejected / mated.size)


def eer(mated: Scores, non_mated: Scores) -> float:
    """Equal error rate: the mean of FMR and FNMR where they are nearest.

    Of several such thresholds the lowest is taken. Raises ValueError when either is empty.
    """
    curve = det(mated, non_mated)
    nearest = int(np.argmin(np.abs(curve.fmr - curve.fnmr)))
    return float(curve.fmr[nearest] + curve.fnmr[nearest]) / 2


def threshold_at_fmr(non_mated: Scores, target: float) -> float:
    """The lowest threshold whose FMR does not exceed *target*.

    It lies just above an observed score, so that the score itself is rejected.
    Raises ValueError when empty, or when *target* is below 1/n: n comparisons cannot show it.
    """
    _refuse_unmeasured(non_mated)
    if not 1.0 / non_mated.size <= target <= 1.0:
        raise ValueError("the target rate must lie between 1/n and 1")
    descending = np.sort(non_mated)[::-1]
    allowed = int(np.floor(target * non_mated.size))
    # the product may round below the whole number that the division reaches
    if (allowed + 1) / non_mated.size <= target:
        allowed += 1
    if allowed >= non_mated.size:
        return float(descending[-1])
    return float(np.nextafter(descending[allowed], np.inf))


def interval(errors: int, trials: int, confidence: float = 0.95) -> Interval:
    """Wilson score interval of a rate; with no error at all the rule of three, ``3/n``.

    The rule of three is exact for other confidences too: ``1 - (1 - confidence) ** (1/n)``.
    Comparisons are taken as independent: with few people the true interval is wider.
    Raises ValueError when there are no trials or more errors than trials.
    """
    if not 0 <= errors <= trials or trials == 0:
        raise ValueError("errors must lie between 0 and a positive number of trials")
    if not 0.0 < confidence < 1.0:
        raise ValueError("confidence must lie between 0 and 1")
    if errors == 0:
        return Interval(0.0, 1.0 - (1.0 - confidence) ** (1.0 / trials))
    if errors == trials:
        return Interval((1.0 - confidence) ** (1.0 / trials), 1.0)
    z = NormalDist().inv_cdf((1.0 + confidence) / 2)
    rate, spread = errors / trials, z * z / trials
    centre = (rate + spread / 2) / (1 + spread)
    half = z * float(np.sqrt(rate * (1 - rate) / trials + spread / (4 * trials))) / (1 + spread)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def _refuse_unmeasured(scores: Scores) -> None:
    if scores.size == 0:
        raise ValueError("an unmeasured rate is not a rate of zero")
    if np.isnan(scores).any():
        raise ValueError("a score that is not a number was not compared")

"""Comparison scores among the people of one institution, raw and beside the others there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from biometrics.calibration import OperatingPoint
from biometrics.comparison import ComparisonScore, FaceComparison, Measure, paired_scores
from biometrics.error_rates import threshold_at_fmr
from biometrics.ids import ModelId
from biometrics.types import Template, mean_template

_Floats = NDArray[np.float64]

#: fewer people say too little of what is alike among them: with 60 the worst group's FMR fell
#: from 1.1 to 0.5 %, with a foreign cohort it rose to 6.2 %
SMALLEST_COHORT: Final = 60
#: more would have to be opened for every sitting, and move the nearest ones little
LARGEST_COHORT: Final = 100
_NEAREST: Final = 20


@dataclass(frozen=True, eq=False)
class OwnScores:
    """``mated``: each sample with the mean of the same person's others. ``non_mated``: the means of
    every two people. Shapes (n,) and (m,).
    """

    mated: _Floats
    non_mated: _Floats


def own_scores(
    measure: Measure, people: Sequence[Sequence[Template]]
) -> tuple[OwnScores, OwnScores | None]:
    """The scores, and the same as ``CentredComparison`` gives them: None below 60 people.

    ``people``: samples of each person, all under one rotation; the first of them are the cohort.
    """
    means = np.array([mean_template(each).vector for each in people], np.float64)
    trials = [
        (person, *_left_out(samples, at))
        for person, samples in enumerate(people)
        if len(samples) > 1
        for at in range(len(samples))
    ]
    probes = np.array([probe for _, probe, _ in trials]).reshape(-1, means.shape[1])
    others = np.array([rest for _, _, rest in trials]).reshape(-1, means.shape[1])
    pairs = np.concatenate([np.empty(0), *pair_scores(measure, means)])
    raw = OwnScores(paired_scores(measure, probes, others), pairs)
    if len(means) < SMALLEST_COHORT:
        return raw, None
    whose = np.array([person for person, _, _ in trials], np.int64)
    nearest = _Nearest.of(measure, means)
    beside = _near(measure, probes, means[:LARGEST_COHORT], whose) + nearest.near[whose]
    pairs = np.concatenate(list(pair_scores(measure, means, centred=True)))
    return raw, OwnScores(raw.mated - beside / 2 + nearest.usual, pairs)


def own_threshold(
    non_mated: _Floats, point: OperatingPoint, strictest: OperatingPoint
) -> tuple[float, float] | None:
    """What these people's pairs demand for no more of them to pass than *point* was chosen for, and
    what of it can be used: never below *point*'s threshold, and no more than that where they demand
    more than *strictest*'s, since pairs so alike are of one person.

    ``non_mated``: shape (n,). None when n is too small to show a share so low.
    """
    if non_mated.size * point.fmr < 1.0:
        return None
    demanded = threshold_at_fmr(non_mated, point.fmr)
    used = demanded if demanded <= strictest.threshold else point.threshold
    return demanded, max(used, point.threshold)


def pair_scores(measure: Measure, means: _Floats, *, centred: bool = False) -> Iterator[_Floats]:
    """Of each person in turn the scores with everybody after them, so that few are held at once.

    ``means``: one of each, shape (n, 128), under one rotation. ``centred``: as
    ``CentredComparison`` gives them, neither of the two counted among the others; from 60 people.
    """
    nearest = _Nearest.of(measure, means) if centred else None
    for one in range(len(means) - 1):
        after = means[one + 1 :]
        row = paired_scores(measure, np.broadcast_to(means[one], after.shape), after)
        yield row if nearest is None else row - nearest.of_both(one) + nearest.usual


@dataclass(frozen=True, eq=False)
class CentredComparison:
    """A comparison whose scores are beside those with other people of the same institution.

    From a score is taken how much nearer than usual the nearest others of both sides are, so that
    it stays on the scale of the model's card. ``others``: the mean of each, shape (n, 128), at
    least 59, who are 60 with the person, under the rotation of what is compared. ``model_id``: of
    the scores.
    """

    comparison: FaceComparison
    model_id: ModelId
    others: _Floats

    def __post_init__(self) -> None:
        if len(self.others) < SMALLEST_COHORT - 1:
            raise ValueError(
                f"a cohort has {SMALLEST_COHORT} people at least, one's own among them"
            )

    def compare(self, reference: Template, probe: Template) -> ComparisonScore:
        """Raises ValueError when a template was made by another model."""
        raw = self.comparison.compare(reference, probe).score
        near = [self._near(each.vector.astype(np.float64)) for each in (reference, probe)]
        score = raw - sum(near) / 2 + self.usual
        return ComparisonScore(self.model_id, score, self.comparison.calibration.llr(score))

    def accepts(self, score: ComparisonScore, point: str) -> bool:
        return self.comparison.accepts(score, point)

    def margin(self, score: ComparisonScore, point: str) -> float:
        return self.comparison.margin(score, point)

    @cached_property
    def usual(self) -> float:
        """How near the nearest others of these people are, on average."""
        near = [self._near(each, own=1) for each in self.others]
        return float(np.mean(near))

    def _near(self, vector: _Floats, own: int = 0) -> float:
        """``own``: how many of the nearest are the person's own template."""
        repeated = np.broadcast_to(vector, self.others.shape)
        ordered = np.sort(paired_scores(self.comparison.measure, repeated, self.others))
        return float(ordered[len(ordered) - own - _NEAREST : len(ordered) - own].mean())


def _left_out(samples: Sequence[Template], at: int) -> tuple[_Floats, _Floats]:
    rest = [each for number, each in enumerate(samples) if number != at]
    probe, mean = samples[at].vector, mean_template(rest).vector
    return probe.astype(np.float64), mean.astype(np.float64)


def _near(measure: Measure, probes: _Floats, means: _Floats, whose: NDArray[np.int64]) -> _Floats:
    """Mean score of each probe with its nearest people, its own left out."""
    near = np.empty(len(probes))
    for number, probe in enumerate(probes):
        scores = paired_scores(measure, np.tile(probe, (len(means), 1)), means)
        if whose[number] < len(means):
            scores[whose[number]] = -np.inf
        near[number] = np.sort(scores)[-_NEAREST:].mean()
    return near


@dataclass(frozen=True, eq=False)
class _Nearest:
    """``within``: scores of everybody with the cohort, which are the first people, shape (n, m), a
    person's own -inf. ``near``: mean with the nearest, shape (n,). ``last``: the score with the
    last of these, ``following``: with the next one after.
    """

    within: _Floats
    near: _Floats
    last: _Floats
    following: _Floats

    @classmethod
    def of(cls, measure: Measure, means: _Floats) -> Self:
        cohort = means[:LARGEST_COHORT]
        within = np.array(
            [paired_scores(measure, np.broadcast_to(one, means.shape), means) for one in cohort]
        ).T
        within[range(len(cohort)), range(len(cohort))] = -np.inf
        ordered = np.sort(within, axis=1)[:, -_NEAREST - 1 :]
        return cls(within, ordered[:, 1:].mean(axis=1), ordered[:, 1], ordered[:, 0])

    @property
    def usual(self) -> float:
        return float(self.near[:LARGEST_COHORT].mean())

    def of_both(self, one: int) -> _Floats:
        """Mean of both sides' nearest, of *one* and of everybody after, neither of them counted."""
        after = slice(one + 1, None)
        mine = np.full(len(self.near) - one - 1, self.near[one])
        theirs = self.near[after]
        # where the other one is among the nearest, the next takes its place
        mates = self.within[one, after]
        mine[: len(mates)] += self._instead(mates, self.last[one], self.following[one])
        if one < self.within.shape[1]:
            me = self.within[after, one]
            theirs = theirs + self._instead(me, self.last[after], self.following[after])
        both: _Floats = (mine + theirs) / 2
        return both

    @staticmethod
    def _instead(score: _Floats, last: _Floats, following: _Floats) -> _Floats:
        return np.where(score >= last, following - score, 0.0) / _NEAREST

"""Killourhy and Maxion's protocol for one phrase typed by many, and what it says of a verifier.

Their table: "Comparing Anomaly-Detection Algorithms for Keystroke Dynamics", DSN 2009, 51 subjects,
mean over subjects of the equal error rate.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from biometrics.error_rates import eer
from keystroke.presses import Floats
from keystroke.verifiers.detectors import (
    Euclidean,
    Mahalanobis,
    Manhattan,
    OneClass,
    OutlierCount,
    ScaledManhattan,
)
from keystroke.verifiers.phrase import (
    AgainstOthers,
    Background,
    LogMedian,
    PhraseVerifier,
    RobustLikelihoodRatio,
    less_alike,
    phrase_features,
)

SEED: Final = 20260101
ENROLMENT_REPETITIONS: Final = 200
IMPOSTOR_REPETITIONS: Final = 5
# the background never contains the impostors under test: they are tested in this many groups
IMPOSTOR_GROUPS: Final = 5
BACKGROUND_REPETITIONS: Final = 30
# what an enrolment takes of a sentence
ENROLLED_SENTENCES: Final = 5
LATER_ATTEMPTS: Final = 20
# each of them in turn is not among those an attempt stands beside
ABSENT_GROUPS: Final = 3

PUBLISHED: Final[Mapping[str, float]] = MappingProxyType(
    {
        "manhattan_scaled": 0.0962,
        "mahalanobis_nearest": 0.0996,
        "outlier_count": 0.1022,
        "one_class_svm": 0.1025,
        "mahalanobis": 0.1101,
        "manhattan_filtered": 0.1360,
        "manhattan": 0.1529,
        "euclidean": 0.1706,
        "euclidean_normed": 0.2153,
    }
)


class Fitted(Protocol):
    """Whatever learns one person's repetitions and scores others, higher = more alike."""

    def fit(self, X: Floats, y: None = None) -> Self: ...

    def score_samples(self, X: Floats) -> Floats: ...


_DETECTORS: Final[Mapping[str, Callable[[], Fitted]]] = MappingProxyType(
    {
        "manhattan_scaled": ScaledManhattan,
        "mahalanobis_nearest": lambda: Mahalanobis(nearest=True),
        "outlier_count": OutlierCount,
        "one_class_svm": OneClass,
        "mahalanobis": Mahalanobis,
        "manhattan_filtered": lambda: Manhattan(filtered=True),
        "manhattan": Manhattan,
        "euclidean": Euclidean,
        "euclidean_normed": lambda: Euclidean(normed=True),
    }
)


@dataclass(frozen=True)
class Repetitions:
    """One phrase typed by several people, in order; each array (people, repetitions, timings).

    ``timings_ms`` holds the columns as the file has them, the others are parts of it.
    """

    timings_ms: Floats
    holds_ms: Floats
    intervals_ms: Floats
    flights_ms: Floats

    @property
    def n_people(self) -> int:
        return len(self.timings_ms)

    @property
    def n_later(self) -> int:
        """A person's repetitions after those that may be enrolled."""
        return int(self.timings_ms.shape[1]) - ENROLMENT_REPETITIONS


@dataclass(frozen=True)
class PersonScores:
    """Scores of one person's own later repetitions and of other people's first ones."""

    mated: Floats
    non_mated: Floats

    @property
    def eer(self) -> float:
        return eer(self.mated, self.non_mated)


def detector_scores(repetitions: Repetitions, enrol: int) -> dict[str, list[PersonScores]]:
    """Scores of the literature's detectors, and of one on logarithms, by name."""
    logs = _features(repetitions)
    scores = {
        name: [
            _of_person(blank(), repetitions.timings_ms, person, enrol)
            for person in range(repetitions.n_people)
        ]
        for name, blank in _DETECTORS.items()
    }
    people = range(repetitions.n_people)
    scores["log_median"] = [_of_person(LogMedian(), logs, person, enrol) for person in people]
    return scores


def phrase_scores(
    repetitions: Repetitions, enrol: int, people: Iterable[int] | None = None
) -> dict[str, list[PersonScores]]:
    """Scores of the verifiers that know other people's typing of the phrase, by name.

    ``people``: whose, by number; it takes seconds a person. All by default.
    """
    features = _features(repetitions)
    groups = np.random.default_rng(SEED).permutation(repetitions.n_people) % IMPOSTOR_GROUPS
    scores: dict[str, list[PersonScores]] = {}
    for person in range(repetitions.n_people) if people is None else people:
        rounds = list(_rounds(features, groups, person, enrol))
        for name in rounds[0]:
            parts = [found[name] for found in rounds]
            # own repetitions are compared once with each background
            scores.setdefault(name, []).append(
                PersonScores(
                    np.concatenate([p.mated for p in parts]),
                    np.concatenate([p.non_mated for p in parts]),
                )
            )
    return scores


def standings(repetitions: Repetitions, people: Iterable[int] | None = None) -> PersonScores:
    """How attempts stand beside other people's when five repetitions are enrolled, as in an exam.

    Enrolled, and beside: the newest five that may be. Mated: the last twenty attempts of all,
    once with each background. Non-mated: the same of people who are not beside, and who
    have had the same practice. ``people``: whose, as in ``phrase_scores``.
    """
    features = _features(repetitions)
    everyone = np.arange(len(features))
    newest = slice(ENROLMENT_REPETITIONS - ENROLLED_SENTENCES, ENROLMENT_REPETITIONS)
    later = features[:, ENROLMENT_REPETITIONS:][:, -LATER_ATTEMPTS:]
    groups = np.random.default_rng(SEED).permutation(len(everyone)) % ABSENT_GROUPS
    mated, non_mated = [], []
    for person in everyone if people is None else people:
        others = everyone != person
        for group in range(ABSENT_GROUPS):
            probes = np.concatenate([later[person], *later[others & (groups == group)]])
            beside = features[others & (groups != group), newest]
            found = less_alike(features[person, newest], beside, probes)
            mated.append(found[: later.shape[1]])
            non_mated.append(found[later.shape[1] :])
    return PersonScores(np.concatenate(mated), np.concatenate(non_mated))


def mean_eer_interval(people: Sequence[PersonScores], repeats: int = 2000) -> tuple[float, float]:
    """95 % interval of the mean equal error rate, people resampled."""
    rates = np.array([person.eer for person in people])
    drawn = np.random.default_rng(SEED).choice(rates, (repeats, len(rates))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _rounds(
    features: Floats, groups: NDArray[np.int64], person: int, enrol: int
) -> Iterator[dict[str, PersonScores]]:
    others = np.arange(len(features)) != person
    own = features[person]
    for group in range(IMPOSTOR_GROUPS):
        tested = features[others & (groups == group), :IMPOSTOR_REPETITIONS]
        # the person may be alone in the group
        if not len(tested):
            continue
        background = _background(features[others & (groups != group)])
        fitted: dict[str, Fitted] = {
            "default": PhraseVerifier(background),
            "robust_likelihood_ratio": RobustLikelihoodRatio(background),
            "svm_against_others": AgainstOthers(background),
        }
        enrolled = own[ENROLMENT_REPETITIONS - enrol : ENROLMENT_REPETITIONS]
        yield {
            name: _compared(verifier.fit(enrolled), own, tested)
            for name, verifier in fitted.items()
        }


def _of_person(blank: Fitted, timings: Floats, person: int, enrol: int) -> PersonScores:
    others = np.arange(len(timings)) != person
    enrolled = timings[person, ENROLMENT_REPETITIONS - enrol : ENROLMENT_REPETITIONS]
    tested = timings[others, :IMPOSTOR_REPETITIONS]
    return _compared(blank.fit(enrolled), timings[person], tested)


def _compared(fitted: Fitted, own: Floats, tested: Floats) -> PersonScores:
    return PersonScores(
        fitted.score_samples(own[ENROLMENT_REPETITIONS:]),
        fitted.score_samples(tested.reshape(-1, tested.shape[-1])),
    )


def _background(people: Floats) -> Background:
    """First attempts, which impostors' resemble, and others spread over the practice."""
    n = people.shape[1]
    spread = np.linspace(IMPOSTOR_REPETITIONS, n - 1, BACKGROUND_REPETITIONS).astype(np.int64)
    chosen = np.unique(np.concatenate([np.arange(IMPOSTOR_REPETITIONS), spread]))
    return Background(people[:, chosen])


def _features(repetitions: Repetitions) -> Floats:
    return phrase_features(repetitions.holds_ms, repetitions.intervals_ms, repetitions.flights_ms)

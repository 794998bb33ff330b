"""Comparisons of free typing: whose it is against whose profile, by number of keys."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keystroke.presses import Floats, Presses
from keystroke.verifiers.profile import Profile

# one sitting: the keys before this one enrol, those after the next are probed
LAST_ENROLLED: Final = 2000
FIRST_PROBED: Final = 2100
MAX_WINDOWS: Final = 4
# across sittings a person may fall short of the wanted keys by a tenth
SUFFICIENT: Final = 0.9

Sessions = Sequence[Presses]
#: what is enrolled and what is probed of a person's sittings, by the wanted numbers of keys
Protocol = Callable[[Sessions, int, int], tuple[Sessions, Sessions]]


@dataclass(frozen=True)
class Cell:
    """Profiles of people by number, and probes with the number of who typed them."""

    profiles: dict[int, Profile]
    probes: list[tuple[int, Profile]]


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

    def resampled(self, rng: np.random.Generator) -> "Trials":
        """The trials with people drawn again, each with all comparisons among the drawn."""
        people = np.unique(np.concatenate([self.probe, self.reference]))
        times = np.bincount(rng.choice(people, len(people)), minlength=int(people.max()) + 1)
        mated = self.reference == self.probe
        weight = np.where(mated, times[self.probe], times[self.reference] * times[self.probe])
        return Trials(
            np.repeat(self.scores, weight),
            np.repeat(self.reference, weight),
            np.repeat(self.probe, weight),
        )

    def among(self, people: NDArray[np.int64]) -> "Trials":
        """The trials in which both sides are of *people*."""
        kept = np.isin(self.reference, people) & np.isin(self.probe, people)
        return Trials(self.scores[kept], self.reference[kept], self.probe[kept])


def within(sessions: Sessions, enrol_keys: int, probe_keys: int) -> tuple[Sessions, Sessions]:
    """What is enrolled and what is probed of one person's longest sitting; empty when too short."""
    sitting = max(sessions, key=len)
    starts = range(FIRST_PROBED, len(sitting) - probe_keys + 1, probe_keys)
    probes = [sitting.part(start, start + probe_keys) for start in starts[:MAX_WINDOWS]]
    return ([sitting.part(LAST_ENROLLED - enrol_keys, LAST_ENROLLED)] if probes else []), probes


def across(sessions: Sessions, enrol_keys: int, probe_keys: int) -> tuple[Sessions, Sessions]:
    """The first sittings up to *enrol_keys*, and windows of the last two; empty when too short."""
    enrolled: list[Presses] = []
    n_keys = 0
    for sitting in sessions[:-2]:
        if n_keys < enrol_keys:
            enrolled.append(sitting.part(0, enrol_keys - n_keys))
            n_keys += len(enrolled[-1])
    if n_keys < SUFFICIENT * enrol_keys:
        return [], []
    probes = [
        sitting.part(start, start + probe_keys)
        for sitting in sessions[-2:]
        for start in range(0, len(sitting) - probe_keys + 1, probe_keys)
    ]
    return enrolled, probes


def trial_rows(
    cell: Cell, compared: Callable[[Profile, Profile], Floats], others: int, seed: int
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Each probe against its own profile and *others* drawn from the rest.

    What *compared* gives of each comparison, shape (n, k); numbers of reference and probe, (n,).
    """
    rng = np.random.default_rng(seed)
    people = np.array(sorted(cell.profiles))
    rows: list[Floats] = []
    names: list[tuple[int, int]] = []
    for person, probe in cell.probes:
        rest = people[people != person]
        drawn = rng.choice(rest, min(others, len(rest)), replace=False).tolist()
        for reference in (person, *drawn):
            rows.append(compared(cell.profiles[reference], probe))
            names.append((reference, person))
    numbers = np.array(names, np.int64).reshape(-1, 2)
    return np.array(rows), numbers[:, 0], numbers[:, 1]


def split(
    people: Mapping[int, Sessions],
    protocol: Protocol,
    enrol_keys: int,
    probe_keys: int,
) -> Iterator[tuple[int, Sessions, Sessions]]:
    """Number, enrolled and probed of everyone who typed enough."""
    for person, sessions in people.items():
        enrolled, probes = protocol(sessions, enrol_keys, probe_keys)
        if enrolled and probes:
            yield person, enrolled, probes

"""Sums of timings per zone and per pair of zones: all that is stored of a person's typing.

Sums add up, and do not tell the order of the keys. They are integers (thousandths of the natural
logarithm of milliseconds), so that adding in any order gives the same bytes.
"""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from keystroke.events import KeyBatch
from keystroke.presses import Presses, previous
from keystroke.zones import N_ZONES, Zone

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# thousandths of a nat: finer than any browser clock at these durations
LOG_SCALE: Final = 1000.0
# beyond these a duration tells nothing of the person, and one of it would outweigh many others
HOLD_BOUNDS_MS: Final = (35.0, 250.0)
INTERVAL_BOUNDS_MS: Final = (40.0, 500.0)
N_EMBEDDING: Final = 64
EMBEDDING_SCALE: Final = 10_000.0
_VERSION: Final = 2


class TemplateError(ValueError):
    """The bytes are not sums of timings."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Counts, sums and sums of squares of one session, or of several added up.

    ``presses``: (zones,), presses per zone, with or without a valid timing.
    ``holds``: (zones, 3), count, sum and sum of squares of log hold.
    ``pairs``: (zones * zones, 3), the same of log press-to-press time; the row is the previous
    zone times the number of zones, plus the zone.
    ``flights``: (2, 2), count and sum in microseconds from release to the next press, negative
    where keys overlap; row 0 within words, row 1 next to Space or Enter.
    ``pace``: (2,), count and sum in microseconds of the intervals of a key combination.
    ``n_pauses``: intervals too long to be one.
    ``embedding``: (65,), number of windows that a network embedded, and the sum of their unit
    vectors in ten-thousandths; zeros where no network is in use.
    """

    clock_step_ms: float | None
    presses: Ints
    holds: Ints
    pairs: Ints
    flights: Ints
    pace: Ints
    n_pauses: int
    embedding: Ints

    @classmethod
    def empty(cls) -> Self:
        """Sums of nothing, which take no memory and cannot be written to."""
        n = N_ZONES
        shapes = ((n,), (n, 3), (n * n, 3), (2, 2), (2,), (1 + N_EMBEDDING,))
        presses, holds, pairs, flights, pace, embedding = (
            np.broadcast_to(np.int64(0), s) for s in shapes
        )
        return cls(None, presses, holds, pairs, flights, pace, 0, embedding)

    @classmethod
    def from_batch(cls, batch: KeyBatch) -> Self:
        """Sums of one batch; presses a program or an input method made are left out."""
        return cls.from_presses(Presses.from_batch(batch))

    @classmethod
    def from_batches(cls, batches: Iterable[KeyBatch]) -> Self:
        """Sums of the batches of one session."""
        return sum((cls.from_batch(b) for b in batches), start=cls.empty())

    @classmethod
    def from_presses(cls, presses: Presses) -> Self:
        """Sums of presses in order."""
        found = presses.timings()
        zones, dt_ms, hold_ms = presses.zones, presses.dt_ms, presses.hold_ms
        before = previous(zones)
        flown = found.flown
        flight_us = np.round((dt_ms - previous(hold_ms))[flown] * 1000).astype(np.int64)
        edge = (_is_edge(zones) | _is_edge(before))[flown].astype(np.int64)
        interval_us = np.round(dt_ms[found.combined] * 1000).astype(np.int64)
        return cls(
            presses.clock_step_ms,
            np.bincount(zones[found.typed], minlength=N_ZONES).astype(np.int64),
            _moments(zones[found.held], np.clip(hold_ms[found.held], *HOLD_BOUNDS_MS), N_ZONES),
            _moments(
                (before * N_ZONES + zones)[found.combined],
                np.clip(dt_ms[found.combined], *INTERVAL_BOUNDS_MS),
                N_ZONES * N_ZONES,
            ),
            np.array([[np.sum(edge == i), np.sum(flight_us[edge == i])] for i in (0, 1)], np.int64),
            np.array([len(interval_us), interval_us.sum()], np.int64),
            int(found.paused.sum()),
            np.zeros(1 + N_EMBEDDING, np.int64),
        )

    def embedded(self, windows: Floats) -> Self:
        """These sums with the unit vectors of their windows, shape (n, 64)."""
        vectors = np.round(windows * EMBEDDING_SCALE).astype(np.int64)
        return replace(self, embedding=np.concatenate([[len(windows)], vectors.sum(axis=0)]))

    def __add__(self, other: Self) -> Self:
        steps = [s for s in (self.clock_step_ms, other.clock_step_ms) if s is not None]
        return type(self)(
            min(steps, default=None),
            self.presses + other.presses,
            self.holds + other.holds,
            self.pairs + other.pairs,
            self.flights + other.flights,
            self.pace + other.pace,
            self.n_pauses + other.n_pauses,
            self.embedding + other.embedding,
        )

    def ordered_as(self, earlier: Self) -> Self:
        """These sums, which tell no more than *earlier* ones do of which zone followed which."""
        return replace(self, pairs=earlier.pairs, embedding=earlier.embedding)

    @property
    def n_keys(self) -> int:
        """Presses that edit text."""
        return int(self.presses.sum())

    @property
    def n_pairs(self) -> int:
        """Key combinations with a valid timing."""
        return int(self.pace[0])

    def to_bytes(self) -> bytes:
        """The sums as deflated JSON, rows of zeros left out; equal sums give equal bytes."""
        members: dict[str, Any] = {"v": _VERSION}
        for field in fields(self):
            value = getattr(self, field.name)
            members[field.name] = _rows(value) if isinstance(value, np.ndarray) else value
        # written with every batch of an exam: level 9 is five times dearer for a twentieth of it
        return zlib.compress(json.dumps(members, separators=(",", ":")).encode(), 3)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The sums that ``to_bytes`` wrote. Raises TemplateError."""
        try:
            # version 1 was not deflated
            members = json.loads(data if data.startswith(b"{") else zlib.decompress(data))
            version = members.pop("v")
            if version == 1:
                # before networks: no window was embedded
                members["embedding"] = []
            elif version != _VERSION:
                raise TemplateError("sums of another version")
            blank = cls.empty()
            for name in ("presses", "holds", "pairs", "flights", "pace", "embedding"):
                array = getattr(blank, name).copy()
                for index, row in members.pop(name):
                    array[index] = row
                members[name] = array
            return cls(**members)
        except (
            ValueError,
            TypeError,
            LookupError,
            AttributeError,
            OverflowError,
            zlib.error,
        ) as error:
            raise TemplateError("not sums of timings") from error


def _is_edge(zones: Ints) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (zones == Zone.SPACE) | (zones == Zone.ENTER)
    return found


def _moments(index: Ints, ms: Floats, n: int) -> Ints:
    """Count, sum and sum of squares per index of the scaled log durations, shape (n, 3)."""
    logs = np.round(np.log(ms) * LOG_SCALE).astype(np.int64)
    # exact: whole numbers far below 2**53
    columns = [np.bincount(index, weights, n) for weights in (None, logs, logs * logs)]
    return np.stack(columns, axis=1).astype(np.int64)


def _rows(array: Ints) -> list[list[Any]]:
    present = np.flatnonzero(array.reshape(len(array), -1).any(axis=1))
    return [[i, row] for i, row in zip(present.tolist(), array[present].tolist(), strict=True)]

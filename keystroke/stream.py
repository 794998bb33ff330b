"""Typing as it comes: overlapping windows, each compared while the order of its keys is in memory.

Presses enter; windows with likelihood ratios, or the reason there is none, leave. Each half of a
window is added up once, and nothing of the order outlives that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import numpy as np

from biometrics.calibration import SequentialTest
from keystroke.gate import Reason, unfit
from keystroke.presses import Presses, joined
from keystroke.template import Sums
from keystroke.verifiers.free_text import FreeTextVerifier, OperatingPoint, Result
from keystroke.verifiers.profile import Profile

WINDOW_KEYS: Final = 100
STEP_KEYS: Final = 50
# of fewer keys the windows say nothing together
MIN_KEYS: Final = 200
# share of a window's evidence that its neighbours repeat: errors of one sitting go together
CORRELATION: Final = 0.5
# keys of the sitting's own start that a hand-over is told from
START_KEYS: Final = 400


class State(StrEnum):
    """What a sitting's typing says of who types, all windows together."""

    CONSISTENT = "consistent"
    INCONCLUSIVE = "inconclusive"
    INCONSISTENT = "inconsistent"
    INSUFFICIENT_DATA = "insufficient_data"


@dataclass(frozen=True, slots=True)
class Window:
    """One window. ``llr``: against the reference, None without one; ``reason``: why not compared.

    ``first_key`` counts the sitting's presses from 0. ``start_llr``: against the sitting's own
    start, None while that is being typed.
    """

    first_key: int
    n_keys: int
    llr: float | None
    start_llr: float | None
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Standing:
    """All windows together: a likelihood ratio, its 95 % interval, and the keys it rests on."""

    state: State
    llr: float | None
    interval: tuple[float, float] | None
    n_keys: int
    coverage: float


@dataclass(frozen=True, eq=False)
class TypingStream:
    """The windows of one sitting so far; never changed, ``after`` gives the next.

    ``reference``: None when the person has none, or none that may be used. ``waiting``: presses
    of the next half window and the one before, the only ones whose order is known. ``half``: sums
    of the half window before; ``folded``: of all of them. ``start``: of the sitting's own start,
    until ``start_profile`` is made of it.
    """

    verifier: FreeTextVerifier
    reference: Profile | None
    windows: tuple[Window, ...] = ()
    waiting: Presses | None = None
    half: Sums | None = None
    folded: Sums = field(default_factory=Sums.empty)
    n_seen: int = 0
    start: Sums = field(default_factory=Sums.empty)
    start_profile: Profile | None = None
    hand_over: SequentialTest = field(default_factory=lambda: SequentialTest(clip=4.0, alarm=10.0))

    @property
    def is_handed_over(self) -> bool:
        """Whether somebody else types than at the sitting's start."""
        return self.hand_over.is_alarmed

    def starting_with(self, sums: Sums) -> "TypingStream":
        """The stream of a sitting that began with *sums*, whose order is forgotten."""
        if sums.n_keys < START_KEYS or unfit(sums) is not None:
            return replace(self, start=sums)
        return replace(self, start_profile=self.verifier.profile([sums]))

    def after(self, presses: Presses) -> "TypingStream":
        """The stream with *presses*, and with the windows that they complete."""
        waiting = presses if self.waiting is None else joined([self.waiting, presses])
        stream = self
        while len(waiting) >= waiting.lead + STEP_KEYS:
            stop = waiting.lead + STEP_KEYS
            half = waiting.part(0, stop, waiting.lead)
            stream = stream._with_half(self.verifier.sums(half))
            waiting = waiting.part(stop - 1, lead=1)
        return replace(stream, waiting=waiting)

    def standing(self) -> Standing:
        """What all windows so far say together."""
        return combine(self.windows, self.verifier.operating_point)

    def total(self) -> Sums:
        """Sums of all presses so far."""
        return (
            self.folded if self.waiting is None else self.folded + self.verifier.sums(self.waiting)
        )

    def _with_half(self, newest: Sums) -> "TypingStream":
        grown = replace(self, half=newest, folded=self.folded + newest)
        return grown if self.half is None else grown._with_window(self.half + newest)

    def _with_window(self, sums: Sums) -> "TypingStream":
        reason = unfit(sums)
        stream, start_llr, llr = self, None, None
        # every other window is compared with the start: neighbours share half their keys
        is_apart = self.n_seen % WINDOW_KEYS == 0
        if reason is None and (self.reference is not None or is_apart):
            probe = self.verifier.profile([sums])
            llr = None if self.reference is None else self._llr(self.reference, probe)
            if is_apart:
                stream, start_llr = self._against_start(sums, probe)
        window = Window(self.n_seen, sums.n_keys, llr, start_llr, reason)
        seen = self.n_seen + STEP_KEYS
        return replace(stream, windows=(*self.windows, window), n_seen=seen)

    def _llr(self, reference: Profile, probe: Profile) -> float | None:
        opinion = self.verifier.opinion(reference, probe)
        return None if opinion is None else self.verifier.weighing.llr(opinion)

    def _against_start(self, sums: Sums, probe: Profile) -> tuple["TypingStream", float | None]:
        if self.start_profile is None:
            start = self.start + sums
            if start.n_keys < START_KEYS:
                return replace(self, start=start), None
            profile = self.verifier.profile([start])
            return replace(self, start=Sums.empty(), start_profile=profile), None
        opinion = self.verifier.opinion(self.start_profile, probe)
        if opinion is None:
            return self, None
        llr = self.verifier.weighing.same_sitting_llr(opinion)
        return replace(self, hand_over=self.hand_over.after(llr)), llr


def combine(windows: Sequence[Window], point: OperatingPoint) -> Standing:
    """All windows of a sitting together.

    Windows of one sitting err together: *n* of them count as n / (1 + (n - 1) r) independent
    ones, with r ``CORRELATION``. The interval is that of a mean of so many.
    """
    llrs = np.array([w.llr for w in windows if w.llr is not None], np.float64)
    n_keys = _covered(windows)
    coverage = float(np.mean([w.reason is None for w in windows])) if windows else 0.0
    if n_keys < MIN_KEYS or not len(llrs):
        return Standing(State.INSUFFICIENT_DATA, None, None, n_keys, coverage)
    independent = len(llrs) / (1 + (len(llrs) - 1) * CORRELATION)
    total = float(llrs.mean()) * independent
    half = 1.96 * float(llrs.std(ddof=1)) * float(np.sqrt(independent))
    state = {
        Result.MATCH: State.CONSISTENT,
        Result.NO_MATCH: State.INCONSISTENT,
        Result.INCONCLUSIVE: State.INCONCLUSIVE,
    }[point.result(total)]
    return Standing(state, total, (total - half, total + half), n_keys, coverage)


def _covered(windows: Sequence[Window]) -> int:
    """Presses in at least one compared window."""
    covered, until = 0, 0
    for window in windows:
        if window.llr is not None:
            end = window.first_key + WINDOW_KEYS
            covered += end - max(until, window.first_key)
            until = end
    return covered

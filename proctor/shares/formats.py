"""Formats of study in which the final assessment is formed otherwise than the scheme says.

Who declared 0/0/100 (Satbayev University, 6.3) has a scheme of their own: the final exam is all
of it, every other event stays in it with weight 0.
"""

from collections.abc import Iterable
from fractions import Fraction

from proctor.exams.tables import FINALS, EventKind

ZERO_ZERO_HUNDRED = "0/0/100"


def weights_in_format(
    scheme: Iterable[tuple[str, EventKind, Fraction]],
) -> dict[str, Fraction]:
    """Weights by code for a learner who declared 0/0/100. ``scheme``: code, kind and weight.

    One final exam weighs 100. Several keep the weights they have, so that they stand to one
    another as the scheme says.
    """
    rows = list(scheme)
    one = sum(kind in FINALS for _, kind, _ in rows) == 1
    return {
        code: Fraction(0) if kind not in FINALS else Fraction(100) if one else weight
        for code, kind, weight in rows
    }

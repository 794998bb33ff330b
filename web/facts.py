"""Incidents in the visitor's words: what, how long, what was measured, how strongly it speaks."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from proctor.catalogue import known_keys
from proctor.incidents.tables import IncidentRow

_STRENGTHS = ((10_000, "very_strong"), (100, "strong"), (10, "moderate"), (2, "weak"))
# beyond this the number says no more; e^14 is about a million
_MOST_LLR = 14.0
_NUMBERS = ("faces", "chars", "keys", "samples")

Say = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Fact:
    """One incident in words: what, how long, and what was measured."""

    name: str
    length: str
    details: tuple[str, ...]
    ratio: str | None = None


def fact_of(t: Say, row: IncidentRow) -> Fact:
    """The incident as a statement of fact."""
    llr = row.evidence.get("llr")
    ratio = None if llr is None else ratio_in_words(t, float(llr))
    details = tuple(_details(t, row.evidence))
    return Fact(t(f"incident.{row.kind}"), _length(t, row), details, ratio)


def ratio_in_words(t: Say, llr: float) -> str:
    """A log-likelihood ratio (natural, positive for the same person) as a sentence.

    Source of the steps: ENFSI guideline for evaluative reporting, 2015.
    """
    ratio = math.exp(min(abs(llr), _MOST_LLR))
    strength = next((name for least, name in _STRENGTHS if ratio >= least), None)
    if strength is None:
        return t("review.ratio.none")
    side = "for" if llr > 0 else "against"
    return t(f"review.ratio.{side}.{strength}", n=f"{float(f'{ratio:.1g}'):,.0f}".replace(",", " "))


def reason_in_words(t: Say, code: str) -> str:
    """Why something was not assessed."""
    key = f"review.reason.{code}"
    return t(key) if key in known_keys() else t("review.reason.other", code=code)


def cause_in_words(t: Say, code: str) -> str:
    """Why something was not recorded."""
    key = f"review.cause.{code}"
    return t(key) if key in known_keys() else t("review.reason.other", code=code)


def _length(t: Say, row: IncidentRow) -> str:
    if row.end_s is None:
        return t("incident.ongoing")
    seconds = row.end_s - row.start_s
    if seconds == 0:
        return t("incident.moment")
    return t("incident.duration", n=f"{seconds:.0f}" if seconds >= 1 else f"{seconds:.1f}")


def _details(t: Say, evidence: dict[str, Any]) -> list[str]:
    details = [t(f"track.{evidence['track']}")] if "track" in evidence else []
    details += [
        t(f"incident.evidence.{name}", why=cause_in_words(t, str(evidence[name])))
        for name in ("cause", "later_cause")
        if name in evidence
    ]
    if "reason" in evidence:
        details.append(reason_in_words(t, str(evidence["reason"])))
    details += [
        t(f"incident.evidence.{name}", n=f"{evidence[name]:g}")
        for name in _NUMBERS
        if name in evidence
    ]
    return details

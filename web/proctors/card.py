"""What the card of one incident shows beside the facts."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from proctor.identity.tables import CheckResult, Modality
from proctor.review.dossier import Comparison, IncidentFile
from proctor.review.statements import Said
from proctor.review.tables import Seen
from web.facts import Fact
from web.proctors.facts import Still, Trust


@dataclass(frozen=True, slots=True)
class Card:
    """``answers``: what the student said about it. ``alike``: undecided incidents of the same
    kind; ``looked``: this one, and those of them that the visitor looked at before.
    ``is_labelled``: False while the visitor has to say first what they see; ``seen_first``: what
    that was."""

    found: IncidentFile
    said: Fact
    trust: Trust
    stills: tuple[Still, ...]
    answers: tuple[Said, ...]
    alike: int
    looked: int
    is_labelled: bool
    seen_first: Seen | None

    @property
    def template(self) -> str:
        return "review/incident.html" if self.is_labelled else "review/first_look.html"

    def shown(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def identified_s(checks: Iterable[Comparison]) -> float:
    """When the face last matched before the exam began, or its start."""
    matched = [
        check.at_s
        for check in checks
        if check.modality is Modality.FACE and check.result is CheckResult.MATCH and check.at_s <= 0
    ]
    return max(matched, default=0.0)

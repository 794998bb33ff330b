"""Policy packs: what an act asks for, as dated data. A report prints the edition it used."""

import tomllib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from proctor.errors import Refused

EDITIONS = Path(__file__).parent / "editions"


class UnknownPack(Refused):
    """There is no policy pack of this name."""

    key = "error.policy_pack"


class Basis(StrEnum):
    """Which readings of the share must reach the threshold."""

    BOTH = "both"
    COUNT = "count"
    WEIGHT = "weight"


class ZeroWeight(StrEnum):
    """Whether events of weight 0 are counted as forming the final assessment."""

    EXCLUDE = "exclude"
    INCLUDE = "include"


@dataclass(frozen=True, slots=True)
class PolicyPack:
    """The rule set of one edition of one act.

    ``coverage``: recorded part of the exam each track needs; ``longest_gap_s``: longest stretch
    without recording, and without a face comparison where one is due; both hold for sittings
    planned with a technology of ``recorded``.
    ``text``: the act and its edition as printed, by language.
    """

    name: str
    edition: date
    threshold: Fraction
    basis: Basis
    zero_weight: ZeroWeight
    technologies: frozenset[str]
    coverage: Fraction
    longest_gap_s: int
    recorded: frozenset[str]
    text: dict[str, str]

    def __post_init__(self) -> None:
        if self.coverage > 1:
            raise ValueError("no recording is longer than its exam")


def pack(name: str) -> PolicyPack:
    """The pack called *name*. Raises UnknownPack."""
    if name not in pack_names():
        raise UnknownPack(pack=name)
    raw = tomllib.loads((EDITIONS / f"{name}.toml").read_text("utf-8"))
    recording = raw["recording"]
    return PolicyPack(
        name=name,
        edition=raw["edition"],
        threshold=Fraction(raw["threshold"]),
        basis=Basis(raw["basis"]),
        zero_weight=ZeroWeight(raw["zero_weight"]),
        technologies=frozenset(raw["technologies"]),
        coverage=Fraction(recording["coverage"]),
        longest_gap_s=recording["longest_gap_s"],
        recorded=frozenset(recording["required_for"]),
        text=raw["text"],
    )


def pack_names() -> frozenset[str]:
    """Names of the packs this service carries."""
    return frozenset(path.stem for path in EDITIONS.glob("*.toml"))

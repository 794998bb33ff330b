"""What the two students of a demonstration are given to play, and what they report back."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from proctor.commands.typist import Press
from proctor.errors import Unavailable

# seconds of the exam before the first key
READING_S = 4.0
# seconds before the end at which the student hands in
HANDING_IN_S = 3.0

Progress = Callable[[str], None]


class PartFailed(Unavailable):
    """A student of the demonstration did not get through the exam."""

    def __init__(self, learner: str, step: str, seen: str) -> None:
        super().__init__(learner=learner, step=step)
        self.args = (f"{learner} did not get through: {step}: {seen}",)


@dataclass(frozen=True, slots=True)
class Part:
    """One student's exam.

    ``start_at_s``: second of the film at which the exam is started; ``pasted``: what is pasted
    when two thirds of the exam are over, None for nothing.
    """

    learner: str
    link: str
    event_id: str
    film: Path
    keys: tuple[Press, ...]
    start_at_s: float
    seconds: float
    pasted: str | None

    @property
    def typing_ms(self) -> float:
        """Length of the typing; the hand-in follows."""
        return (self.seconds - READING_S - HANDING_IN_S - 2.0) * 1000


@dataclass(frozen=True, slots=True)
class Played:
    """A part that was played. ``started_film_s``: second of the film when the exam began."""

    sitting_id: str
    started_film_s: float

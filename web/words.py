"""What people send, as every database stores it."""

from datetime import date, datetime
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NaiveDatetime,
    field_validator,
)

from proctor.sittings.interventions import MAX_WORDS


def printable(sent: object) -> object:
    """A text without control characters and halves of letters, which no database stores alike."""
    if isinstance(sent, list):
        return [printable(each) for each in sent]
    if not isinstance(sent, str):
        return sent
    return "".join(letter for letter in sent if letter.isprintable() or letter.isspace())


Printable = Annotated[str, BeforeValidator(printable)]
#: dates and times on the clocks of the institution, which other clocks know too
Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]
LocalTime = Annotated[NaiveDatetime, Field(ge=datetime(2000, 1, 1), lt=datetime(2100, 1, 1))]
#: of one person to another during an exam
Words = Annotated[Printable, Field(max_length=2 * MAX_WORDS)]


class Strict(BaseModel):
    """Holds nothing else than it says."""

    model_config = ConfigDict(extra="forbid")


class Sent(Strict):
    """A form or body whose texts are printable."""

    _printable = field_validator("*", mode="before")(printable)

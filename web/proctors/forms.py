"""What a decision form sends."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from proctor.review.tables import Decision
from proctor.review.verdicts import MAX_REASON


def _printable(text: object) -> object:
    """Without control characters and halves of letters, which no database stores alike."""
    if not isinstance(text, str):
        return text
    return "".join(letter for letter in text if letter.isprintable() or letter.isspace())


class VerdictForm(BaseModel):
    """A decision and its reason. A reason too short is answered on the page, not here."""

    model_config = ConfigDict(extra="forbid")

    decision: Decision
    reason: Annotated[str, BeforeValidator(_printable)] = Field("", max_length=2 * MAX_REASON)

"""Words that people send to people."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from proctor.sittings.interventions import MAX_WORDS


def printable(text: object) -> object:
    """Without control characters and halves of letters, which no database stores alike."""
    if not isinstance(text, str):
        return text
    return "".join(letter for letter in text if letter.isprintable() or letter.isspace())


Words = Annotated[str, BeforeValidator(printable), Field(max_length=2 * MAX_WORDS)]

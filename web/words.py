"""Words that people send, as every database stores them."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from proctor.sittings.interventions import MAX_WORDS


def _printable(text: object) -> object:
    """Without control characters and halves of letters, which no database stores alike."""
    if not isinstance(text, str):
        return text
    return "".join(letter for letter in text if letter.isprintable() or letter.isspace())


Printable = Annotated[str, BeforeValidator(_printable)]
#: of one person to another during an exam
Words = Annotated[Printable, Field(max_length=2 * MAX_WORDS)]

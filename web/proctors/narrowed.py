"""What a person wants to see of the queue, and what they saw of it last: they go back there, and on
from there."""

from typing import Literal
from urllib.parse import parse_qsl, urlencode

from fastapi import Request, Response
from pydantic import Field, ValidationError

from proctor.review.queue import Filter
from web.words import Sent

COOKIE = "tanu_queue"


class FilterForm(Sent):
    """What to show of the queue. ``days``: waiting at least so long."""

    show: str = "open"
    exam: str = Field("", max_length=32)
    kind: str = Field("", max_length=48)
    days: int = Field(0, ge=0, le=3650)
    language: Literal["", "kk", "ru", "en"] = ""

    @property
    def filter(self) -> Filter:
        return Filter(self.exam, self.kind, self.days, self.language)

    @property
    def query(self) -> str:
        """The same choice for another list."""
        return urlencode(self.model_dump(exclude={"show"}, exclude_defaults=True))

    @property
    def whole(self) -> str:
        return urlencode(self.model_dump(exclude_defaults=True))


def remember(response: Response, wanted: FilterForm) -> None:
    """The queue was shown so; known until the browser is closed."""
    response.set_cookie(COOKIE, wanted.whole, path="/review", httponly=True, samesite="lax")


def came_from(request: Request) -> FilterForm:
    """What the visitor saw of the queue last; all of it when that is not known."""
    try:
        return FilterForm.model_validate(dict(parse_qsl(request.cookies.get(COOKIE, ""))))
    except ValidationError:
        return FilterForm()

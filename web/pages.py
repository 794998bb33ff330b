"""Rendering of pages in the visitor's language."""

from datetime import datetime
from pathlib import Path
from typing import Any

from babel.dates import format_datetime
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import HTTPConnection

from proctor.catalogue import LOCALES, subset, translate
from proctor.clock import TIME_ZONE

HERE = Path(__file__).parent
LANGUAGE_COOKIE = "tanu_language"

_environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def locale_of(request: HTTPConnection) -> str:
    """The chosen language, else the account's, else the browser's, else Kazakh."""
    visitor = getattr(request.state, "visitor", None)
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LOCALES:
        return chosen
    if visitor is not None:
        return str(visitor.account.locale)
    wanted = request.headers.get("accept-language", "")[:2].lower()
    return wanted if wanted in LOCALES else "kk"


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """*template* in the visitor's language."""
    locale = locale_of(request)
    visitor = getattr(request.state, "visitor", None)

    def t(key: str, **values: object) -> str:
        return translate(locale, key, **values)

    def fmt_datetime(at: datetime) -> str:
        return format_datetime(at.astimezone(TIME_ZONE), "d MMM y, HH:mm", locale=locale)

    def fmt_day(at: datetime) -> str:
        return f"{at.astimezone(TIME_ZONE):%d.%m.%Y}"

    html = _environment.get_template(template).render(
        t=t,
        locale=locale,
        locales=LOCALES,
        texts=lambda *prefixes: subset(locale, *prefixes),
        account=visitor.account if visitor else None,
        unread=visitor.unread if visitor else 0,
        path=request.url.path,
        asset=lambda name: f"/static/{name}",
        fmt_datetime=fmt_datetime,
        fmt_day=fmt_day,
        fmt_time=lambda at: f"{at.astimezone(TIME_ZONE):%H:%M}",
        # as a field of the kind datetime-local has it
        fmt_field=lambda at: f"{at.astimezone(TIME_ZONE):%Y-%m-%dT%H:%M}",
        fmt_s=clock_time,
        **context,
    )
    return HTMLResponse(html, status)


def clock_time(seconds: float) -> str:
    """Seconds as 1:05, or 1:02:05 from an hour on; negative before the exam began."""
    sign, whole = ("−" if seconds < 0 else ""), int(abs(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return sign + (f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}")

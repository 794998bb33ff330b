"""Tests on another site that are sat under a sitting here: where they are, by course and event."""

from datetime import datetime
from urllib.parse import urlencode, urlsplit, urlunsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.errors import Refused
from proctor.exams.tables import ExternalTest
from proctor.people.tables import Account

MOST_CHARS = 500
#: the parameter that a test is opened with
CODE = "tanu_code"


class AddressRefused(Refused):
    """The address of an external test begins with https:// and names a site."""

    key = "error.test_address"


def set_address(
    tx: Session, course_id: str, event_code: str, url: str, by: Account, at: datetime
) -> None:
    """Where an event is sat from now on; an empty address: here alone. Raises AddressRefused."""
    address = url.strip()
    if address:
        try:
            parts = urlsplit(address)
        except ValueError:
            raise AddressRefused from None
        if parts.scheme != "https" or not parts.hostname or len(address) > MOST_CHARS:
            raise AddressRefused
    row = ExternalTest(course_id=course_id, event_code=event_code, url=address, by=by.id, at=at)
    tx.add(row)
    tx.flush()


def address_of(tx: Session, course_id: str, event_code: str) -> str | None:
    """Where the test of an event is; None when it is here."""
    query = select(ExternalTest.url).where(
        ExternalTest.course_id == course_id, ExternalTest.event_code == event_code
    )
    return tx.scalars(query.order_by(ExternalTest.at.desc()).limit(1)).one_or_none() or None


def with_code(url: str, code: str) -> str:
    """The address of a test for one sitting."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode({CODE: code}))))
    return urlunsplit(parts._replace(query=query))

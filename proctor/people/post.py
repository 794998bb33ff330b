"""Notices by e-mail, over the SMTP server of the institution.

A letter names the exam and a page of the service, in the language of its reader; it says nothing
of what happened. Logs hold numbers only.
"""

import smtplib
import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Any

import structlog
from babel.dates import format_datetime as in_words
from sqlalchemy import select

from proctor.catalogue import translate
from proctor.clock import TIME_ZONE
from proctor.people.notices import Notice
from proctor.people.tables import Account
from proctor.plumbing.db import Database
from proctor.settings import Settings

log = structlog.get_logger()

#: letters of one connection
AT_ONCE = 50
MOST_TRIES = 6
# what nobody could send for so long says nothing new any more
LATEST = timedelta(days=2)
TIMEOUT_S = 20
# what is wrong with one letter, while the connection goes on; ValueError: its address is none
_OF_THE_LETTER = (
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPDataError,
    smtplib.SMTPNotSupportedError,
    ValueError,
)


def words_of(locale: str, notice: Notice) -> dict[str, str]:
    """A notice in *locale*: ``title`` and ``text``."""
    values: dict[str, Any] = dict(notice.values)
    if "until" in values:
        until = datetime.fromisoformat(values["until"]).astimezone(TIME_ZONE)
        values["until"] = in_words(until, "d MMMM y, HH:mm", locale=locale)
    if "detector" in values:
        values["detector"] = translate(locale, f"incident.{values['detector']}")
    return {
        part: translate(locale, f"notices.{notice.kind}.{part}", **values)
        for part in ("title", "text")
    }


def deliver(db: Database, settings: Settings, now: datetime) -> int:
    """Send what waits; how many letters were taken. What is refused is tried again later.

    Raises OSError or SMTPException when the server cannot be used, or no longer.
    """
    waiting = _waiting(db, now)
    if not waiting:
        return 0
    taken: dict[str, bool] = {}
    try:
        _send(settings, waiting, taken, now)
    finally:
        # what went out before a connection broke is not sent again
        _note(db, taken, now)
    if refused := len(taken) - sum(taken.values()):
        log.warning("letters_refused", number=refused)
    return sum(taken.values())


def _note(db: Database, taken: dict[str, bool], now: datetime) -> None:
    with db.transaction() as tx:
        for notice_id, is_taken in taken.items():
            row = tx.get_one(Notice, notice_id)
            row.tries += not is_taken
            is_over = is_taken or row.tries >= MOST_TRIES
            row.post_at = None if is_over else now + timedelta(minutes=2**row.tries)


def _waiting(db: Database, now: datetime) -> list[tuple[Notice, Account]]:
    query = (
        select(Notice, Account)
        .join(Account, Account.id == Notice.account_id)
        .where(
            Notice.post_at <= now,
            Notice.at > now - LATEST,
            Notice.seen_at.is_(None),
            Account.is_active,
        )
        .order_by(Notice.at)
        .limit(AT_ONCE)
    )
    with db.reading() as tx:
        return [(notice, account) for notice, account in tx.execute(query)]


def _letter(settings: Settings, notice: Notice, account: Account, now: datetime) -> EmailMessage:
    """*notice* to *account*. Raises ValueError when its address is none."""
    # the parser of headers fails at some in ways of its own
    if parseaddr(account.email)[1] != account.email:
        raise ValueError("not an address")
    message, words = EmailMessage(), words_of(account.locale, notice)
    sender = parseaddr(settings.smtp_from or "")[1]
    message["Subject"] = words["title"]
    message["From"] = settings.smtp_from
    message["To"] = account.email
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(notice.id, domain=sender.rpartition("@")[2])
    message["Content-Language"] = account.locale
    message["Auto-Submitted"] = "auto-generated"
    foot = translate(account.locale, "notices.foot", institution=settings.institution)
    message.set_content(f"{words['text']}\n\n{settings.url}{notice.path}\n\n-- \n{foot}\n")
    return message


def _send(
    settings: Settings,
    waiting: Sequence[tuple[Notice, Account]],
    taken: dict[str, bool],
    now: datetime,
) -> None:
    """Send them in order, and write into *taken* which the server took and which it did not."""
    with _connect(settings) as server:
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password or "")
        for notice, account in waiting:
            # a try also when the connection breaks at it, or it would break there for ever
            taken[notice.id] = False
            try:
                server.send_message(_letter(settings, notice, account, now))
            except _OF_THE_LETTER:
                continue
            taken[notice.id] = True


def _connect(settings: Settings) -> smtplib.SMTP:
    assert settings.smtp_host is not None, "letters are sent where a server is set"
    host, port = settings.smtp_host, settings.smtp_port
    context = ssl.create_default_context()
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=context)
    server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    if settings.smtp_security == "starttls":
        try:
            server.starttls(context=context)
        except (OSError, smtplib.SMTPException):
            server.close()
            raise
    return server

"""Notices as letters, over a real mail server."""

import smtplib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog
from pydantic import ValidationError

from proctor.people.notices import About, Notice, NoticeKind, notices_of, see, tell
from proctor.people.post import MOST_TRIES, deliver
from proctor.people.tables import Account
from proctor.plumbing.db import Database
from proctor.settings import Settings
from tests.support.cast import NOON, Cast, assemble
from tests.support.sittings import sitting_of
from tests.support.smtp import MailServer, mail_server

pytestmark = pytest.mark.db


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def settings(server: MailServer, tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path,
        public_url="https://exams.example.org",
        smtp_host="127.0.0.1",
        smtp_port=server.port,
        smtp_security="none",
        smtp_from="exams@example.org",
    )


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    db = Database(settings.database)
    db.upgrade()
    yield db
    db.close()


@pytest.fixture
def cast(db: Database) -> Cast:
    with db.transaction() as tx:
        return assemble(tx)


def told(
    db: Database, cast: Cast, name: str, kind: NoticeKind, locale: str = "kk", at: datetime = NOON
) -> str:
    with db.transaction() as tx:
        person = cast.people[name]
        tx.merge(person).locale = locale
        sitting = sitting_of(tx, cast, person, NOON)
        tell(tx, kind, About(person.id, sitting.id, "Мат. талдау", NOON), at)
        return notices_of(tx, person.id)[0].id


def waiting(db: Database, notice_id: str) -> tuple[int, bool]:
    with db.reading() as tx:
        row = tx.get_one(Notice, notice_id)
        return row.tries, row.post_at is not None


@pytest.mark.parametrize(
    ("locale", "subject", "month"),
    [
        ("kk", "Емтихан жазбасында түсіндіруге", "қараша"),
        ("ru", "В записи экзамена есть факты", "ноября"),
        ("en", "There are facts you can explain", "November"),
    ],
)
def test_a_letter_is_in_its_readers_language_and_says_nothing_of_what_happened(
    db: Database,
    cast: Cast,
    settings: Settings,
    server: MailServer,
    locale: str,
    subject: str,
    month: str,
) -> None:
    told(db, cast, "alice", NoticeKind.ANSWER, locale)

    with structlog.testing.capture_logs() as logs:
        assert deliver(db, settings, NOON) == 1
        assert deliver(db, settings, NOON) == 0

    (letter,) = server.taken
    assert (letter["To"], letter["From"]) == ("alice@example.org", "exams@example.org")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Subject"].startswith(subject)
    text = letter.get_content()
    assert "Мат. талдау" in text
    assert "https://exams.example.org/sittings/" in text
    assert "Alice" not in text
    assert f"2 {month}" in text
    assert "17:00" in text
    assert logs == []


def test_what_was_read_or_is_old_is_not_sent(
    db: Database, cast: Cast, settings: Settings, server: MailServer
) -> None:
    read = told(db, cast, "alice", NoticeKind.DECISION)
    told(db, cast, "bob", NoticeKind.DECISION, at=NOON - timedelta(days=3))
    with db.transaction() as tx:
        see(tx, cast.alice.id, read, NOON)

    assert deliver(db, settings, NOON) == 0
    assert server.taken == []


def test_a_refused_letter_holds_no_other_up_and_is_tried_ever_later(
    db: Database, cast: Cast, settings: Settings, server: MailServer
) -> None:
    server.refused.add("alice@example.org")
    lost = told(db, cast, "alice", NoticeKind.DECISION)
    told(db, cast, "bob", NoticeKind.DECISION)

    with structlog.testing.capture_logs() as logs:
        assert deliver(db, settings, NOON) == 1

    assert [letter["To"] for letter in server.taken] == ["bob@example.org"]
    assert [log["event"] for log in logs] == ["letters_refused"]
    assert "alice" not in str(logs)
    assert waiting(db, lost) == (1, True)
    deliver(db, settings, NOON + timedelta(minutes=1))
    assert waiting(db, lost) == (1, True)
    now = NOON
    for _ in range(MOST_TRIES):
        now += timedelta(hours=2)
        deliver(db, settings, now)
    assert waiting(db, lost) == (MOST_TRIES, False)


def test_what_went_out_before_the_connection_broke_is_not_sent_again(
    db: Database, cast: Cast, settings: Settings, server: MailServer
) -> None:
    for name in ("alice", "bob"):
        told(db, cast, name, NoticeKind.DECISION)
    server.most = 1
    with pytest.raises(smtplib.SMTPServerDisconnected):
        deliver(db, settings, NOON)
    server.most = None

    # the one it broke at is tried again as one that was refused is
    assert deliver(db, settings, NOON) == 0
    assert deliver(db, settings, NOON + timedelta(minutes=2)) == 1

    found = sorted(letter["To"] for letter in server.taken)
    assert found == ["alice@example.org", "bob@example.org"]
    assert all(letter["Message-ID"].endswith("@example.org>") for letter in server.taken)


@pytest.mark.parametrize("address", ["әлия@example.org", '"@example.org', "alice@[x.org"])
def test_an_address_that_cannot_be_written_holds_no_other_up(
    db: Database, cast: Cast, settings: Settings, server: MailServer, address: str
) -> None:
    lost = told(db, cast, "alice", NoticeKind.DECISION)
    told(db, cast, "bob", NoticeKind.DECISION)
    with db.transaction() as tx:
        tx.get_one(Account, cast.alice.id).email = address

    assert deliver(db, settings, NOON) == 1

    assert [letter["To"] for letter in server.taken] == ["bob@example.org"]
    assert waiting(db, lost) == (1, True)


def test_a_letter_the_connection_always_breaks_at_holds_no_other_up(
    db: Database, cast: Cast, settings: Settings, server: MailServer
) -> None:
    lost = told(db, cast, "alice", NoticeKind.DECISION)
    told(db, cast, "bob", NoticeKind.DECISION, at=NOON + timedelta(seconds=1))
    server.breaks_at.add("alice@example.org")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        deliver(db, settings, NOON)
    assert waiting(db, lost) == (1, True)

    assert deliver(db, settings, NOON + timedelta(minutes=1)) == 1

    assert [letter["To"] for letter in server.taken] == ["bob@example.org"]


def test_without_a_server_everything_waits(db: Database, cast: Cast, settings: Settings) -> None:
    notice = told(db, cast, "alice", NoticeKind.DECISION)
    nobody = settings.model_copy(update={"smtp_port": 1})

    with pytest.raises(OSError, match="refused"):
        deliver(db, nobody, NOON)

    assert waiting(db, notice) == (0, True)


def test_a_server_without_a_sender_is_no_setting() -> None:
    with pytest.raises(ValidationError, match="PROCTOR_SMTP_FROM"):
        Settings(smtp_host="mail.example.org")

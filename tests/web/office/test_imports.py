import io
from collections.abc import Callable
from datetime import timedelta

import openpyxl
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from proctor import events
from proctor.exams import imports
from proctor.exams.schemes import events_in_force
from proctor.exams.tables import Course, ImportDraft, RosterEntry
from proctor.people.tables import Account, Role
from proctor.plumbing.db import Database
from tests.support.cast import NOON, Cast
from tests.support.intake import take_in
from web.office.forms import FORMS, ImportKind, empty_sheet

pytestmark = pytest.mark.db

Browse = Callable[[Account], TestClient]
ROSTER = "course_code,email,name,learner_number,locale\nMOOC-1,dana@example.org,Dana,N-1,kk\n"


def send(client: TestClient, kind: str, data: bytes) -> tuple[int, str]:
    response = client.post(f"/office/imports/{kind}", files={"file": ("file.csv", data)})
    return response.status_code, response.headers.get("location", response.text)


def agree(client: TestClient, preview: str, **said: str) -> tuple[int, str]:
    """Take in what the page at *preview* shows."""
    digest = client.get(preview).text.partition('name="digest" value="')[2][:64]
    response = client.post(preview, data={"digest": digest, **said})
    return response.status_code, response.headers.get("location", response.text)


def test_a_teacher_imports_nothing(cast: Cast, browse: Browse) -> None:
    client = browse(cast.tom)
    assert send(client, "roster", ROSTER.encode())[0] == 404
    assert client.get("/office/imports").status_code == 404


def test_a_preview_writes_nothing_and_shows_what_would_change(
    cast: Cast, browse: Browse, database: Database
) -> None:
    client = browse(cast.olga)
    status, address = send(client, "roster", ROSTER.encode())
    assert (status, address.rpartition("/")[0]) == (303, "/office/imports/drafts")
    text = client.get(address).text
    assert "File: file.csv, lines of data: 1. Nothing has been written yet." in text
    assert "<td>dana@example.org</td>" in text
    with database.transaction() as tx:
        assert tx.scalars(select(Account).where(Account.email == "dana@example.org")).all() == []
        # sealed for who sent it
        assert b"dana" not in tx.scalars(select(ImportDraft.sealed)).one()


@pytest.mark.parametrize("locale", ["kk", "ru", "en"])
def test_a_roster_with_wrong_lines_is_taken_only_without_them(
    cast: Cast, browse: Browse, database: Database, locale: str
) -> None:
    lines = [f"MOOC-1,s{n}@example.org,Student {n},N-{n},kk" for n in range(100)]
    for n in range(4, 100, 10):
        lines[n] = lines[n].replace("@", " at ")
    data = (ROSTER.splitlines()[0] + "\n" + "\n".join(lines)).encode()
    client = browse(cast.olga)
    client.cookies.set("tanu_language", locale)
    address = send(client, "roster", data)[1]
    text = client.get(address).text
    for n in range(4, 100, 10):
        assert f'<th scope="row">{n + 2}</th>' in text
        assert f"s{n} at example.org" in text
    with database.transaction() as tx:
        before = tx.scalar(select(func.count()).select_from(RosterEntry)) or 0
    assert agree(client, address)[0] == 422
    with database.transaction() as tx:
        assert tx.scalar(select(func.count()).select_from(RosterEntry)) == before
    status, done = agree(client, address, leave_out="true")
    assert (status, done.partition("?")[2]) == (303, "done=roster&added=90&changed=0&unchanged=0")
    with database.transaction() as tx:
        assert tx.scalar(select(func.count()).select_from(RosterEntry)) == before + 90
        (imported,) = events.read(tx, f"institution:{cast.institution.id}")
        assert imported.payload["left_out"] == 10


def test_what_changed_since_the_preview_is_previewed_again(
    cast: Cast, browse: Browse, database: Database
) -> None:
    client = browse(cast.olga)
    address = send(client, "roster", ROSTER.encode())[1]
    digest = client.get(address).text.partition('name="digest" value="')[2][:64]
    with database.transaction() as tx:
        take_in(tx, imports.ROSTER, cast.olga, ROSTER.replace("Dana", "Dina").encode(), NOON)
    refused = client.post(address, data={"digest": digest})
    assert refused.status_code == 422
    assert "Data changed after the preview, nothing was imported." in refused.text
    assert agree(client, address)[1].endswith("added=0&changed=1&unchanged=0")


def test_a_draft_is_its_senders_and_gone_when_taken_or_put_away(
    cast: Cast, browse: Browse, database: Database
) -> None:
    client = browse(cast.olga)
    taken, put_away = [send(client, "roster", ROSTER.encode())[1] for _ in range(2)]
    with database.transaction() as tx:
        other = tx.get_one(Account, cast.rita.id)
        other.role = Role.ADMIN
    assert browse(cast.rita).get(taken).status_code == 404
    assert browse(cast.tom).get(taken).status_code == 404
    assert agree(client, taken)[0] == 303
    assert client.post(f"{put_away}/put-away").headers["location"] == "/office/imports"
    assert [client.get(address).status_code for address in (taken, put_away)] == [404, 404]
    with database.transaction() as tx:
        assert tx.scalars(select(ImportDraft)).all() == []


def test_a_workbook_is_taken_like_a_text_file(cast: Cast, browse: Browse) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in [line.split(",") for line in ROSTER.splitlines()]:
        sheet.append(row)
    sheet.append(["MOOC-1", "elmira@example.org", "Элмира Ұзақ", 26001, None])
    made = io.BytesIO()
    book.save(made)
    client = browse(cast.olga)
    status, done = agree(client, send(client, "roster", made.getvalue())[1])
    assert (status, done.partition("?")[2]) == (303, "done=roster&added=2&changed=0&unchanged=0")


def test_a_file_is_imported_once(cast: Cast, browse: Browse, database: Database) -> None:
    client = browse(cast.olga)
    first = agree(client, send(client, "roster", ROSTER.encode())[1])
    again = agree(client, send(client, "roster", ROSTER.encode())[1])
    assert first == (303, "/office/imports?done=roster&added=1&changed=0&unchanged=0")
    assert again == (303, "/office/imports?done=roster&added=0&changed=0&unchanged=1")
    assert "Roster: added 1, changed 0, unchanged 0." in client.get(first[1]).text
    with database.transaction() as tx:
        dana = tx.scalars(select(Account).where(Account.email == "dana@example.org")).one()
        assert dana.role is Role.STUDENT
        assert tx.get(RosterEntry, (cast.course.id, dana.id)) is not None
        (imported,) = events.read(tx, f"institution:{cast.institution.id}")
        assert imported.at == NOON


@pytest.mark.parametrize(
    ("kind", "data", "sentence"),
    [
        ("roster", b"", "The file is empty."),
        ("roster", ROSTER.encode("utf-16"), "neither XLSX nor CSV in UTF-8"),
        ("courses", "code\nкод".encode("cp1251"), "neither XLSX nor CSV in UTF-8"),
        ("staff", ROSTER.encode(), "The column “role” is missing."),
        ("roster", ROSTER.replace("MOOC-1", "X-1").encode(), "There is no course with the code"),
        ("roster", ROSTER.encode() + b"MOOC-1,x\n", "Wrong number of cells: 2."),
        ("roster", b"a" * (2 * 1024 * 1024 + 1), "The file is too large; at most 2 MiB."),
    ],
    ids=["empty", "utf-16", "cp1251", "header", "unknown course", "short row", "large"],
)
def test_a_wrong_file_is_shown_line_by_line(
    cast: Cast, browse: Browse, database: Database, kind: str, data: bytes, sentence: str
) -> None:
    client = browse(cast.olga)
    status, answer = send(client, kind, data)
    text = client.get(answer).text if status == 303 else answer
    assert sentence in text
    with database.transaction() as tx:
        assert events.read(tx, f"institution:{cast.institution.id}") == []
        assert tx.scalars(select(Account).where(Account.email == "dana@example.org")).all() == []


def test_errors_are_in_the_language_of_the_visitor(cast: Cast, browse: Browse) -> None:
    client = browse(cast.olga)
    client.cookies.set("tanu_language", "kk")
    assert "Файл бос." in send(client, "roster", b"")[1]


def test_what_stood_in_a_file_is_shown_as_text(cast: Cast, browse: Browse) -> None:
    data = ROSTER.replace("dana@example.org", "<script>alert(1)</script>")
    client = browse(cast.olga)
    text = client.get(send(client, "roster", data.encode())[1]).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


@pytest.mark.parametrize("kind", ["rooms", "roster.csv", ".."])
def test_an_unknown_kind_of_file_is_refused(cast: Cast, browse: Browse, kind: str) -> None:
    assert send(browse(cast.olga), kind, b"a")[0] in (404, 405, 422)


def test_a_form_without_a_file_is_refused(cast: Cast, browse: Browse) -> None:
    assert browse(cast.olga).post("/office/imports/roster").status_code == 422


def test_the_empty_files_have_the_header_of_their_kind(cast: Cast, browse: Browse) -> None:
    response = browse(cast.olga).get("/office/imports/staff.csv")
    assert response.content == b"\xef\xbb\xbfcourse_code;email;name;role\r\n"
    assert response.headers["content-disposition"] == 'attachment; filename="staff.csv"'


def test_the_examples_on_the_page_are_accepted(
    cast: Cast, browse: Browse, database: Database
) -> None:
    client = browse(cast.olga)
    # a work is checked by somebody else
    other = "DL-101;arman@example.org;Арман Ахметов;D-26002;kk"
    for kind in ImportKind:
        form = FORMS[kind]
        data = empty_sheet(form) + ";".join(form.example).encode()
        data += f"\n{other}".encode() if kind is ImportKind.ROSTER else b""
        assert agree(client, send(client, kind.value, data)[1])[0] == 303
    with database.transaction() as tx:
        course = tx.scalars(select(Course).where(Course.code == "DL-101")).one()
        (final,) = events_in_force(tx, course.id)
        assert final.closes_at - final.opens_at == timedelta(hours=3)

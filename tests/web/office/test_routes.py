from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from proctor import events
from proctor.exams.schemes import events_in_force
from proctor.exams.tables import AssessmentEvent, Course, RosterEntry
from proctor.people.tables import Account, Role
from proctor.plumbing.db import Database
from tests.support.cast import NOON, Cast
from web.office.forms import FORMS, ImportKind, empty_sheet

pytestmark = pytest.mark.db

Browse = Callable[[Account], TestClient]
ROSTER = "course_code,email,name,learner_number,locale\nMOOC-1,dana@example.org,Dana,N-1,kk\n"


def send(client: TestClient, kind: str, data: bytes) -> tuple[int, str]:
    response = client.post(f"/office/imports/{kind}", files={"file": ("file.csv", data)})
    return response.status_code, response.headers.get("location", response.text)


def test_the_office_sees_all_courses_and_a_teacher_their_own(cast: Cast, browse: Browse) -> None:
    of_office = browse(cast.olga).get("/office")
    of_teacher = browse(cast.tom).get("/office")
    assert (of_office.status_code, of_teacher.status_code) == (200, 200)
    assert "Course MOOC-1" in of_office.text
    assert "Course MOOC-2" in of_office.text
    assert "Course MOOC-1" in of_teacher.text
    assert "Course MOOC-2" not in of_teacher.text


def test_a_course_shows_scheme_share_roster_and_staff(cast: Cast, browse: Browse) -> None:
    text = browse(cast.tom).get(f"/office/courses/{cast.course.id}").text
    assert "<strong>40/40 = 100.00 %</strong>" in text
    assert "<strong>1/1 = 100.00 %</strong>" in text
    assert "The weights add up to 40, not 100." in text
    assert text.count('data-outcome="pending"') == 2
    assert "Alice" in text
    assert "Charlie" not in text
    assert "Paula, Proctor" in text


@pytest.mark.parametrize("locale", ["kk", "ru", "en"])
def test_every_page_has_its_texts(cast: Cast, browse: Browse, locale: str) -> None:
    client = browse(cast.olga)
    client.cookies.set("tanu_language", locale)
    course = f"/courses/{cast.course.id}"
    paths = ["", "/imports", "/references", course, f"{course}/report"]
    statuses = [client.get(f"/office{path}").status_code for path in paths]
    assert statuses == [200] * 5


def test_a_course_without_a_scheme_says_so(cast: Cast, browse: Browse, database: Database) -> None:
    data = b"code,title,kind,starts_on,ends_on\nNEW,New,distance,2026-09-01,2026-12-01\n"
    client = browse(cast.olga)
    send(client, "courses", data)
    with database.transaction() as tx:
        course = tx.scalars(select(Course).where(Course.code == "NEW")).one()
    page = client.get(f"/office/courses/{course.id}")
    assert page.status_code == 200
    assert "This course has no assessment scheme yet." in page.text
    assert f"/office/courses/{course.id}/report" not in page.text


def test_courses_of_others_are_not_found(cast: Cast, browse: Browse) -> None:
    other = f"/office/courses/{cast.other_course.id}"
    assert browse(cast.tom).get(other).status_code == 404
    assert browse(cast.olga).get(other).status_code == 200
    assert browse(cast.olga).get("/office/courses/nothing").status_code == 404


@pytest.mark.parametrize("who", ["alice", "charlie", "paula", "rita"])
@pytest.mark.parametrize("path", ["/office", "/office/imports", "/office/imports/roster.csv"])
def test_the_pages_of_the_office_do_not_exist_for_others(
    cast: Cast, browse: Browse, who: str, path: str
) -> None:
    assert browse(cast.people[who]).get(path).status_code == 404


def test_a_teacher_imports_nothing(cast: Cast, browse: Browse) -> None:
    client = browse(cast.tom)
    assert send(client, "roster", ROSTER.encode())[0] == 404
    assert client.get("/office/imports").status_code == 404


def test_a_long_roster_is_shown_in_pages(cast: Cast, browse: Browse) -> None:
    client = browse(cast.olga)
    lines = [f"MOOC-1,s{n:03}@example.org,Student {n:03},N-{n},kk" for n in range(60)]
    send(client, "roster", "\n".join([ROSTER.splitlines()[0], *lines]).encode())
    first = client.get(f"/office/courses/{cast.course.id}").text
    second = client.get(f"/office/courses/{cast.course.id}?page=2").text
    assert "Page 1 of 2" in first
    assert "Learners on the roster: 62." in first
    assert ("Student 047" in first, "Student 048" in first) == (True, False)
    assert ("Student 047" in second, "Student 048" in second) == (False, True)
    assert client.get(f"/office/courses/{cast.course.id}?page=0").status_code == 422


def test_a_file_is_imported_once(cast: Cast, browse: Browse, database: Database) -> None:
    client = browse(cast.olga)
    first = send(client, "roster", ROSTER.encode())
    again = send(client, "roster", ROSTER.encode())
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
        ("roster", ROSTER.encode("utf-16"), "The file is not UTF-8."),
        ("courses", "code\nкод".encode("cp1251"), "The file is not UTF-8."),
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
    status, text = send(browse(cast.olga), kind, data)
    assert status == 422
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
    status, text = send(browse(cast.olga), "roster", data.encode())
    assert status == 422
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
    for kind in ImportKind:
        form = FORMS[kind]
        data = empty_sheet(form) + ";".join(form.example).encode()
        assert send(client, kind.value, data)[0] == 303
    with database.transaction() as tx:
        course = tx.scalars(select(Course).where(Course.code == "DL-101")).one()
        (final,) = events_in_force(tx, course.id)
        assert final.closes_at - final.opens_at == timedelta(hours=3)


def test_publication_is_refused_below_the_share_and_done_at_it(
    cast: Cast, browse: Browse, database: Database
) -> None:
    form = {"expertise": "No. 12", "pilot": "No. 3"}
    address = f"/office/courses/{cast.course.id}/publication"
    client = browse(cast.olga)
    with database.transaction() as tx:
        final = tx.get_one(AssessmentEvent, cast.final.id)
        final.identity_plan = []
    refused = client.post(address, data=form)
    assert refused.status_code == 422
    assert "0.00 % by number and 0.00 % by weight; at least 30.00 % is needed" in refused.text
    with database.transaction() as tx:
        final = tx.get_one(AssessmentEvent, cast.final.id)
        final.identity_plan = ["proctoring"]
    assert client.post(address, data=form).status_code == 303
    assert "Expertise: No. 12" in client.get(f"/office/courses/{cast.course.id}").text
    assert client.post(address, data=form).status_code == 409

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from proctor.exams import imports
from proctor.exams.tables import AssessmentEvent, Course
from proctor.people.tables import Account
from proctor.plumbing.db import Database
from tests.support.cast import NOON, Cast
from tests.support.intake import take_in

pytestmark = pytest.mark.db

Browse = Callable[[Account], TestClient]
ROSTER = "course_code,email,name,learner_number,locale\n"


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
    with database.transaction() as tx:
        take_in(tx, imports.COURSES, cast.olga, data, NOON)
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


def test_a_long_roster_is_shown_in_pages(cast: Cast, browse: Browse, database: Database) -> None:
    client = browse(cast.olga)
    lines = [f"MOOC-1,s{n:03}@example.org,Student {n:03},N-{n},kk" for n in range(60)]
    with database.transaction() as tx:
        take_in(tx, imports.ROSTER, cast.olga, (ROSTER + "\n".join(lines)).encode(), NOON)
    first = client.get(f"/office/courses/{cast.course.id}").text
    second = client.get(f"/office/courses/{cast.course.id}?page=2").text
    assert "Page 1 of 2" in first
    assert "Learners on the roster: 62." in first
    assert ("Student 047" in first, "Student 048" in first) == (True, False)
    assert ("Student 047" in second, "Student 048" in second) == (False, True)
    assert f'href="/office/courses/{cast.course.id}?page=2#roster" rel="next"' in first
    assert f'href="/office/courses/{cast.course.id}?page=1#roster" rel="prev"' in second
    assert client.get(f"/office/courses/{cast.course.id}?page=0").status_code == 422


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

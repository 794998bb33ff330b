"""The page of attendance lists and declarations, and its files."""

import re

import pytest

from proctor.people.tables import Account
from proctor.plumbing.db import Database
from tests.support.cast import Cast
from tests.web.office.conftest import Browse

pytestmark = pytest.mark.db


@pytest.fixture
def url(cast: Cast, database: Database) -> str:
    with database.transaction() as tx:
        tx.get_one(Account, cast.alice.id).learner_number = "N-1"
    return f"/office/courses/{cast.course.id}"


def test_a_declaration_is_recorded_taken_away_and_taken_back(
    cast: Cast, browse: Browse, url: str
) -> None:
    office = browse(cast.olga)
    form = {"number": "N-1", "declared_on": "2026-08-31"}
    assert office.post(f"{url}/declarations", data=form).status_code == 303
    again = office.post(f"{url}/declarations", data=form)
    assert (again.status_code, "on record" in again.text) == (409, True)
    assert office.get(f"{url}/declarations.pdf").content.startswith(b"%PDF")
    assert b"N-1" in office.get(f"{url}/declarations.csv").content
    assert office.get(f"{url}/declarations.xlsx").content.startswith(b"PK")
    (row,) = re.findall(r"declarations/(\w+)/withdrawal", office.get(f"{url}/attendance").text)
    assert office.post(f"{url}/declarations/{row}/withdrawal").status_code == 303
    assert "There are no declarations." in office.get(f"{url}/attendance").text


@pytest.mark.parametrize(
    ("number", "day", "said"),
    [("N-1", "2026-09-01", "begins on 01.09.2026"), ("N-9", "2026-08-31", "no learner")],
)
def test_what_is_wrong_with_a_declaration_is_said(
    cast: Cast, browse: Browse, url: str, number: str, day: str, said: str
) -> None:
    form = {"number": number, "declared_on": day}
    answer = browse(cast.olga).post(f"{url}/declarations", data=form)
    assert (answer.status_code, said in answer.text.lower()) == (422, True)


def test_attendance_is_taken_away_for_days_in_which_something_is_held(
    cast: Cast, browse: Browse, url: str
) -> None:
    office, days = browse(cast.olga), "part=session&first=2026-11-02&last=2026-11-02"
    assert office.get(f"{url}/attendance.pdf?{days}").content.startswith(b"%PDF")
    assert "N-1" in office.get(f"{url}/attendance.csv?{days}").text
    empty = office.get(f"{url}/attendance.csv?part=session&first=2026-10-01&last=2026-10-02")
    assert (empty.status_code, "No event of the course" in empty.text) == (422, True)


def test_the_page_is_of_the_office_alone(cast: Cast, browse: Browse, url: str) -> None:
    for path in ("attendance", "declarations.csv"):
        assert browse(cast.tom).get(f"{url}/{path}").status_code == 404


@pytest.mark.parametrize(
    "days", ["first=2026-11-02&last=9999-12-31", "first=0001-01-01&last=2026-12-01"]
)
def test_days_of_no_calendar_here_are_refused(
    cast: Cast, browse: Browse, url: str, days: str
) -> None:
    answer = browse(cast.olga).get(f"{url}/attendance.csv?part=session&{days}")
    assert answer.status_code == 422

"""The first page of the exam office: what it counts, its map, and the ways on from it."""

import asyncio
import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

from proctor.people.tables import Account
from proctor.plumbing.db import Database
from proctor.reports.bookkeeper import Bookkeeper
from tests.support.cast import NOON, Cast
from tests.support.clock import SetClock
from tests.support.sittings import incident_of, sitting_of

pytestmark = pytest.mark.db

Browse = Callable[[Account], TestClient]


@pytest.fixture
def gathered(cast: Cast, database: Database) -> Cast:
    with database.transaction() as tx:
        sitting = sitting_of(tx, cast, cast.alice, NOON)
        incident_of(tx, sitting, "face_mismatch", 5.0, 9.0)
    asyncio.run(Bookkeeper(database, SetClock(NOON)).round())
    return cast


def counts(text: str, name: str) -> dict[str, int]:
    return {key: int(n) for key, n in re.findall(rf'data-{name}="(\w+)">(\d+)<', text)}


def test_the_overview_counts_courses_learners_and_reviews(gathered: Cast, browse: Browse) -> None:
    text = browse(gathered.olga).get("/office").text
    assert counts(text, "state") == {"ahead": 0, "under_way": 2, "over": 0, "reported": 0}
    # Alice's and Bob's final are pending; Charlie's course has no scheme yet
    assert counts(text, "stand") == {"met": 0, "open": 2, "below": 0, "not_applicable": 1}
    assert counts(text, "age") == {"0": 1, "1": 0, "2": 0, "3": 0}
    assert "Figures as of 2 Nov 2026, 17:00." in text


def test_numbers_of_learners_lead_to_their_list(gathered: Cast, browse: Browse) -> None:
    client = browse(gathered.olga)
    address = f"/office/courses/{gathered.course.id}?stand=open"
    assert f'href="{address}#roster"' in client.get("/office").text
    listed = client.get(address).text
    assert ("Alice" in listed, "Bob" in listed) == (True, True)
    nobody = client.get(f"/office/courses/{gathered.course.id}?stand=met").text
    assert ("Alice" in nobody, "Bob" in nobody) == (False, False)
    assert client.get(f"/office/courses/{gathered.course.id}?stand=none").status_code == 422


def test_the_map_is_a_picture_with_the_same_figures_in_a_table(
    gathered: Cast, browse: Browse
) -> None:
    client = browse(gathered.olga)
    for query in ("", f"?course={gathered.course.id}"):
        text = client.get(f"/office{query}").text
        drawn = re.search(r"<svg.*?</svg>", text, re.S)
        assert drawn is not None
        picture = ElementTree.fromstring(drawn.group())
        assert [each.text for each in picture.iter("text")][-2:] == ["0", "0"]
        assert picture.get("role") == "img"
        assert text.count("0 %, sittings: 1") == 2


def test_filters_leave_what_was_chosen(gathered: Cast, browse: Browse) -> None:
    client = browse(gathered.olga)
    client.cookies.set("tanu_language", "kk")
    other = client.get(f"/office?course={gathered.other_course.id}").text
    assert counts(other, "state")["under_way"] == 1
    assert counts(other, "age")["0"] == 0
    assert f'value="{gathered.other_course.id}" selected' in other
    term = client.get("/office?term=2026-09-01/2026-12-31").text
    assert counts(term, "state")["under_way"] == 2
    assert counts(client.get("/office?term=2020-01-01/2020-02-01").text, "state")["under_way"] == 0


def test_before_anything_was_gathered_the_page_says_so(cast: Cast, browse: Browse) -> None:
    text = browse(cast.olga).get("/office").text
    assert "Courses whose figures are not gathered yet: 2." in text
    assert "not gathered yet</td>" in text

"""The office grants accommodations on a page: effects without their cause."""

import pytest

from proctor.exams.accommodations import Accommodation, Effect, accommodation_of
from tests.support.service import Service

pytestmark = pytest.mark.db


def test_what_is_granted_holds_is_shown_and_is_replaced_by_the_next(service: Service) -> None:
    cast = service.cast
    with service.db.transaction() as tx:
        tx.merge(cast.alice).learner_number = "D-1"
    office, url = service.client("olga"), f"/office/courses/{cast.course.id}/accommodations"
    given = {"number": " D-1 ", "effects": ["breaks", "gaze_off"], "extra_time": "25"}

    def held() -> Accommodation:
        with service.db.reading() as tx:
            return accommodation_of(tx, cast.alice.id, cast.course.id)

    assert office.post(url, data=given).status_code == 303
    assert held() == Accommodation(frozenset({Effect.BREAKS, Effect.GAZE_OFF}), 25)
    page = office.get(url).text
    assert "Breaks are allowed" in page
    assert "Extra time: 25 %" in page

    for wrong, said in (
        ({"number": "D-9"}, "There is no learner with this number"),
        ({"number": "D-1", "extra_time": "900"}, "Extra time is between 0 and 200"),
    ):
        refused = office.post(url, data=wrong)
        assert refused.status_code == 422
        assert said in refused.text
    assert office.post(url, data={"number": "D-1", "effects": "autism"}).status_code == 422
    assert held().extra_time_percent == 25

    assert office.post(url, data={"number": "D-1"}).status_code == 303
    assert held() == Accommodation()
    assert "Nobody is granted anything" in office.get(url).text


def test_only_the_office_grants(service: Service) -> None:
    url = f"/office/courses/{service.cast.course.id}/accommodations"
    for name in ("tom", "paula", "rita", "alice"):
        client = service.client(name)
        assert [client.get(url).status_code, client.post(url).status_code] == [404, 404]

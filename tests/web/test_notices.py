"""What a person was told, on the page: their own, with the way to what it is about."""

import re

import pytest

from proctor.people.notices import About, NoticeKind, notices_of, tell
from tests.support.service import Service
from tests.support.sittings import sitting_of

pytestmark = pytest.mark.db


def test_notices_are_counted_shown_and_opened_by_their_reader_alone(service: Service) -> None:
    now = service.services.clock.now()
    with service.db.transaction() as tx:
        alice = service.cast.alice
        sitting = sitting_of(tx, service.cast, alice, now)
        tell(tx, NoticeKind.DECISION, About(alice.id, sitting.id, "<Final>"), now)
        (notice,) = notices_of(tx, alice.id)
    client = service.client("alice")

    assert "Notifications (1 new)" in client.get("/exams").text
    page = client.get("/notices").text
    assert "A decision was made on your exam: “&lt;Final&gt;”" in page
    assert re.findall(r"\sstyle=|<style|\son\w+=", page) == []

    assert service.client("bob").post(f"/notices/{notice.id}").status_code == 404
    assert "(1 new)" in client.get("/notices").text
    opened = client.post(f"/notices/{notice.id}")
    assert (opened.status_code, opened.headers["location"]) == (
        303,
        f"/sittings/{sitting.id}/record",
    )
    assert "new)" not in client.get("/notices").text
    assert service.client(None).get("/notices").status_code in (303, 401)


def test_everybody_has_the_page(service: Service) -> None:
    for name in ("paula", "rita", "tom", "olga"):
        assert "There are no notifications." in service.client(name).get("/notices").text

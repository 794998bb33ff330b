"""The office's page of terms, of what is past them, and of legal holds."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from proctor.observations import Track
from proctor.people import accounts
from proctor.people.tables import Role
from proctor.retention.rules import Kept
from proctor.retention.tables import LegalHold
from proctor.retention.terms import terms_of
from tests.support.references import reference_of
from tests.support.service import Service
from tests.support.sittings import record_track, sitting_of

pytestmark = pytest.mark.db
PAGE = "/office/retention"
REASON = "The court asks for it."


def holds(service: Service) -> list[LegalHold]:
    with service.db.reading() as tx:
        return list(tx.scalars(select(LegalHold)))


def test_terms_are_changed_and_nonsense_is_refused(service: Service) -> None:
    olga = service.client("olga")
    sent = {"kept": "recordings", "days": "14"}
    assert olga.post(f"{PAGE}/terms", data=sent).status_code == 303
    assert 'value="14"' in olga.get(PAGE).text
    refused = olga.post(f"{PAGE}/terms", data=sent | {"days": "0"})
    assert (refused.status_code, "between 1 and 3650 days" in refused.text) == (422, True)
    with service.db.reading() as tx:
        terms = terms_of(tx, service.cast.institution.id)
        assert [terms.days(kept) for kept in Kept] == [14, 365]


def test_too_many_samples_at_once_are_told(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.retention.due.FEW", 0)
    begun = service.services.clock.now() - timedelta(days=365)
    with service.db.transaction() as tx:
        reference_of(tx, service.cast.bob, begun)
    page = service.client("olga").get(PAGE).text
    assert "Samples due at once: 1, of 1." in page
    assert "Sittings due at once" not in page


def test_a_hold_is_set_by_two_people_and_read_by_the_student(service: Service) -> None:
    now = service.services.clock.now()
    with service.db.transaction() as tx:
        institution_id = service.cast.institution.id
        oleg = accounts.add(tx, institution_id, "oleg@example.org", "Oleg", Role.EXAM_OFFICE)
        sitting = sitting_of(tx, service.cast, service.cast.alice, now)
        root = service.services.settings.recordings_dir
        record_track(tx, sitting, root, Track.CAMERA, seconds=1, plain=True)
    olga = service.client("olga")
    day = (now + timedelta(days=30)).date()
    form = {"student": "alice@example.org", "reason": REASON, "until": day.isoformat()}
    nobody = olga.post(f"{PAGE}/holds", data=form | {"student": "nobody"})
    assert (nobody.status_code, REASON in nobody.text) == (422, True)
    assert olga.post(f"{PAGE}/holds", data=form | {"reason": "short"}).status_code == 422
    assert olga.post(f"{PAGE}/holds", data=form).status_code == 303
    (hold,) = holds(service)
    alone = olga.post(f"{PAGE}/holds/{hold.id}/confirm")
    assert (alone.status_code, "Two different people" in alone.text) == (409, True)
    record = f"/sittings/{sitting.id}/record"
    assert REASON not in service.client("alice").get(record).text
    with service.db.transaction() as tx:
        tx.get_one(LegalHold, hold.id).asked_by = oleg.id
    assert olga.post(f"{PAGE}/holds/{hold.id}/confirm").status_code == 303
    told = service.client("alice").get(record).text
    assert f"A legal hold until {day:%d.%m.%Y}: {REASON}" in told
    assert "as long as: the identity is not decided yet; a legal hold is in force" in told
    assert olga.post(f"{PAGE}/holds/{hold.id}/lift").status_code == 303
    assert "lifting waits for a second person" in olga.get(PAGE).text
    assert holds(service)[0].lifted_at is None

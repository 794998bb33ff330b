"""A repair window from the office's page to the student's sitting."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from proctor.clock import TIME_ZONE
from proctor.exams.tables import AssessmentEvent
from proctor.identity.enrolment import KEY_SAMPLES
from proctor.identity.tables import Modality
from proctor.live.loading import load
from proctor.people import consents
from proctor.people.tables import Purpose
from proctor.review.queue import under_way
from proctor.sittings.tables import RepairWindow, Sitting, SittingState
from tests.support.references import reference_of
from tests.support.service import Service
from tests.support.sittings import sitting_of

pytestmark = pytest.mark.db


def local(at: datetime) -> str:
    return f"{at.astimezone(TIME_ZONE):%Y-%m-%dT%H:%M}"


def enrol_typing(service: Service) -> None:
    now = service.services.clock.now()
    with service.db.transaction() as tx:
        reference_of(
            tx,
            service.cast.alice,
            now - timedelta(days=1),
            modality=Modality.KEYSTROKE,
            samples=KEY_SAMPLES,
        )


def test_the_office_opens_a_window_and_the_student_sits_again_in_it(service: Service) -> None:
    now, cast = service.services.clock.now(), service.cast
    with service.db.transaction() as tx:
        final = tx.get_one(AssessmentEvent, cast.final.id)
        final.opens_at, final.closes_at = now - timedelta(days=3), now - timedelta(days=2)
        # no face was compared, so that nothing verified it
        sitting_of(tx, cast, cast.alice, now - timedelta(days=2, minutes=5))
    olga, alice = service.client("olga"), service.client("alice")
    event = f"/office/courses/{cast.course.id}/events/final"
    form = {
        "technology": "keystroke",
        "opens_at": local(now - timedelta(days=1)),
        "closes_at": local(now + timedelta(days=1)),
    }
    before = olga.post(f"{event}/repairs", data=form | {"technology": "proctoring"})
    assert before.status_code == 422
    assert olga.post(f"{event}/repairs", data=form).status_code == 303
    assert 'data-window="' in olga.get(event).text
    # consent and samples of the other technology come first
    start = f'action="/exams/{cast.final.id}/repairs"'
    listed = alice.get("/exams").text
    assert 'data-repair="keystroke"' in listed
    assert "You are not verified in this event yet." in listed
    assert (start in listed, "Answer on the consent page" in listed) == (False, True)
    with service.db.transaction() as tx:
        given = dict.fromkeys(Purpose, True)
        consents.record(tx, service.services.vault, cast.alice.id, given, "en", now)
    assert start not in alice.get("/exams").text
    enrol_typing(service)
    assert start in alice.get("/exams").text
    identity = alice.get(f"/courses/{cast.course.id}/identity").text
    assert "Can be verified by another technology" in identity
    opened = alice.post(f"/exams/{cast.final.id}/repairs")
    assert opened.status_code == 303
    assert alice.get(opened.headers["location"]).status_code == 200
    assert alice.post(f"/exams/{cast.final.id}/repairs").headers == opened.headers
    # it ends with the window, and the proctor sees it before it begins
    with service.db.transaction() as tx:
        window = tx.scalars(select(RepairWindow)).one()
        sitting = tx.get_one(Sitting, opened.headers["location"].rpartition("/")[2])
        assert (sitting.attempt, sitting.state) == (2, SittingState.CREATED)
        sitting.state = SittingState.CHECKING
    assert load(service.services.live.line, sitting.id, now).closes_at == window.closes_at
    with service.db.reading() as tx:
        watched = [each.sitting.id for each in under_way(tx, cast.paula, now)]
    assert watched == [sitting.id]
    assert olga.post(f"{event}/repairs/{window.id}/end").status_code == 303
    assert 'data-repair="' not in alice.get("/exams").text
    assert alice.post(f"/exams/{cast.final.id}/repairs").status_code == 404

"""Admission and the way out of an exam online: what the office decides, what a learner reads."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from proctor import events
from proctor.centres.imports import CENTRES, PROTOCOLS
from proctor.exams.roster import learners_of
from proctor.exams.schemes import add_version, events_in_force
from proctor.exams.tables import AssessmentEvent, Course
from proctor.live.invigilation import Invigilation
from proctor.people.tables import Account
from proctor.shares.decision import OutcomeDecision
from proctor.shares.outcomes import course_outcomes
from proctor.sittings.interventions import Said
from proctor.sittings.tables import Sitting, SittingState
from tests.support.intake import take_in
from tests.support.service import Service
from tests.web.students.test_pages import ALL, begin, open_sitting

pytestmark = pytest.mark.db

REASON = "The line of the campus is down."


def event_page(service: Service) -> str:
    return f"/office/courses/{service.cast.course.id}/events/final"


def declare(service: Service, **more: str) -> None:
    form = {"cause": "outage", "reason": REASON, **more}
    answer = service.client("olga").post(f"{event_page(service)}/on-site", data=form)
    assert answer.status_code == 303


def start(service: Service, browser: TestClient) -> Any:
    event = newest_final(service)
    return browser.post(f"/exams/{event}/sittings")


def newest_final(service: Service) -> str:
    with service.db.reading() as tx:
        found = events_in_force(tx, service.cast.course.id)
        return next(event.id for event in found if event.code == "final")


def decision_of(service: Service, name: str = "alice") -> OutcomeDecision:
    with service.db.reading() as tx:
        course = tx.get_one(Course, service.cast.course.id)
        person = service.cast.people[name]
        outcomes = course_outcomes(tx, course, [person], service.services.clock.now())
        return next(o.decision for o in outcomes[person.id] if o.code == "final")


def test_an_event_is_sat_on_another_site_whose_address_is_checked(service: Service) -> None:
    office, page = service.client("olga"), event_page(service)

    refused = office.post(f"{page}/test", data={"url": "http://quiz.example/7"})
    assert (refused.status_code, "begins with https://" in refused.text) == (422, True)
    answer = office.post(f"{page}/test", data={"url": "https://quiz.example/7"})
    assert answer.headers["location"] == f"{page}#test"
    assert 'value="https://quiz.example/7"' in office.get(page).text

    alice = service.client("alice")
    shown = alice.get(open_sitting(service, alice)).text
    assert "Open the test" in shown
    office.post(f"{page}/test", data={"url": ""})
    assert "quiz.example" not in office.get(page).text
    assert service.client(None).post("/api/visits/unknown").status_code == 404


def with_a_quiz(service: Service) -> None:
    """The course asks for a quiz before its final."""
    with service.db.transaction() as tx:
        course = tx.get_one(Course, service.cast.course.id)
        for person in learners_of(tx, course.id):
            person.learner_number = f"N-{person.name}"
        copied = {
            column.name: getattr(service.cast.final, column.name)
            for column in AssessmentEvent.__table__.columns
            if column.name not in ("id", "scheme_id")
        }
        quiz = AssessmentEvent(**{**copied, "code": "quiz", "title": "Quiz", "identity_plan": []})
        final = AssessmentEvent(**copied)
        add_version(tx, course, [quiz, final], service.services.clock.now())
    rule = {"requires": "quiz", "demand": "submitted"}
    answer = service.client("olga").post(f"{event_page(service)}/admission", data=rule)
    assert answer.status_code == 303


def test_who_lacks_an_event_is_refused_by_its_name_and_let_in_for_a_reason(
    service: Service,
) -> None:
    with_a_quiz(service)
    alice = service.client("alice")
    alice.post("/consent", data=ALL)
    refused = start(service, alice)
    assert refused.status_code == 409
    assert "hand in these control events first: Quiz." in refused.text
    assert "To be admitted, first do and hand in:" in alice.get("/exams").text
    olga = service.client("olga")
    page = olga.get(event_page(service)).text
    assert "Learners with something missing: 2." in page
    form = {"learner": "N-Alice", "reason": "By order No. 14 of the rector."}
    assert olga.post(f"{event_page(service)}/overrides", data=form).status_code == 303
    assert "Let in by Olga" in olga.get(event_page(service)).text
    assert start(service, alice).status_code == 303
    assert decision_of(service).reasons[-1] == "admitted_by_override"


def test_an_outage_blocks_the_start_and_tells_learners_in_their_language(service: Service) -> None:
    alice = service.client("alice")
    path = open_sitting(service, alice)
    declare(service)
    assert start(service, alice).status_code == 409
    alice.cookies.set("tanu_language", "kk")
    page = alice.get("/exams").text
    assert "Онлайн-прокторинг қолжетімсіз. Емтиханды дәстүрлі түрде тапсырасыз." in page
    assert "Күні мен орнын емтихан бөлімі осы бетте хабарлайды." in page
    assert f"/exams/{service.cast.final.id}/sittings" not in page
    assert path not in page
    assert (decision_of(service).outcome, decision_of(service).reasons) == ("pending", ("on_site",))
    assert decision_of(service, "bob").reasons == ("on_site",)


def test_the_office_appoints_a_place_or_has_it_held_online_again(service: Service) -> None:
    declare(service)
    olga, alice = service.client("olga"), service.client("alice")
    alice.post("/consent", data=ALL)
    with service.db.reading() as tx:
        (row,) = events.read(tx, f"course:{service.cast.course.id}", "moved_on_site")
    here = f"{event_page(service)}/on-site/{row.payload['on_site']}"
    wrong = olga.post(here, data={"place": "Hall 3", "held_at": "tomorrow"})
    assert wrong.status_code == 422
    olga.post(here, data={"place": "Hall 3", "held_at": "2026-12-01T10:00"})
    page = alice.get("/exams").text
    assert "Place: Hall 3." in page
    assert "does not affect your grade" in page
    assert olga.post(f"{here}/withdrawal").status_code == 303
    assert start(service, alice).status_code == 303
    assert olga.post(f"{here}/withdrawal").status_code == 404


def test_who_refuses_to_be_recorded_sits_on_site_until_they_agree(service: Service) -> None:
    alice = service.client("alice")
    alice.post("/consent", data={"decline": "yes"})
    assert "You did not agree to the recording." in alice.get("/exams").text
    assert decision_of(service).reasons == ("on_site",)
    assert "No consent to the recording" in service.client("olga").get(event_page(service)).text
    alice.post("/consent", data=ALL)
    assert start(service, alice).status_code == 303


def test_an_outage_in_an_exam_suspends_it_until_somebody_decides(service: Service) -> None:
    alice, bob, olga = (service.client(name) for name in ("alice", "bob", "olga"))
    paths = [open_sitting(service, browser) for browser in (alice, bob)]
    for path in paths:
        begin(service, path)
    declare(service)
    ids = [path.rsplit("/", 1)[1] for path in paths]
    assert states(service, ids) == [SittingState.SUSPENDED] * 2
    assert "Suspended exams" in olga.get(event_page(service)).text
    here = f"{event_page(service)}/sittings"
    decided = [
        olga.post(f"{here}/{ids[0]}", data={"decision": "on_site", "reason": REASON}),
        olga.post(f"{here}/{ids[1]}", data={"decision": "resume", "reason": REASON}),
    ]
    assert [answer.status_code for answer in decided] == [303, 303]
    assert states(service, ids) == [SittingState.FINISHED, SittingState.RUNNING]
    with service.db.reading() as tx:
        logged = [events.read(tx, each, "outage_decided")[0].payload for each in ids]
        assert [each["decision"] for each in logged] == ["on_site", "resume"]
        assert [events.verify(tx, each) for each in ids] == [None, None]
    assert "You will take it again in the traditional form." in alice.get("/exams").text
    with service.db.reading() as tx:
        (_, moved) = events.read(tx, f"course:{service.cast.course.id}", "moved_on_site")
    withdrawal = f"{event_page(service)}/on-site/{moved.payload['on_site']}/withdrawal"
    assert withdrawal not in olga.get(event_page(service)).text
    refused = olga.post(withdrawal)
    assert (refused.status_code, "cannot go on online" in refused.text) == (409, True)
    assert decision_of(service).reasons == ("on_site",)
    again = olga.post(f"{here}/{ids[1]}", data={"decision": "resume", "reason": REASON})
    assert again.status_code == 404


def test_the_protocol_of_the_sitting_on_site_verifies_the_event(service: Service) -> None:
    alice = service.client("alice")
    path = open_sitting(service, alice)
    begin(service, path)
    declare(service)
    sitting = path.rsplit("/", 1)[1]
    decision = {"decision": "on_site", "reason": REASON}
    service.client("olga").post(f"{event_page(service)}/sittings/{sitting}", data=decision)
    record = alice.get(f"{path}/record").text
    assert "sat in the traditional form, the protocol is awaited" in record
    with service.db.transaction() as tx:
        olga = tx.merge(service.cast.olga)
        tx.merge(service.cast.alice).learner_number = "S-1"
        now = service.services.clock.now()
        take_in(
            tx, CENTRES, olga, b"code,name,region,workplaces,invigilators\nA,A,A,1,Kairat\n", now
        )
        header = (
            "centre_code,protocol,course_code,event_code,held_at,invigilator,signed_on,"
            "learner_number,attended,workplace,identity_document,conditions_controlled\n"
        )
        line = "A,7,MOOC-1,final,2099-01-01T10:00+05:00,Kairat,2099-01-01,S-1,yes,1,id_card,yes\n"
        take_in(tx, PROTOCOLS, olga, f"{header}{line}".encode(), now)
    assert decision_of(service).outcome == "verified"
    reads = {"alice": f"{path}/record", "rita": f"/review{path}"}
    for name, page in reads.items():
        text = service.client(name).get(page).text
        assert "It rests on protocol No. 7 of A." in text
        assert 'id="overruled" data-outcome="verified"' in text


def test_what_could_not_be_suspended_is_when_it_is_declared_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [open_sitting(service, service.client(name)) for name in ("alice", "bob")]
    for path in paths:
        begin(service, path)
    ids = sorted(path.rsplit("/", 1)[1] for path in paths)
    pause = Invigilation.pause

    async def pause_or_fail(each: Invigilation, author: Account, reason: str) -> Said:
        if each._journal.sitting.id == ids[0]:
            raise TimeoutError
        return await pause(each, author, reason)

    form = {"cause": "outage", "reason": REASON}
    olga = service.client("olga")
    with monkeypatch.context() as patch:
        patch.setattr(Invigilation, "pause", pause_or_fail)
        with pytest.raises(TimeoutError):
            olga.post(f"{event_page(service)}/on-site", data=form)
    assert states(service, ids) == [SittingState.RUNNING, SittingState.SUSPENDED]
    assert "Exams still running: 1" in olga.get(event_page(service)).text
    assert olga.post(f"{event_page(service)}/on-site", data=form).status_code == 303
    assert states(service, ids) == [SittingState.SUSPENDED] * 2
    assert "Exams still running" not in olga.get(event_page(service)).text
    with service.db.reading() as tx:
        assert len(events.read(tx, f"course:{service.cast.course.id}", "moved_on_site")) == 1


def states(service: Service, sittings: list[str]) -> list[SittingState]:
    with service.db.reading() as tx:
        return [tx.get_one(Sitting, each).state for each in sittings]


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "2026-11-05T10:00+00:00", "soon"])
def test_a_time_that_cannot_be_meant_is_refused(service: Service, at: str) -> None:
    form = {"cause": "outage", "reason": REASON, "place": "Hall 2", "held_at": at}
    answer = service.client("olga").post(f"{event_page(service)}/on-site", data=form)
    assert answer.status_code == 422

"""The numbered edge cases of the share: one test each, named by its number."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from proctor.catalogue import LOCALES
from proctor.centres.tables import Centre, Document, Protocol, ProtocolEntry
from proctor.exams.peers import PEERS
from proctor.exams.recredits import RECREDITS
from proctor.exams.schemes import add_version, warnings_of
from proctor.exams.tables import (
    AssessmentEvent,
    AssessmentScheme,
    Course,
    Dispensation,
    EventKind,
    Mode,
)
from proctor.identity.tables import CheckResult, IdentityCheck, Modality
from proctor.media.tables import Recording
from proctor.observations import Track
from proctor.people.tables import Account
from proctor.plumbing.db import new_id
from proctor.reports.build import IdentityReport, LearnerReport, PeersOfWork, build_report
from proctor.reports.document import as_json, canonical
from proctor.reports.issue import document_of, issue
from proctor.reports.verification import report_problems
from proctor.reports.wording import printed
from proctor.review.tables import Decision
from proctor.shares.calculator import Outcome, Share
from proctor.shares.course_file import as_json as readings_json
from proctor.shares.course_file import readings_of
from proctor.shares.decision import MethodOutcome
from proctor.shares.outcomes import RECREDITED, EventOutcome, course_outcomes
from proctor.shares.packs import pack
from proctor.sittings.declarations import declare, declared_in, take_back
from proctor.sittings.tables import Sitting, SittingState
from tests.support.exam_course import EXAM_S, NOW, ExamCourse
from tests.support.intake import take_in

pytestmark = pytest.mark.db

KZ = pack("KZ-137-2016")
MATCH, NO_MATCH, NOT_ASSESSED = CheckResult.MATCH, CheckResult.NO_MATCH, CheckResult.NOT_ASSESSED


def row(made: ExamCourse, code: str, learner: int = 0) -> EventOutcome:
    account = made.learners[learner]
    rows = course_outcomes(made.tx, made.course, [account], NOW)[account.id]
    return next(each for each in rows if each.code == code)


def outcome(made: ExamCourse, code: str, learner: int = 0) -> Outcome:
    return row(made, code, learner).decision.outcome


def learner(made: ExamCourse, number: int = 0) -> LearnerReport:
    return of(build_report(made.tx, made.course.id, NOW), made.learners[number].learner_number)


def of(report: IdentityReport, number: str | None) -> LearnerReport:
    return next(each for each in report.learners if each.number == number)


def centre_says(
    made: ExamCourse,
    code: str,
    *,
    signed: bool = True,
    document: Document | None = Document.ID_CARD,
    conditions: bool = True,
    attended: bool = True,
    held_at: datetime = NOW,
) -> None:
    """A protocol of a test centre about the first learner."""
    centre = Centre(
        institution_id=made.institution.id,
        code=new_id(),
        name="Атырау",
        region="Атырау",
        workplaces=[],
        invigilators=[],
    )
    made.tx.add(centre)
    made.tx.flush()
    protocol = Protocol(
        centre_id=centre.id,
        number="17",
        event_id=made.events[code].id,
        held_at=held_at,
        invigilator="Жанна Ким",
        signed_on=held_at.date() if signed else None,
    )
    made.tx.add(protocol)
    made.tx.flush()
    made.tx.add(
        ProtocolEntry(
            protocol_id=protocol.id,
            account_id=made.learners[0].id,
            attended=attended,
            document=document,
            conditions=conditions,
        )
    )
    made.tx.flush()


def dispense(made: ExamCourse, code: str, learner: Account | None) -> None:
    made.tx.add(
        Dispensation(
            course_id=made.course.id,
            event_code=code,
            account_id=learner.id if learner else None,
            reason="№ 14",
            by=made.office.id,
            at=NOW,
        )
    )
    made.tx.flush()


def file_shares(
    *events: tuple[str, list[str], list[dict[str, Any]]], **policy: str
) -> dict[str, Any]:
    document = {
        "policy": {"id": "KZ-137-2016", **policy},
        "events": [
            {"id": f"e{n}", "weight": weight, "plan": plan}
            for n, (weight, plan, _) in enumerate(events)
        ],
        "attempts": [
            {"event": f"e{n}", **attempt}
            for n, (_, _, attempts) in enumerate(events)
            for attempt in attempts
        ],
    }
    return readings_json(readings_of(json.dumps(document)))


def tried(*outcomes: str, counted: bool | None = None) -> list[dict[str, Any]]:
    return [{"outcome": each, "counted": counted} for each in outcomes]


PLAN = ["proctoring"]


def test_e01_a_planned_check_that_failed_does_not_verify(made: ExamCourse) -> None:
    made.sit(made.learners[0], "essay", keys=NO_MATCH)
    assert outcome(made, "essay") is Outcome.PENDING
    assert learner(made).count.low.num == 0


def test_e02_what_is_not_held_yet_counts_in_the_design_and_only_in_the_high_end(
    made: ExamCourse,
) -> None:
    report = build_report(made.tx, made.course.id, NOW)
    assert report.design.count.num == 3
    first = of(report, "S-0001")
    assert row(made, "final").decision.is_ahead
    assert (first.weight.low.num, first.weight.high.num, first.weight.low.den) == (0, 40, 100)


def test_e03_an_open_incident_gives_a_range_and_the_low_end_is_tested(made: ExamCourse) -> None:
    made.incident(made.sit(made.learners[0], "final"), "face_mismatch", 10, 20)
    first = learner(made)
    assert (first.weight.low.percent_floored, first.weight.high.percent_floored) == (
        "0.00",
        "40.00",
    )
    assert first.weight.low.met(KZ) is False


def test_e04_confirmed_substitution_voided_by_two_people_stays_in_the_denominator(
    made: ExamCourse,
) -> None:
    sitting = made.sit(made.learners[0], "final")
    incident = made.incident(sitting, "face_mismatch", 10, 20)
    made.decide(sitting, 0, Decision.CONFIRMED, incident=incident)
    made.decide(sitting, 0, Decision.VOID, minute=1)
    made.decide(sitting, 1, Decision.VOID, minute=2)
    assert outcome(made, "final") is Outcome.VOIDED
    first = learner(made)
    assert (first.weight.high.num, first.weight.high.den) == (0, 100)


def test_e05_confirmed_conduct_with_identity_certain_stays_verified(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final")
    made.decide(sitting, 0, Decision.CONFIRMED, incident=made.incident(sitting, "paste", 40, 40))
    assert outcome(made, "final") is Outcome.VERIFIED


def test_e06_a_dismissed_incident_verifies_again_and_both_decisions_are_kept(
    made: ExamCourse,
) -> None:
    sitting = made.sit(made.learners[0], "final")
    incident = made.incident(sitting, "face_mismatch", 10, 20)
    made.decide(sitting, 0, Decision.CONFIRMED, incident=incident)
    first = issue(made.tx, made.course.id, made.office.id, NOW)
    made.decide(sitting, 1, Decision.DISMISSED, incident=incident, minute=5)
    assert outcome(made, "final") is Outcome.VERIFIED
    second = issue(made.tx, made.course.id, made.office.id, NOW)
    alice = next(each for each in document_of(second)["learners"] if each["number"] == "S-0001")
    found = alice["events"][-1]["sitting"]["verdicts"]
    assert [verdict["decision"] for verdict in found] == ["confirmed", "dismissed"]
    assert (second.version, document_of(second)["supersedes"]) == (2, first.sha256)


def test_e07_a_decision_after_the_issue_leaves_the_issued_report_as_it_was(
    made: ExamCourse,
) -> None:
    sitting = made.sit(made.learners[0], "final")
    issued = issue(made.tx, made.course.id, made.office.id, NOW)
    before = issued.body
    made.decide(sitting, 0, Decision.UNVERIFIED)
    made.decide(sitting, 1, Decision.UNVERIFIED, minute=1)
    made.tx.refresh(issued)
    assert issued.body == before
    assert outcome(made, "final") is Outcome.UNVERIFIED


def test_e08_only_the_attempt_that_replaces_the_score_matters(made: ExamCourse) -> None:
    earlier = made.sit(made.learners[0], "final")
    made.decide(earlier, 0, Decision.UNVERIFIED)
    made.decide(earlier, 1, Decision.UNVERIFIED, minute=1)
    made.sit(made.learners[0], "final", attempt=2)
    assert (outcome(made, "final"), row(made, "final").attempt) == (Outcome.VERIFIED, 2)
    assert made.tx.get(Sitting, earlier.id) is not None


def test_e09_of_best_of_attempts_the_counted_one_decides() -> None:
    best = [{"outcome": "unverified", "counted": True}, *tried("verified", "verified")]
    assert file_shares(("100", PLAN, best))["learner"]["count"]["low"]["num"] == 0


def test_e10_an_average_is_verified_only_if_every_attempt_in_it_is() -> None:
    def average(*outcomes: str) -> dict[str, Any]:
        shares = file_shares(("100", PLAN, tried(*outcomes, counted=True)))
        count = shares["learner"]["count"]
        return {end: count[end]["num"] for end in ("low", "high")}

    assert average("verified", "verified") == {"low": 1, "high": 1}
    assert average("verified", "pending") == {"low": 0, "high": 1}
    assert average("pending", "voided", "verified") == {"low": 0, "high": 0}


def test_e11_segments_of_a_restarted_attempt_are_joined(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final")
    made.tx.query(Recording).filter_by(sitting_id=sitting.id).update({"recorded_s": 45.0})
    assert row(made, "final").decision.reasons == (
        "biometrics:camera_coverage",
        "proctoring:camera_coverage",
    )
    for track in Track:
        made.tx.add(
            Recording(
                sitting_id=sitting.id,
                track=track,
                part=2,
                path=f"{sitting.id}/{track}-2.webm",
                starts_s=45.0,
                recorded_s=EXAM_S - 45.0,
                bytes=1,
                sha256="b" * 64,
            )
        )
    made.tx.flush()
    made.tx.expire_all()
    assert outcome(made, "final") is Outcome.VERIFIED


def test_e12_too_little_recorded_is_pending_until_a_person_verifies_it(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final", recorded_s=80.0)
    assert outcome(made, "final") is Outcome.PENDING
    made.decide(sitting, 0, Decision.VERIFIED)
    decided = row(made, "final").decision
    assert (decided.outcome, decided.reasons) == (Outcome.VERIFIED, ("decided_by_person",))


def test_e13_methods_that_disagree_are_pending(made: ExamCourse) -> None:
    made.sit(made.learners[0], "final", keys=NO_MATCH)
    found = row(made, "final").decision
    assert found.outcome is Outcome.PENDING
    said = {method.technology: method.result for method in found.methods}
    assert said["biometrics"] is MethodOutcome.PASS
    assert said["keystroke"] is MethodOutcome.NO


def test_e14_too_few_keys_leave_it_to_other_methods_and_alone_verify_nothing(
    made: ExamCourse,
) -> None:
    made.sit(made.learners[0], "final", keys=NOT_ASSESSED)
    assert outcome(made, "final") is Outcome.VERIFIED
    essay = made.sit(made.learners[0], "essay", keys=NOT_ASSESSED)
    # not verified at once; the adverse word itself is a person's
    assert outcome(made, "essay") is Outcome.PENDING
    made.decide(essay, 0, Decision.UNVERIFIED)
    made.decide(essay, 1, Decision.UNVERIFIED, minute=1)
    assert outcome(made, "essay") is Outcome.UNVERIFIED


def test_e15_comparisons_before_the_exam_do_not_verify_it(made: ExamCourse) -> None:
    made.sit(made.learners[0], "final", faces=())
    assert outcome(made, "final") is Outcome.PENDING


def test_e16_a_centre_that_states_both_facts_verifies_an_event_planned_online(
    made: ExamCourse,
) -> None:
    sitting = made.sit(made.learners[0], "final", state=SittingState.SUSPENDED)
    assert sitting.started_at is not None
    centre_says(made, "final", held_at=sitting.started_at - timedelta(days=1))
    assert outcome(made, "final") is Outcome.PENDING
    centre_says(made, "final", held_at=sitting.started_at + timedelta(hours=1))
    found = row(made, "final").decision
    assert found.outcome is Outcome.VERIFIED
    assert [method.technology.value for method in found.methods] == ["test_centre"]


@pytest.mark.parametrize(
    ("document", "conditions", "reason"),
    [
        (None, True, "identity_not_checked"),
        (Document.PASSPORT, False, "conditions_not_controlled"),
    ],
)
def test_e17_one_of_the_two_facts_is_not_enough(
    made: ExamCourse, document: Document | None, conditions: bool, reason: str
) -> None:
    for code, said in (("quiz-1", Outcome.NOT_PLANNED), ("midterm", Outcome.PENDING)):
        assert outcome(made, code) in (Outcome.NOT_PLANNED, Outcome.ABSENT)
        centre_says(made, code, document=document, conditions=conditions)
        found = row(made, code).decision
        assert (found.outcome, found.reasons) == (said, (reason,))


def test_e17_on_site_counts_once_a_protocol_is_attached(made: ExamCourse) -> None:
    centre_says(made, "quiz-1")
    assert outcome(made, "quiz-1") is Outcome.VERIFIED


def test_e18_a_late_protocol_is_pending_until_it_is_signed(made: ExamCourse) -> None:
    made.events["midterm"].identity_plan = ["test_centre"]
    assert row(made, "midterm").decision.reasons == ("no_protocol",)
    centre_says(made, "midterm", signed=False)
    found = row(made, "midterm").decision
    assert (found.outcome, found.reasons) == (Outcome.PENDING, ("protocol_unsigned",))
    centre_says(made, "midterm")
    assert outcome(made, "midterm") is Outcome.VERIFIED


def test_e19_an_identity_document_checked_by_a_proctor_counts(made: ExamCourse) -> None:
    made.events["midterm"].identity_plan = ["proctoring"]
    made.sit(made.learners[0], "midterm", identified_via="proctor", faces=(), keys=None)
    assert outcome(made, "midterm") is Outcome.VERIFIED


def test_e20_what_a_learner_is_granted_is_left_to_the_other_technologies(
    made: ExamCourse,
) -> None:
    made.sit(made.learners[0], "final", keys=NOT_ASSESSED)
    made.sit(made.learners[1], "final")
    assert outcome(made, "final") is Outcome.VERIFIED
    granted, usual = learner(made), learner(made, 1)
    assert (granted.count, granted.weight) == (usual.count, usual.weight)


def test_e21_a_suspended_attempt_is_not_verified(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final", state=SittingState.SUSPENDED)
    assert outcome(made, "final") is Outcome.PENDING
    made.decide(sitting, 0, Decision.UNVERIFIED)
    made.decide(sitting, 1, Decision.UNVERIFIED, minute=1)
    assert outcome(made, "final") is Outcome.UNVERIFIED


def test_e22_absence_stays_in_the_denominator(made: ExamCourse) -> None:
    assert outcome(made, "midterm") is Outcome.ABSENT
    assert learner(made).weight.low.den == 100


def test_e22_absence_at_a_centre_is_told_by_its_protocol(made: ExamCourse) -> None:
    centre_says(made, "final", attended=False, document=None, conditions=False)
    assert outcome(made, "final") is Outcome.ABSENT


def test_e23_cancelled_for_all_or_excused_leaves_the_denominator(made: ExamCourse) -> None:
    dispense(made, "quiz-1", None)
    dispense(made, "midterm", made.learners[0])
    report = build_report(made.tx, made.course.id, NOW)
    assert (outcome(made, "quiz-1"), outcome(made, "midterm")) == (
        Outcome.CANCELLED,
        Outcome.EXCUSED,
    )
    assert of(report, "S-0001").weight.low.den == 70
    assert of(report, "S-0002").weight.low.den == 90
    assert report.design.weight == Share(Fraction(80), Fraction(90))


def test_e24_events_of_no_weight_are_left_out() -> None:
    shares = file_shares(("0", PLAN, tried("verified")), ("100", [], []))
    assert shares["learner"]["count"]["low"]["percent"] == "0.00"
    assert shares["design"]["count"] == {"num": 0, "den": 1, "percent": "0.00", "met": False}


def test_e25_the_base_is_the_sum_of_weights_and_the_office_is_told(made: ExamCourse) -> None:
    made.events["quiz-1"].weight = Decimal(30)
    assert learner(made).weight.low.den == 120
    assert ("office.warning.weights", "120") in [
        (warning.key, warning.value) for warning in warnings_of(made.events.values())
    ]


def test_e26_a_changed_scheme_is_a_new_version_and_its_weights_count(made: ExamCourse) -> None:
    made.sit(made.learners[0], "final")
    kept = [
        AssessmentEvent(
            code=event.code,
            title=event.title,
            kind=event.kind,
            weight=Decimal(50) if event.code == "final" else event.weight,
            mode=event.mode,
            venue=event.venue,
            opens_at=event.opens_at,
            closes_at=event.closes_at,
            duration_s=event.duration_s,
            identity_plan=event.identity_plan,
        )
        for event in made.events.values()
    ]
    add_version(made.tx, made.course, kept, NOW)
    report = build_report(made.tx, made.course.id, NOW)
    assert report.scheme_version == 2
    assert made.tx.get_one(AssessmentScheme, made.scheme.id).version == 1
    low = of(report, "S-0001").weight.low
    assert (low.num, low.den) == (50, 110)


def test_e27_zero_zero_hundred_depends_on_the_rule_for_zero_weights() -> None:
    scheme = (("0", [], []), ("0", [], []), ("100", ["test_centre"], tried("verified")))
    excluded = file_shares(*scheme)["learner"]["count"]["low"]
    included = file_shares(*scheme, zero_weight="include")["learner"]["count"]["low"]
    assert (excluded["percent"], included["percent"]) == ("100.00", "33.33")


def declared(made: ExamCourse) -> None:
    """The first learner chose 0/0/100 on the eve of the academic period."""
    day = made.course.starts_on - timedelta(days=1)
    declare(made.tx, made.course, made.learners[0], day, made.office, NOW)


def test_e27_who_declared_it_is_assessed_by_the_final_alone(made: ExamCourse) -> None:
    declared(made)
    first, second = learner(made), learner(made, 1)
    assert (first.weight.low, first.weight.high) == (
        Share(Fraction(0), Fraction(100)),
        Share(Fraction(100), Fraction(100)),
    )
    assert (first.count.low.den, second.count.low.den) == (1, 5)
    assert second.weight.low.den == 100
    centre_says(made, "final")
    first = learner(made)
    assert (first.weight.low.percent_floored, first.count.low.percent_floored) == (
        "100.00",
        "100.00",
    )
    assert first.met is True
    assert learner(made, 1).format is None


def test_e27_the_report_prints_the_weights_of_the_format_and_is_verified(
    made: ExamCourse,
) -> None:
    declared(made)
    issued = issue(made.tx, made.course.id, made.office.id, NOW)
    assert list(report_problems(issued.body.encode())) == []
    document = document_of(issued)
    (alice,) = [each for each in document["learners"] if each["number"] == "S-0001"]
    weights = alice["scheme"]["weights"]
    assert weights == {"quiz-1": "0", "quiz-2": "0", "essay": "0", "midterm": "0", "final": "100"}
    (printed_alice,) = [x for x in printed(document, "en").learners if x.number == "S-0001"]
    assert [line.weight for line in printed_alice.outcomes] == ["0", "0", "0", "0", "100"]
    assert "0/0/100" in printed_alice.notes[0]
    weights["midterm"], weights["final"] = "100", "0"
    said = list(report_problems(canonical(document).encode()))
    assert said == ["the weights of learner S-0001 are not those of the format declared"]


def test_e27_two_finals_keep_their_weights_and_a_declaration_taken_back_changes_nothing(
    made: ExamCourse,
) -> None:
    made.events["midterm"].kind = EventKind.FINAL
    declared(made)
    assert learner(made).weight.low.den == 60
    (found,) = declared_in(made.tx, made.course.id)
    take_back(made.tx, made.course, found.row.id, made.office, NOW)
    assert learner(made).weight.low.den == 100


def test_e28_the_author_verifies_a_work_and_those_who_checked_it_stand_beside(
    made: ExamCourse,
) -> None:
    made.sit(made.learners[0], "essay")
    made.sit(made.learners[1], "midterm")
    before = learner(made).weight
    lines = [
        "course_code,event_code,author_number,checker_number,checked_in",
        "DL-101,essay,S-0001,S-0002,midterm",
        "DL-101,essay,S-0001,S-0003,midterm",
        "DL-101,essay,S-0002,S-0001,",
    ]
    take_in(made.tx, PEERS, made.office, "\n".join(lines).encode(), NOW)
    first = learner(made)
    assert outcome(made, "essay") is Outcome.VERIFIED
    assert first.weight == before
    assert first.peers == (PeersOfWork("essay", checked_by=2, identified=1),)
    # the checkers' identity verifies nothing of an author who was not there
    assert outcome(made, "essay", 1) is Outcome.ABSENT
    assert learner(made, 1).peers == (PeersOfWork("essay", checked_by=1, identified=0),)
    assert learner(made, 2).peers == ()
    document = as_json(build_report(made.tx, made.course.id, NOW))
    notes = {each.number: each.notes for each in printed(document, "en").learners}
    assert "“Эссе”: 2; identified while they checked: 1." in notes["S-0001"][0]


def test_e29_an_asynchronous_task_typed_in_the_browser_counts(made: ExamCourse) -> None:
    made.events["essay"].mode = Mode.ASYNC
    made.sit(made.learners[0], "essay", recorded_s=0.0, faces=())
    assert outcome(made, "essay") is Outcome.VERIFIED


def test_e30_a_recredited_course_is_outside_and_its_share_is_quoted(made: ExamCourse) -> None:
    made.sit(made.learners[0], "final")
    lines = [
        "course_code,learner_number,source,document,share",
        "DL-101,S-0001,open.example.kz,№ 512,60/100",
        "DL-101,S-0002,open.example.kz,№ 513,",
    ]
    take_in(made.tx, RECREDITS, made.office, "\n".join(lines).encode(), NOW)
    assert row(made, "final").decision == RECREDITED
    issued = issue(made.tx, made.course.id, made.office.id, NOW)
    assert list(report_problems(issued.body.encode())) == []
    document = document_of(issued)
    quoted = {each["number"]: each.get("recredited") for each in document["learners"]}
    assert quoted == {
        "S-0001": {"source": "open.example.kz", "document": "№ 512", "share": "60/100"},
        "S-0002": {"source": "open.example.kz", "document": "№ 513", "share": None},
        "S-0003": None,
    }
    first = learner(made)
    assert (first.count.low.den, first.weight.high.den, first.met) == (0, 0, None)
    assert learner(made, 2).weight.low.den == 100
    for locale in LOCALES:
        notes = {each.number: each.notes for each in printed(document, locale).learners}
        assert "60/100" in notes["S-0001"][1]
        assert len(notes["S-0002"]) == 2
        assert notes["S-0003"] == ()


def test_e31_an_event_verified_in_another_offering_counts_only_there(made: ExamCourse) -> None:
    made.sit(made.learners[0], "final")
    again = Course(
        institution_id=made.institution.id,
        code="DL-101-again",
        title=made.course.title,
        kind=made.course.kind,
        policy_pack=made.course.policy_pack,
        starts_on=made.course.starts_on,
        ends_on=made.course.ends_on,
    )
    made.tx.add(again)
    made.tx.flush()
    old = made.events["final"]
    final = AssessmentEvent(
        code="final",
        title=old.title,
        kind=old.kind,
        weight=old.weight,
        mode=old.mode,
        venue=old.venue,
        opens_at=old.opens_at,
        closes_at=old.closes_at,
        duration_s=90,
        identity_plan=old.identity_plan,
    )
    add_version(made.tx, again, [final], NOW)
    (found,) = course_outcomes(made.tx, again, made.learners[:1], NOW)[made.learners[0].id]
    assert (found.decision.outcome, found.sitting) == (Outcome.PENDING, None)


def test_e32_an_identity_event_under_one_percent_is_warned_about(made: ExamCourse) -> None:
    made.events["essay"].weight = Decimal("0.5")
    warned = {warning.key: warning.value for warning in warnings_of(made.events.values())}
    assert warned["office.warning.small_event"] == "essay"


def test_e33_the_outcome_outlives_the_recorded_file(made: ExamCourse) -> None:
    # no file of these recordings is on the disk: what is kept is the row with its hash
    made.sit(made.learners[0], "final")
    assert outcome(made, "final") is Outcome.VERIFIED


def test_e34_exactly_thirty_percent_passes() -> None:
    shares = file_shares(("30", PLAN, tried("verified")), ("70", PLAN, tried("unverified")))
    assert shares["learner"]["weight"]["low"] == {
        "num": 3,
        "den": 10,
        "percent": "30.00",
        "met": True,
    }


def test_e35_the_report_prints_the_edition_of_the_pack_of_its_course(made: ExamCourse) -> None:
    document = as_json(build_report(made.tx, made.course.id, NOW))
    assert document["pack"]["name"] == made.course.policy_pack
    assert document["pack"]["edition"] == "2016-05-30"
    assert "30.05.2016" in document["pack"]["text"]["kk"]


def test_e36_identity_is_per_member_of_a_group(made: ExamCourse) -> None:
    made.sit(made.learners[0], "midterm")
    midterm = made.sit(made.learners[1], "midterm")
    for minute, reviewer in enumerate((0, 1)):
        made.decide(midterm, reviewer, Decision.UNVERIFIED, minute=minute)
    assert [outcome(made, "midterm", n) for n in range(3)] == [
        Outcome.VERIFIED,
        Outcome.UNVERIFIED,
        Outcome.ABSENT,
    ]


def test_e37_comparisons_keep_the_model_that_made_them(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final")
    made.tx.query(IdentityCheck).filter_by(modality=Modality.FACE).update({"model_id": "older"})
    made.tx.expire_all()
    evidence = row(made, "final").evidence
    assert evidence is not None and "older" in evidence.model_ids
    assert outcome(made, "final") is Outcome.VERIFIED
    assert sitting.exam_s == EXAM_S


def test_e38_a_learner_below_the_share_of_a_course_that_meets_it(made: ExamCourse) -> None:
    made.sit(made.learners[2], "essay")
    report = build_report(made.tx, made.course.id, NOW)
    dana = of(report, "S-0003")
    assert (report.design.met, dana.met) == (True, False)
    assert dana.count.low == Share(Fraction(1), Fraction(5))

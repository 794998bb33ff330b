from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from proctor.exams.tables import Technology
from proctor.identity.tables import HANDED_OVER, NO_REFERENCE, CheckResult, IdentityCheck, Modality
from proctor.media.tables import MediaGap, Recording, Source
from proctor.observations import Track
from proctor.people.tables import Account
from proctor.review.tables import Decision
from proctor.shares.calculator import Outcome
from proctor.shares.decision import MethodOutcome, OutcomeDecision, decide
from proctor.shares.evidence import SittingEvidence, TrackCoverage, evidence_of
from proctor.shares.outcomes import EventOutcome, course_outcomes
from proctor.shares.packs import pack
from proctor.shares.planned import plan_of
from proctor.sittings.tables import Act, Intervention, Sitting, SittingState
from tests.support.exam_course import NOW, ExamCourse

pytestmark = pytest.mark.db

KZ = pack("KZ-137-2016")
ALL_ONLINE = frozenset({Technology.PROCTORING, Technology.BIOMETRICS, Technology.KEYSTROKE})
TYPING = frozenset({Technology.KEYSTROKE})
MATCH, NO_MATCH, NOT_ASSESSED = CheckResult.MATCH, CheckResult.NO_MATCH, CheckResult.NOT_ASSESSED


def outcome(
    made: ExamCourse, sitting: Sitting, plan: frozenset[Technology] = ALL_ONLINE
) -> OutcomeDecision:
    evidence = evidence_of(made.tx, sitting)
    return decide(plan, evidence, evidence.verdicts, KZ, window_closed=False)


def results(decision: OutcomeDecision) -> dict[str, tuple[str, str | None]]:
    return {method.technology: (method.result, method.reason) for method in decision.methods}


def test_honest_sitting_is_verified_by_rule(made: ExamCourse) -> None:
    decision = outcome(made, made.sit(made.learners[0], "final"))
    assert decision.outcome is Outcome.VERIFIED
    assert decision.reasons == ()
    assert {result for result, _ in results(decision).values()} == {MethodOutcome.PASS}


def test_event_without_a_plan_is_not_planned(made: ExamCourse) -> None:
    decision = outcome(made, made.sit(made.learners[0], "final"), frozenset())
    assert decision == OutcomeDecision(Outcome.NOT_PLANNED)


@pytest.mark.parametrize(
    ("closed", "said", "reason"),
    [(False, Outcome.PENDING, "not_held"), (True, Outcome.ABSENT, "not_attended")],
)
def test_no_sitting_is_pending_until_the_window_closes(
    closed: bool, said: Outcome, reason: str
) -> None:
    decision = decide(ALL_ONLINE, None, (), KZ, window_closed=closed)
    assert (decision.outcome, decision.reasons) == (said, (reason,))


def test_page_opened_and_left_is_absent_once_the_window_closed(made: ExamCourse) -> None:
    evidence = evidence_of(made.tx, made.sit(made.learners[0], "final"))
    opened = evidence._replace(state=SittingState.CREATED)
    assert decide(ALL_ONLINE, opened, (), KZ, window_closed=True).outcome is Outcome.ABSENT
    assert decide(ALL_ONLINE, opened, (), KZ, window_closed=False).outcome is Outcome.PENDING


@pytest.mark.parametrize("state", [SittingState.CHECKING, SittingState.RUNNING])
def test_unfinished_sitting_is_pending(made: ExamCourse, state: SittingState) -> None:
    decision = outcome(made, made.sit(made.learners[0], "final", state=state))
    assert (decision.outcome, decision.reasons) == (Outcome.PENDING, ("not_finished",))


def test_suspended_sitting_waits_for_a_person(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final", state=SittingState.SUSPENDED)
    assert outcome(made, sitting).outcome is Outcome.PENDING
    made.decide(sitting, 0, Decision.UNVERIFIED)
    made.decide(sitting, 1, Decision.UNVERIFIED, minute=1)
    assert outcome(made, sitting).outcome is Outcome.UNVERIFIED


def test_test_centre_without_a_protocol_is_pending_even_after_the_window(
    made: ExamCourse,
) -> None:
    plan = frozenset({Technology.TEST_CENTRE})
    decision = decide(plan, None, (), KZ, window_closed=True)
    assert (decision.outcome, decision.reasons) == (Outcome.PENDING, ("no_protocol",))


@pytest.mark.parametrize("plan", [ALL_ONLINE, TYPING])
def test_a_planned_method_that_says_no_makes_it_pending(
    made: ExamCourse, plan: frozenset[Technology]
) -> None:
    decision = outcome(made, made.sit(made.learners[0], "final", keys=NO_MATCH), plan)
    assert decision.outcome is Outcome.PENDING
    assert results(decision)["keystroke"] == (MethodOutcome.NO, "no_match")


def test_too_few_keys_leave_the_decision_to_the_other_methods(made: ExamCourse) -> None:
    decision = outcome(made, made.sit(made.learners[0], "final", keys=NOT_ASSESSED))
    assert decision.outcome is Outcome.VERIFIED
    assert decision.reasons == ("keystroke:not_assessed",)


def test_too_few_keys_as_the_only_method_wait_for_a_person(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "essay", keys=NOT_ASSESSED)
    assert outcome(made, sitting, TYPING).outcome is Outcome.PENDING


def test_typing_that_was_never_compared_is_not_taken_for_too_few_keys(made: ExamCourse) -> None:
    decision = outcome(made, made.sit(made.learners[0], "final", keys=None))
    assert decision.outcome is Outcome.PENDING
    assert results(decision)["keystroke"] == (MethodOutcome.NOT_RUN, "no_check")


def test_typing_without_a_reference_is_a_method_that_was_not_run(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final", keys=NOT_ASSESSED)
    made.tx.query(IdentityCheck).filter_by(modality=Modality.KEYSTROKE).update(
        {"reason": NO_REFERENCE}
    )
    made.tx.expire_all()
    decision = outcome(made, sitting)
    assert decision.outcome is Outcome.PENDING
    assert results(decision)["keystroke"] == (MethodOutcome.NOT_RUN, "no_reference")


def test_typing_that_changed_hands_waits_for_a_person(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final", keys=NOT_ASSESSED)
    made.tx.query(IdentityCheck).filter_by(modality=Modality.KEYSTROKE).update(
        {"reason": HANDED_OVER}
    )
    made.tx.expire_all()
    decision = outcome(made, sitting)
    assert decision.outcome is Outcome.PENDING
    assert decision.reasons == ("keystroke:handed_over",)


def test_the_newest_typing_comparison_counts(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "essay", keys=NO_MATCH)
    made.check(sitting, Modality.KEYSTROKE, 95.0, MATCH)
    assert outcome(made, sitting, TYPING).outcome is Outcome.VERIFIED


def test_last_frame_against_the_person_is_pending_but_no_decision(made: ExamCourse) -> None:
    decision = outcome(made, made.sit(made.learners[0], "final", faces=(MATCH, NO_MATCH)))
    assert decision.outcome is Outcome.PENDING
    assert results(decision)["biometrics"] == (MethodOutcome.INSUFFICIENT, "final_undecided")
    assert decision.reasons == ("biometrics:final_undecided",)


def test_single_frame_against_the_person_between_matches_changes_nothing(
    made: ExamCourse,
) -> None:
    sitting = made.sit(made.learners[0], "final", faces=(MATCH, NO_MATCH, MATCH))
    assert outcome(made, sitting).outcome is Outcome.VERIFIED


def test_frame_without_a_face_at_the_end_does_not_undo_a_match(made: ExamCourse) -> None:
    decision = outcome(
        made, made.sit(made.learners[0], "final", faces=(MATCH, MATCH, NOT_ASSESSED))
    )
    assert decision.outcome is Outcome.VERIFIED


def test_no_matched_frame_is_pending(made: ExamCourse) -> None:
    decision = outcome(made, made.sit(made.learners[0], "final", faces=(NOT_ASSESSED,) * 4))
    assert decision.outcome is Outcome.PENDING
    assert results(decision)["biometrics"] == (MethodOutcome.INSUFFICIENT, "no_matched_frame")


@pytest.mark.parametrize("plan", [Technology.BIOMETRICS, Technology.PROCTORING])
def test_a_face_that_mostly_did_not_match_leaves_it_open(
    made: ExamCourse, plan: Technology
) -> None:
    sitting = made.sit(made.learners[0], "final", faces=(MATCH, NO_MATCH, NO_MATCH, NO_MATCH))
    # it begins and ends with the person, as one who is replaced in between does
    made.check(sitting, Modality.FACE, 85.0, MATCH)
    decision = outcome(made, sitting, frozenset({plan}))
    assert decision.outcome is Outcome.PENDING
    assert results(decision)[plan] == (MethodOutcome.INSUFFICIENT, "few_matched_frames")


def test_identity_not_established_at_the_start_is_pending(made: ExamCourse) -> None:
    decision = outcome(made, made.sit(made.learners[0], "final", identified_via=None))
    assert decision.outcome is Outcome.PENDING
    assert results(decision)["proctoring"] == (
        MethodOutcome.INSUFFICIENT,
        "start_not_identified",
    )


def test_proctor_who_checked_a_document_establishes_identity(made: ExamCourse) -> None:
    plan = frozenset({Technology.PROCTORING})
    sitting = made.sit(made.learners[0], "final", identified_via="proctor", faces=())
    assert outcome(made, sitting, plan).outcome is Outcome.VERIFIED


def test_face_not_compared_for_more_than_a_minute_is_pending(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final", faces=(MATCH, MATCH))
    assert outcome(made, sitting).outcome is Outcome.VERIFIED
    sitting.exam_s = 90.5
    decision = outcome(made, sitting)
    assert decision.outcome is Outcome.PENDING
    assert results(decision)["biometrics"] == (MethodOutcome.INSUFFICIENT, "face_not_compared")


@pytest.mark.parametrize("faces", [(), (MATCH,), (NOT_ASSESSED,) * 5])
def test_who_came_in_by_face_and_was_not_compared_again_is_not_proctored(
    made: ExamCourse, faces: tuple[CheckResult, ...]
) -> None:
    plan = frozenset({Technology.PROCTORING})
    decision = outcome(made, made.sit(made.learners[0], "final", faces=faces), plan)
    assert decision.outcome is Outcome.PENDING
    assert results(decision)["proctoring"] == (MethodOutcome.INSUFFICIENT, "face_not_compared")


def test_comparisons_before_the_start_are_not_comparisons_of_the_exam(made: ExamCourse) -> None:
    decision = outcome(made, made.sit(made.learners[0], "final", faces=()))
    assert results(decision)["biometrics"] == (MethodOutcome.NOT_RUN, "no_check")


@pytest.mark.parametrize(
    ("recorded_s", "said"), [(85.5, Outcome.VERIFIED), (85.4, Outcome.PENDING)]
)
def test_coverage_of_exactly_95_percent_is_enough(
    made: ExamCourse, recorded_s: float, said: Outcome
) -> None:
    decision = outcome(made, made.sit(made.learners[0], "final", recorded_s=recorded_s))
    assert decision.outcome is said


def test_typing_alone_needs_no_recording(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "essay", recorded_s=0.0)
    assert outcome(made, sitting, TYPING).outcome is Outcome.VERIFIED


def test_recording_without_a_hash_is_pending(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final")
    made.tx.query(Recording).filter_by(track=Track.SCREEN).update({"sha256": ""})
    made.tx.expire_all()
    assert results(outcome(made, sitting))["proctoring"] == (
        MethodOutcome.INSUFFICIENT,
        "recording_not_sealed",
    )


def sent_afterwards(made: ExamCourse, sitting: Sitting, starts_s: float, sent_s: float) -> None:
    """Have the camera's line cut for so long, and what it missed sent by the browser later."""
    live = made.tx.query(Recording).filter_by(
        sitting_id=sitting.id, track=Track.CAMERA, source=Source.LIVE
    )
    live.one().recorded_s -= sent_s
    row = Recording(
        sitting_id=sitting.id, track=Track.CAMERA, part=2, path=f"{starts_s}.webm",
        starts_s=starts_s, recorded_s=sent_s, bytes=1, sha256="0" * 64, source=Source.BACKFILL,
    )  # fmt: skip
    made.tx.add(row)
    made.tx.flush()


@pytest.mark.parametrize(("sent_s", "said"), [(4.5, Outcome.VERIFIED), (4.6, Outcome.PENDING)])
def test_what_was_sent_afterwards_is_not_coverage_by_rule(
    made: ExamCourse, sent_s: float, said: Outcome
) -> None:
    sitting = made.sit(made.learners[0], "final")
    sent_afterwards(made, sitting, 40.0, sent_s)
    decision = outcome(made, sitting)
    assert decision.outcome is said
    assert evidence_of(made.tx, sitting).coverage[Track.CAMERA].recorded_s == 90.0


def long_exam(made: ExamCourse) -> Sitting:
    """An exam of 2000 s, compared every minute."""
    sitting = made.sit(made.learners[0], "final", recorded_s=2000.0)
    sitting.exam_s = 2000.0
    for at_s in range(60, 2000, 60):
        made.check(sitting, Modality.FACE, float(at_s), MATCH)
    return sitting


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([(500.0, 60.0)], Outcome.VERIFIED),
        ([(500.0, 60.5)], Outcome.PENDING),
        # in two files, whose times are not exact sums
        ([(500.0, 30.1), (530.1 + 1e-9, 30.4)], Outcome.PENDING),
        ([(500.0, 45.0), (600.0, 45.0)], Outcome.VERIFIED),
    ],
)
def test_what_was_sent_afterwards_is_a_gap_by_rule(
    made: ExamCourse, files: Sequence[tuple[float, float]], said: Outcome
) -> None:
    sitting = long_exam(made)
    for starts_s, sent_s in files:
        sent_afterwards(made, sitting, starts_s, sent_s)
    assert outcome(made, sitting).outcome is said


def test_a_gap_that_was_filled_in_part_is_one_gap(made: ExamCourse) -> None:
    sitting = long_exam(made)
    sent_afterwards(made, sitting, 500.0, 40.0)
    camera_gaps(made, sitting, (540.0, 561.0))
    covered = evidence_of(made.tx, sitting).coverage[Track.CAMERA]
    assert covered == TrackCoverage(1979.0, 1939.0, 61.0, sealed=True)


def test_gap_of_more_than_a_minute_is_pending_whatever_the_coverage(made: ExamCourse) -> None:
    sitting = long_exam(made)
    gap = MediaGap(
        sitting_id=sitting.id, track=Track.CAMERA, start_s=10.0, end_s=70.5, cause="no_packets"
    )
    made.tx.add(gap)
    made.tx.flush()
    assert results(outcome(made, sitting))["proctoring"] == (
        MethodOutcome.INSUFFICIENT,
        "camera_gap",
    )
    gap.end_s = 70.0
    made.tx.flush()
    assert outcome(made, sitting).outcome is Outcome.VERIFIED


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (None, Outcome.PENDING),
        (Decision.CONFIRMED, Outcome.PENDING),
        (Decision.DISMISSED, Outcome.VERIFIED),
    ],
)
def test_identity_incident_holds_the_outcome_until_it_is_dismissed(
    made: ExamCourse, decision: Decision | None, said: Outcome
) -> None:
    sitting = made.sit(made.learners[0], "final")
    incident = made.incident(sitting, "face_mismatch", 40, 60)
    if decision is not None:
        made.decide(sitting, 0, decision, incident=incident)
    assert outcome(made, sitting).outcome is said


def test_conduct_incident_leaves_the_identity_as_it_is(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final")
    made.decide(sitting, 0, Decision.CONFIRMED, incident=made.incident(sitting, "paste", 40, 40))
    assert outcome(made, sitting).outcome is Outcome.VERIFIED


def test_person_decides_over_what_the_methods_said(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final", keys=NO_MATCH)
    made.decide(sitting, 0, Decision.VERIFIED)
    decision = outcome(made, sitting)
    assert (decision.outcome, decision.reasons) == (Outcome.VERIFIED, ("decided_by_person",))
    assert results(decision)["keystroke"] == (MethodOutcome.NO, "no_match")


def test_void_takes_effect_with_the_second_person(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final")
    made.decide(sitting, 0, Decision.VOID, minute=1)
    made.decide(sitting, 0, Decision.VOID, minute=2)
    assert outcome(made, sitting).reasons == ("void_needs_second_person",)
    made.decide(sitting, 1, Decision.VOID, minute=3)
    assert outcome(made, sitting).outcome is Outcome.VOIDED


def test_a_decision_between_two_voids_starts_the_count_anew(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final")
    made.decide(sitting, 0, Decision.VOID, minute=1)
    made.decide(sitting, 1, Decision.VERIFIED, minute=2)
    made.decide(sitting, 1, Decision.VOID, minute=3)
    assert outcome(made, sitting).outcome is Outcome.PENDING


def camera_gaps(made: ExamCourse, sitting: Sitting, *spans: tuple[float, float]) -> None:
    made.tx.add_all(
        MediaGap(
            sitting_id=sitting.id, track=Track.CAMERA, start_s=start, end_s=end, cause="no_packets"
        )
        for start, end in spans
    )
    made.tx.flush()


def test_coverage_counts_what_neither_file_nor_gap_accounts_for_as_missing(
    made: ExamCourse,
) -> None:
    sitting = made.sit(made.learners[0], "final")
    made.tx.query(Recording).update({"recorded_s": 60.0})
    camera_gaps(made, sitting, (80.0, 90.0))
    covered = evidence_of(made.tx, sitting).coverage[Track.CAMERA]
    assert covered == TrackCoverage(60.0, 60.0, 10.0, sealed=True)


def test_touching_gaps_are_one_gap_and_lie_within_the_exam(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final")
    camera_gaps(made, sitting, (-5.0, 10.0), (10.0, 30.0), (85.0, 120.0))
    covered = evidence_of(made.tx, sitting).coverage[Track.CAMERA]
    assert covered == TrackCoverage(55.0, 55.0, 30.0, sealed=True)


def pause(made: ExamCourse, sitting: Sitting, start_s: float, end_s: float) -> None:
    """Let the exam stand still for that time, and end by as much later."""
    assert sitting.started_at is not None and sitting.exam_s is not None
    for number, (act, at_s) in enumerate([(Act.PAUSE, start_s), (Act.RESUME, end_s)], start=1):
        made.tx.add(
            Intervention(
                sitting_id=sitting.id,
                number=number,
                act=act,
                author_id=made.reviewers[0].id,
                at=sitting.started_at + timedelta(seconds=at_s),
            )
        )
    sitting.exam_s += end_s - start_s
    made.tx.flush()


def paused_exam(made: ExamCourse, faces_after: Sequence[float]) -> Sitting:
    """Compared until 45 s, paused from 50 s to 650 s, in which nothing is compared."""
    sitting = made.sit(made.learners[0], "final")
    pause(made, sitting, 50.0, 650.0)
    made.tx.query(Recording).update({"recorded_s": 690.0})
    for at_s in faces_after:
        made.check(sitting, Modality.FACE, at_s, MATCH)
    return sitting


def test_a_pause_is_no_time_without_a_comparison(made: ExamCourse) -> None:
    sitting = paused_exam(made, [660.0])
    assert outcome(made, sitting).outcome is Outcome.VERIFIED
    face = evidence_of(made.tx, sitting).face
    assert face is not None
    # 30 s after the only comparison after the pause; across the pause 5 s and 10 s
    assert face.longest_gap_s == 30.0


def test_the_time_around_a_pause_is_one_stretch(made: ExamCourse) -> None:
    sitting = paused_exam(made, [])
    sitting.exam_s = 705.5
    face = evidence_of(made.tx, sitting).face
    assert face is not None
    assert face.longest_gap_s == 60.5
    said = results(outcome(made, sitting))["biometrics"]
    assert said == (MethodOutcome.INSUFFICIENT, "face_not_compared")


def test_what_is_not_recorded_of_a_pause_is_not_missing(made: ExamCourse) -> None:
    sitting = paused_exam(made, [660.0])
    made.tx.query(Recording).update({"recorded_s": 88.0})
    camera_gaps(made, sitting, (49.0, 651.0))
    coverage = evidence_of(made.tx, sitting).coverage
    assert coverage[Track.CAMERA] == TrackCoverage(88.0, 88.0, 2.0, sealed=True)
    assert results(outcome(made, sitting))["proctoring"] == (
        MethodOutcome.INSUFFICIENT,
        "screen_coverage",
    )


def test_what_is_recorded_of_a_pause_makes_up_for_nothing(made: ExamCourse) -> None:
    sitting = paused_exam(made, [660.0])
    made.tx.query(Recording).update({"recorded_s": 680.0})
    camera_gaps(made, sitting, (10.0, 20.0))
    covered = evidence_of(made.tx, sitting).coverage[Track.CAMERA]
    assert covered == TrackCoverage(680.0, 80.0, 10.0, sealed=True)
    assert results(outcome(made, sitting))["biometrics"] == (
        MethodOutcome.INSUFFICIENT,
        "camera_coverage",
    )


def test_what_was_sent_of_a_pause_is_missing_nowhere(made: ExamCourse) -> None:
    sitting = paused_exam(made, [660.0])
    # cut off for 2 s before the pause and for all but its end
    sent_afterwards(made, sitting, 48.0, 202.0)
    covered = evidence_of(made.tx, sitting).coverage[Track.CAMERA]
    assert covered == TrackCoverage(690.0, 88.0, 2.0, sealed=True)
    assert outcome(made, sitting).outcome is Outcome.VERIFIED


def by_code(made: ExamCourse, learner: Account) -> dict[str, EventOutcome]:
    rows = course_outcomes(made.tx, made.course, [learner], NOW)[learner.id]
    return {row.code: row for row in rows}


def test_learner_has_one_outcome_per_event_of_the_scheme(made: ExamCourse) -> None:
    made.sit(made.learners[0], "essay")
    rows = by_code(made, made.learners[0])
    assert {code: row.decision.outcome for code, row in rows.items()} == {
        "quiz-1": Outcome.NOT_PLANNED,
        "quiz-2": Outcome.NOT_PLANNED,
        "essay": Outcome.VERIFIED,
        "midterm": Outcome.ABSENT,
        "final": Outcome.PENDING,
    }
    assert rows["midterm"].event.weight == 20


def test_newest_attempt_counts(made: ExamCourse) -> None:
    made.sit(made.learners[0], "final", faces=(NO_MATCH,))
    assert by_code(made, made.learners[0])["final"].decision.outcome is Outcome.PENDING
    made.sit(made.learners[0], "final", attempt=2)
    row = by_code(made, made.learners[0])["final"]
    assert (row.decision.outcome, row.attempt) == (Outcome.VERIFIED, 2)


def test_window_counts_as_closed_at_its_end(made: ExamCourse) -> None:
    closes = made.events["final"].closes_at
    for at, said in (
        (closes - timedelta(seconds=1), Outcome.PENDING),
        (closes, Outcome.ABSENT),
    ):
        rows = course_outcomes(made.tx, made.course, made.learners[:1], at)
        assert rows[made.learners[0].id][-1].decision.outcome is said


def test_evidence_names_the_models_used(made: ExamCourse) -> None:
    evidence: SittingEvidence = evidence_of(made.tx, made.sit(made.learners[0], "final"))
    assert evidence.model_ids == ("keystroke-plda-1", "sface/2021dec-int8bq")


def test_technology_the_act_does_not_name_is_no_plan(made: ExamCourse) -> None:
    rules = replace(KZ, technologies=frozenset({"proctoring"}))
    assert plan_of(made.events["midterm"], rules) == {Technology.PROCTORING}
    assert plan_of(made.events["essay"], rules) == frozenset()

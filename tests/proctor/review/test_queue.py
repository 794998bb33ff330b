"""Who sees which sitting, and which wait for a decision."""

import pytest
from sqlalchemy.orm import Session

from proctor.exams.tables import CourseStaff, StaffRole
from proctor.incidents.tables import ClipRow
from proctor.media.tables import Recording
from proctor.observations import Track
from proctor.people import accounts
from proctor.people.tables import Account, Role
from proctor.review.looks import record_view
from proctor.review.queue import NotForYou, clip_for, queue, recording_for, sitting_for
from proctor.review.tables import Decision
from proctor.review.verdicts import decide_identity, decide_incident
from proctor.sittings.tables import SittingState
from tests.support.cast import NOON, Cast
from tests.support.sittings import incident_of, sitting_of

pytestmark = pytest.mark.db


def learners(tx: Session, account: Account) -> list[str]:
    return [item.reviewed.learner.name for item in queue(tx, account, NOON)]


def test_proctor_and_reviewers_see_their_courses_newest_first(tx: Session, cast: Cast) -> None:
    sitting_of(tx, cast, cast.bob, NOON)
    sitting_of(tx, cast, cast.alice, NOON.replace(hour=13))

    assert learners(tx, cast.paula) == learners(tx, cast.rita) == ["Alice", "Bob"]


@pytest.mark.parametrize("name", ["quentin", "tom", "olga", "charlie", "alice"])
def test_nobody_else_sees_them(tx: Session, cast: Cast, name: str) -> None:
    sitting = sitting_of(tx, cast, cast.alice, NOON)

    assert learners(tx, cast.people[name]) == []
    with pytest.raises(NotForYou):
        sitting_for(tx, cast.people[name], sitting.id)


def test_a_reviewer_who_teaches_the_course_does_not_review_it(tx: Session, cast: Cast) -> None:
    sitting_of(tx, cast, cast.alice, NOON)
    taught = CourseStaff(course_id=cast.course.id, account_id=cast.rita.id, role=StaffRole.TEACHER)
    tx.add(taught)
    tx.flush()

    assert learners(tx, cast.rita) == []
    assert learners(tx, cast.rustam) == ["Alice"]


def test_assignment_in_another_institution_shows_nothing(tx: Session, cast: Cast) -> None:
    sitting_of(tx, cast, cast.alice, NOON)
    elsewhere = accounts.ensure_institution(tx, "Another University")
    guest = accounts.add(tx, elsewhere.id, "guest@example.org", "Guest", Role.REVIEWER)
    tx.add(CourseStaff(course_id=cast.course.id, account_id=guest.id, role=StaffRole.REVIEWER))
    tx.flush()

    assert learners(tx, guest) == []


def test_an_opened_page_is_not_a_sitting_to_review(tx: Session, cast: Cast) -> None:
    sitting_of(tx, cast, cast.alice, NOON, SittingState.CREATED)

    assert learners(tx, cast.rita) == []


def test_nobody_reviews_their_own_sitting(tx: Session, cast: Cast) -> None:
    sitting_of(tx, cast, cast.rita, NOON)

    assert learners(tx, cast.rita) == []
    assert learners(tx, cast.rustam) == ["Rita"]


def test_counts_say_what_waits(tx: Session, cast: Cast) -> None:
    sitting = sitting_of(tx, cast, cast.alice, NOON)
    mismatch = incident_of(tx, sitting, "face_mismatch", 10, 20)
    incident_of(tx, sitting, "paste", 15, 15)

    (item,) = queue(tx, cast.rita, NOON)
    assert (item.incidents, item.undecided) == (2, 2)
    record_view(tx, cast.rita.id, sitting.id, "recording", "camera", NOON)

    reason = "Another person sits there."
    decide_incident(tx, cast.rita, sitting, mismatch.id, Decision.CONFIRMED, reason, NOON)
    (item,) = queue(tx, cast.rita, NOON)
    assert (item.undecided, item.needs_person) == (1, True)


def test_a_first_vote_to_void_waits_for_a_second_person(tx: Session, cast: Cast) -> None:
    sitting = sitting_of(tx, cast, cast.alice, NOON)
    for person in (cast.rita, cast.rustam):
        record_view(tx, person.id, sitting.id, "recording", "camera", NOON)
    reason = "Another person sits there."
    decide_identity(tx, cast.rita, sitting, Decision.VOID, reason, NOON)

    (item,) = queue(tx, cast.rustam, NOON)
    assert (item.identity, item.proposed, item.needs_person) == (None, Decision.VOID, True)

    decide_identity(tx, cast.rustam, sitting, Decision.VOID, reason, NOON.replace(minute=1))
    (item,) = queue(tx, cast.rustam, NOON)
    assert (item.identity, item.proposed, item.needs_person) == (Decision.VOID, None, False)


def test_identity_comes_first_then_what_people_confirm_more_often(tx: Session, cast: Cast) -> None:
    first = sitting_of(tx, cast, cast.alice, NOON)
    record_view(tx, cast.rita.id, first.id, "recording", "camera", NOON)
    reason = "It is plain in the recording."
    for kind, decision in [("paste", Decision.DISMISSED), ("page_hidden", Decision.CONFIRMED)]:
        for second in range(6):
            row = incident_of(tx, first, kind, second, second + 1)
            decide_incident(tx, cast.rita, first, row.id, decision, reason, NOON)
    waiting = {}
    for number, kind in enumerate(["paste", "page_hidden", "face_absent", None]):
        account = accounts.add(
            tx, cast.institution.id, f"{number}@example.org", kind or "none", Role.STUDENT
        )
        sitting = sitting_of(tx, cast, account, NOON.replace(hour=13, minute=number))
        waiting[kind] = sitting
        if kind:
            incident_of(tx, sitting, kind, 5, 9)

    assert learners(tx, cast.rita)[:3] == ["face_absent", "page_hidden", "paste"]

    record_view(tx, cast.rita.id, waiting[None].id, "recording", "camera", NOON)
    decide_identity(tx, cast.rita, waiting[None], Decision.VOID, reason, NOON)
    assert learners(tx, cast.rita)[0] == "none"


def test_recordings_and_clips_are_seen_with_their_sitting(tx: Session, cast: Cast) -> None:
    sitting = sitting_of(tx, cast, cast.alice, NOON)
    incident = incident_of(tx, sitting, "paste", 5, 5)
    recording = Recording(
        sitting_id=sitting.id, track=Track.CAMERA, part=1, path="a.webm", starts_s=0.0
    )
    clip = ClipRow(
        incident_id=incident.id,
        track=Track.CAMERA,
        path="c.webm",
        start_s=0,
        end_s=9,
        sha256="0" * 64,
        parent_sha256="1" * 64,
    )
    tx.add_all([recording, clip])
    tx.flush()

    assert recording_for(tx, cast.paula, recording.id) is recording
    assert clip_for(tx, cast.paula, clip.id) == (clip, sitting.id)
    for row_id in (recording.id, "unknown"):
        with pytest.raises(NotForYou):
            recording_for(tx, cast.quentin, row_id)
    for row_id in (clip.id, "unknown"):
        with pytest.raises(NotForYou):
            clip_for(tx, cast.quentin, row_id)

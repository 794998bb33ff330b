"""The student's desk: which exams are theirs, opening a sitting, its paper, answers and receipt."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from proctor import events
from proctor.centres.on_site import OnSiteInstead, on_site_of, replaces
from proctor.centres.tables import OnSiteSitting
from proctor.errors import Conflict, NotFound
from proctor.exams.schemes import versions_of
from proctor.exams.tables import (
    AssessmentEvent,
    AssessmentScheme,
    Course,
    Question,
    RosterEntry,
    Technology,
    Venue,
)
from proctor.plumbing.db import hold
from proctor.sittings.admission import lacking, overrides_of, require_admitted
from proctor.sittings.expiries import expiry_of
from proctor.sittings.interventions import paused_to_the_end
from proctor.sittings.tables import Answer, Sitting, SittingState
from proctor.vault import Vault

SEAL = "answer"
#: the exam has begun and is not over
UNDER_WAY = frozenset({SittingState.RUNNING, SittingState.SUSPENDED})
LATE_GRACE = timedelta(seconds=5)
#: after the exam its page still sends what it kept, and shows the receipt
AFTERWARDS = timedelta(hours=1)
MAX_ANSWER = 100_000


class NotYours(NotFound):
    """There is no such exam for you."""


class OutsideWindow(Conflict):
    """The exam is not open now."""

    key = "error.outside_window"


class SecondSignIn(Conflict):
    """This exam is already open in another browser."""

    key = "error.second_sign_in"


class AlreadyFinished(Conflict):
    """The exam is finished."""

    key = "error.sitting_finished"


class NotRunning(Conflict):
    """The exam has not begun or is over."""

    key = "error.sitting_not_running"


class Paused(Conflict):
    """The exam is paused."""

    key = "error.sitting_paused"


class StaleAnswer(Conflict):
    """A newer version of this answer is already saved."""

    key = "error.stale_answer"


@dataclass(frozen=True, slots=True)
class ExamRow:
    """One exam on the student's list. ``state``: upcoming, open, running, finished or closed.

    ``on_site``: where it is sat instead; ``lacking``: titles of what has to be done before it.
    """

    event: AssessmentEvent
    course: Course
    state: str
    sitting_id: str | None
    on_site: OnSiteSitting | None = None
    lacking: tuple[str, ...] = ()

    @property
    def is_proctored(self) -> bool:
        return is_proctored(self.event)


@dataclass(frozen=True, slots=True)
class PaperQuestion:
    question: Question
    text: str
    revision: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the student takes home: the hash of all that was written about the sitting.

    ``reason``: why it ended, as in the event ``sitting_finished``.
    """

    hash: str
    reason: str
    started_at: datetime | None
    finished_at: datetime | None
    answered: int
    questions: int


def is_proctored(event: AssessmentEvent) -> bool:
    """Whether the event is sat here, in front of camera and screen."""
    return event.venue == Venue.ONLINE and Technology.PROCTORING.value in event.identity_plan


def exams_of(tx: Session, account_id: str, now: datetime) -> list[ExamRow]:
    """Events of the newest schemes of the person's courses, in order of their windows."""
    rows = []
    found = [(course, event) for course, event in tx.execute(_events_for(account_id))]
    titles = {(course.id, event.code): event.title for course, event in found}
    on_site = {course.id: on_site_of(tx, course.id) for course, _ in found}
    paused = {key: paused_to_the_end(tx, key) for key, there in on_site.items() if there.everybody}
    for course, event in found:
        sitting = newest_sitting(tx, event.id, account_id)
        state = _state(event, sitting, now)
        moved = on_site[course.id].of(account_id, event.code)
        ended_paused = paused.get(course.id, {}).get(sitting.id) if sitting else None
        missing: tuple[str, ...] = ()
        if state in ("upcoming", "open") and is_proctored(event):
            missing = lacking(tx, course, event.code, [account_id]).get(account_id, ())
            if missing and (account_id, event.code) in overrides_of(tx, course.id):
                missing = ()
        rows.append(
            ExamRow(
                event,
                course,
                state,
                sitting.id if sitting else None,
                moved if replaces(moved, state == "finished", ended_paused) else None,
                tuple(titles[course.id, code] for code in missing),
            )
        )
    return rows


def open_sitting(
    tx: Session, event_id: str, account_id: str, sign_in_id: str, now: datetime
) -> Sitting:
    """The person's sitting of this event, made when there is none, or it was erased.

    Raises NotYours, OutsideWindow, AlreadyFinished, SecondSignIn, OnSiteInstead or NotAdmitted.
    """
    found = [row for row in tx.execute(_events_for(account_id)) if row[1].id == event_id]
    if not found or not is_proctored(found[0][1]):
        raise NotYours
    (course, event), sitting = found[0], newest_sitting(tx, event_id, account_id)
    if sitting is not None and sitting.state == SittingState.FINISHED:
        raise AlreadyFinished
    if sitting is not None and sitting.state in UNDER_WAY:
        return owned(sitting, sign_in_id)
    require_online(tx, course, event, account_id)
    if not event.opens_at <= now < event.closes_at:
        raise OutsideWindow
    # what would be recorded in one that was erased is shown to nobody
    is_erased = sitting is not None and expiry_of(tx, sitting.id) is not None
    if sitting is None or is_erased:
        sitting = next_attempt(tx, event_id, account_id, sitting, sign_in_id, now)
        events.append(tx, sitting.id, "sitting_opened", {"event": event_id}, now)
    sitting.sign_in_id = sign_in_id
    return sitting


def next_attempt(
    tx: Session,
    event_id: str,
    account_id: str,
    before: Sitting | None,
    sign_in_id: str,
    now: datetime,
) -> Sitting:
    """A new sitting after the one *before*; whoever asks for it writes that it was opened."""
    sitting = Sitting(
        event_id=event_id,
        account_id=account_id,
        attempt=before.attempt + 1 if before else 1,
        state=SittingState.CREATED,
        sign_in_id=sign_in_id,
        created_at=now,
    )
    tx.add(sitting)
    tx.flush()
    return sitting


def hold_starts(tx: Session, course_id: str) -> None:
    """Who begins an exam and who sends all on site wait for each other; before any event."""
    hold(tx, f"starts:{course_id}")


def require_online(tx: Session, course: Course, event: AssessmentEvent, account_id: str) -> None:
    """Raises OnSiteInstead or NotAdmitted unless the person may begin *event* here."""
    hold_starts(tx, course.id)
    if on_site_of(tx, course.id).of(account_id, event.code) is not None:
        raise OnSiteInstead
    require_admitted(tx, course, event.code, account_id)


def owned(sitting: Sitting, sign_in_id: str) -> Sitting:
    """The sitting, when this sign-in owns it. Raises SecondSignIn."""
    if sitting.sign_in_id != sign_in_id:
        raise SecondSignIn
    return sitting


def sitting_for(tx: Session, sitting_id: str, account_id: str, sign_in_id: str) -> Sitting:
    """The person's own sitting. Raises NotYours, or SecondSignIn from another sign-in."""
    return owned(own_sitting(tx, sitting_id, account_id), sign_in_id)


def own_sitting(tx: Session, sitting_id: str, account_id: str) -> Sitting:
    """The person's own sitting, from whichever sign-in. Raises NotYours."""
    sitting = tx.get(Sitting, sitting_id)
    if sitting is None or sitting.account_id != account_id:
        raise NotYours
    return sitting


def take_over(tx: Session, sitting: Sitting, sign_in_id: str, now: datetime) -> None:
    """Hand a running sitting whose browser went silent to the person's new sign-in."""
    sitting.sign_in_id = sign_in_id
    events.append(tx, sitting.id, "sitting_taken_over", {}, now)


def is_at_exam(tx: Session, sign_in_id: str, now: datetime) -> bool:
    """Whether this sign-in owns an exam that goes on, or ended a short time ago."""
    owned = select(Sitting.id).where(
        Sitting.sign_in_id == sign_in_id,
        Sitting.state.in_(UNDER_WAY) | (Sitting.finished_at > now - AFTERWARDS),
    )
    return tx.scalar(owned.limit(1)) is not None


def newest_sitting(tx: Session, event_id: str, account_id: str) -> Sitting | None:
    """The person's last sitting of the event, under whichever version of the scheme."""
    query = (
        select(Sitting)
        .where(Sitting.event_id.in_(versions_of(event_id)), Sitting.account_id == account_id)
        .order_by(Sitting.created_at.desc(), Sitting.attempt.desc())
    )
    return tx.scalars(query).first()


def paper(tx: Session, vault: Vault, sitting: Sitting) -> list[PaperQuestion]:
    """Questions with what was answered so far. Raises NotRunning outside the exam, or Paused."""
    _require_running(sitting)
    query = select(Question).where(Question.event_id == sitting.event_id)
    questions = tx.scalars(query.order_by(Question.position))
    return [_paper_question(tx, vault, sitting, question) for question in questions]


def save_answer(
    tx: Session,
    vault: Vault,
    sitting: Sitting,
    question_id: str,
    revision: int,
    text: str,
    now: datetime,
) -> int:
    """Save one answer; returns its revision.

    Raises NotRunning (also when late), Paused, StaleAnswer or NotYours.
    """
    # what was written before the pause is still on its way when it begins
    if sitting.paused_at is None or now > sitting.paused_at + LATE_GRACE:
        _require_running(sitting)
    if sitting.deadline_at is not None and now > sitting.deadline_at + LATE_GRACE:
        raise NotRunning
    question = tx.get(Question, question_id)
    if question is None or question.event_id != sitting.event_id:
        raise NotYours
    row = tx.get(Answer, (sitting.id, question_id))
    if row is not None and revision <= row.revision:
        raise StaleAnswer(revision=row.revision)
    sealed = vault.seal(tx, sitting.account_id, SEAL, text.encode())
    if row is None:
        row = Answer(sitting_id=sitting.id, question_id=question_id)
        tx.add(row)
    row.revision, row.saved_at, row.sealed = revision, now, sealed
    payload = {"question": question_id, "revision": revision, "chars": len(text)}
    events.append(tx, sitting.id, "answer_saved", payload, now)
    return revision


def receipt(tx: Session, sitting: Sitting) -> Receipt:
    """The receipt of a finished sitting. Raises NotRunning before it is finished."""
    if sitting.state != SittingState.FINISHED:
        raise NotRunning
    asked = select(Question.id).where(Question.event_id == sitting.event_id)
    given = select(Answer.question_id).where(Answer.sitting_id == sitting.id)
    finished = events.read(tx, sitting.id, "sitting_finished")[-1]
    return Receipt(
        hash=finished.hash.hex(),
        reason=finished.payload["reason"],
        started_at=sitting.started_at,
        finished_at=sitting.finished_at,
        answered=len(tx.scalars(given).all()),
        questions=len(tx.scalars(asked).all()),
    )


def _require_running(sitting: Sitting) -> None:
    if sitting.state == SittingState.SUSPENDED:
        raise Paused
    if sitting.state != SittingState.RUNNING:
        raise NotRunning


def _events_for(account_id: str) -> Select[Course, AssessmentEvent]:
    newest = (
        select(AssessmentScheme.id)
        .where(AssessmentScheme.course_id == Course.id)
        .order_by(AssessmentScheme.version.desc())
        .limit(1)
        .correlate(Course)
        .scalar_subquery()
    )
    return (
        select(Course, AssessmentEvent)
        .join(RosterEntry, RosterEntry.course_id == Course.id)
        .join(AssessmentEvent, AssessmentEvent.scheme_id == newest)
        .where(RosterEntry.account_id == account_id)
        .order_by(AssessmentEvent.opens_at)
    )


def _state(event: AssessmentEvent, sitting: Sitting | None, now: datetime) -> str:
    if sitting is not None and sitting.state in UNDER_WAY:
        return "running"
    if sitting is not None and sitting.state == SittingState.FINISHED:
        return "finished"
    if now < event.opens_at:
        return "upcoming"
    return "open" if now < event.closes_at else "closed"


def _paper_question(
    tx: Session, vault: Vault, sitting: Sitting, question: Question
) -> PaperQuestion:
    row = tx.get(Answer, (sitting.id, question.id))
    if row is None:
        return PaperQuestion(question, "", 0)
    text = vault.open(tx, sitting.account_id, SEAL, row.sealed).decode()
    return PaperQuestion(question, text, row.revision)

"""An invigilator fills in the protocol of a sitting: what the page shows, what it sends.

The registry says who may sign: an account is an invigilator of the centres that list its e-mail or,
where it has names, its name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from proctor import events
from proctor.centres.imports import PROTOCOLS, ProtocolLine
from proctor.centres.tables import Centre, Document, Protocol, ProtocolEntry
from proctor.clock import TIME_ZONE
from proctor.errors import Conflict, NotFound, Refused
from proctor.exams.intake import Effect
from proctor.exams.roster import learners_of
from proctor.exams.schemes import EventNotFound, courses_for, events_in_force, versions_of
from proctor.exams.tables import AssessmentEvent, Course
from proctor.people.tables import Account


class NotAnInvigilator(NotFound):
    """This centre does not list the person as an invigilator."""

    key = "error.not_an_invigilator"


class NumberTaken(Conflict):
    """Another protocol has this number."""

    key = "error.protocol_number_taken"


class ProtocolRefused(Refused):
    """What the protocol says cannot be."""

    def __init__(self, key: str, value: str) -> None:
        super().__init__(value=value)
        self.key = key


@dataclass(frozen=True, slots=True)
class Entry:
    """What the invigilator says of one learner, by the id of the account."""

    learner: str
    attended: bool
    workplace: str | None
    document: Document | None
    conditions: bool


@dataclass(frozen=True, slots=True)
class Filled:
    """A protocol as it was filled in; ``signed_on`` None: it waits for the signature."""

    centre: str
    number: str
    held_at: datetime
    signed_on: date | None
    entries: tuple[Entry, ...]


def centres_of(tx: Session, account: Account) -> list[Centre]:
    """Centres that list the person as an invigilator, by name."""
    query = select(Centre).where(Centre.institution_id == account.institution_id)
    found = tx.scalars(query.order_by(Centre.name, Centre.id))
    return [centre for centre in found if _listed_as(centre, account)]


def events_for(tx: Session, account: Account) -> list[tuple[Course, AssessmentEvent]]:
    """Events with an identity plan in the courses of the person, by when they open."""
    courses = courses_for(tx, account)
    found = [(c, event) for c in courses for event in events_in_force(tx, c.id)]
    planned = [(course, event) for course, event in found if event.identity_plan]
    return sorted(planned, key=lambda each: (each[1].opens_at, each[1].id))


def event_for(tx: Session, account: Account, event_id: str) -> tuple[Course, AssessmentEvent]:
    """Raises EventNotFound, also when the event is not in force or of another's course."""
    for course, event in events_for(tx, account):
        if event.id == event_id:
            return course, event
    raise EventNotFound(event=event_id)


def unsigned(tx: Session, account: Account, event: AssessmentEvent) -> Filled | None:
    """The person's newest protocol of the event that still waits for its signature."""
    query = (
        select(Protocol, Centre.code)
        .join(Centre, Centre.id == Protocol.centre_id)
        .where(Protocol.event_id.in_(versions_of(event.id)), Protocol.signed_on.is_(None))
        .where(_is_of(account))
        .where(Centre.institution_id == account.institution_id)
        .order_by(Protocol.held_at.desc(), Protocol.id)
    )
    found = tx.execute(query).first()
    if found is None:
        return None
    row, centre = found
    rows = tx.scalars(select(ProtocolEntry).where(ProtocolEntry.protocol_id == row.id))
    entries = [
        Entry(each.account_id, each.attended, each.workplace, each.document, each.conditions)
        for each in rows
    ]
    return Filled(centre, row.number, row.held_at, None, tuple(entries))


def take(
    tx: Session,
    by: Account,
    course: Course,
    event: AssessmentEvent,
    filled: Filled,
    at: datetime,
) -> None:
    """Take a protocol in by the rules of a file of protocols; sent twice it is there once.

    Raises NotAnInvigilator, NumberTaken, ProtocolRefused.
    """
    centre = next((c for c in centres_of(tx, by) if c.code == filled.centre), None)
    if centre is None:
        raise NotAnInvigilator
    if filled.signed_on is not None and filled.signed_on > at.astimezone(TIME_ZONE).date():
        raise ProtocolRefused("error.signed_ahead", filled.signed_on.isoformat())
    query = select(Protocol).where(
        Protocol.centre_id == centre.id, Protocol.number == filled.number
    )
    held = tx.scalars(query).one_or_none()
    if held is not None:
        is_own = tx.scalar(query.where(_is_of(by))) is not None
        if not is_own or held.event_id not in set(tx.scalars(versions_of(event.id))):
            raise NumberTaken
    lines = _lines(tx, _listed_as(centre, by) or by.name, course, event, filled)
    intake = PROTOCOLS.plan(tx, by, lines)
    if intake.errors:
        raise ProtocolRefused(intake.errors[0].key, intake.errors[0].value)
    if intake.effects[1] is Effect.UNCHANGED:
        return
    intake.write(at)
    tx.flush()
    tx.scalars(query).one().sent_by = by.id
    fact = {
        "event": event.code,
        "centre": centre.id,
        "number": filled.number,
        "signed": filled.signed_on is not None,
        "learners": len(lines),
        "by": by.id,
    }
    events.append(tx, f"course:{course.id}", "protocol_sent", fact, at)


def _listed_as(centre: Centre, account: Account) -> str | None:
    own = (account.email, account.name)
    return next((each for each in own if each in centre.invigilators), None)


def _is_of(account: Account) -> ColumnElement[bool]:
    """A protocol of a file belongs to whom it names."""
    names = Protocol.invigilator.in_((account.email, account.name))
    return or_(Protocol.sent_by == account.id, Protocol.sent_by.is_(None) & names)


def _lines(
    tx: Session, invigilator: str, course: Course, event: AssessmentEvent, filled: Filled
) -> Sequence[ProtocolLine]:
    numbers = {person.id: person.learner_number for person in learners_of(tx, course.id)}
    lines = []
    for n, entry in enumerate(filled.entries, start=1):
        number = numbers.get(entry.learner)
        if number is None:
            raise ProtocolRefused("office.import.error.not_on_roster", "–")
        lines.append(
            ProtocolLine(
                line=n,
                centre_code=filled.centre,
                protocol=filled.number,
                course_code=course.code,
                event_code=event.code,
                held_at=filled.held_at,
                invigilator=invigilator,
                signed_on=filled.signed_on,
                learner_number=number,
                attended=entry.attended,
                workplace=entry.workplace,
                identity_document=entry.document,
                conditions_controlled=entry.conditions,
            )
        )
    return lines

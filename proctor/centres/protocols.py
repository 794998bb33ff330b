"""What the protocols of test centres say about the learners of a course."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.centres.tables import Centre, Document, Protocol, ProtocolEntry
from proctor.exams.tables import AssessmentEvent, AssessmentScheme


@dataclass(frozen=True, slots=True)
class CentreFinding:
    """One learner at one event in the newest protocol that names both.

    ``signed_on``: None while the protocol waits for its signature; ``document``: None when the
    identity was not checked.
    """

    centre: str
    number: str
    held_at: datetime
    signed_on: date | None
    attended: bool
    document: Document | None
    conditions: bool


def findings_of(
    tx: Session, course_id: str, learners: Collection[str] | None = None
) -> dict[tuple[str, str], CentreFinding]:
    """By (learner, code of the event), over all versions of the scheme, of some learners or of
    all. A signed protocol comes before one that is not, a later sitting before an earlier one."""
    rows = list(_rows(tx, course_id, learners))
    rows.sort(key=lambda row: (row[1].signed_on is not None, row[1].held_at, row[1].number))
    return dict(rows)


def _rows(
    tx: Session, course_id: str, learners: Collection[str] | None
) -> Iterator[tuple[tuple[str, str], CentreFinding]]:
    query = (
        select(ProtocolEntry, Protocol, Centre.name, AssessmentEvent.code)
        .join(Protocol, Protocol.id == ProtocolEntry.protocol_id)
        .join(Centre, Centre.id == Protocol.centre_id)
        .join(AssessmentEvent, AssessmentEvent.id == Protocol.event_id)
        .join(AssessmentScheme, AssessmentScheme.id == AssessmentEvent.scheme_id)
        .where(AssessmentScheme.course_id == course_id)
    )
    if learners is not None:
        query = query.where(ProtocolEntry.account_id.in_(learners))
    for entry, protocol, centre, code in tx.execute(query):
        yield (
            (entry.account_id, code),
            CentreFinding(
                centre=centre,
                number=protocol.number,
                held_at=protocol.held_at,
                signed_on=protocol.signed_on,
                attended=entry.attended,
                document=entry.document,
                conditions=entry.conditions,
            ),
        )

"""How long each institution keeps what, as its office sets it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import Refused
from proctor.people.tables import Account
from proctor.retention.rules import Kept, term_of
from proctor.retention.tables import RetentionTerm

#: a month after the exams, whatever month; a year after the enrolment
DEFAULT_DAYS: Mapping[Kept, int] = MappingProxyType({Kept.RECORDINGS: 31, Kept.REFERENCES: 365})
MOST_DAYS: Mapping[Kept, int] = MappingProxyType({Kept.RECORDINGS: 3650, Kept.REFERENCES: 365})


#: a term that another replaced sooner was a slip, and binds only what began under it
_SLIP = timedelta(days=1)


class TermRefused(Refused):
    """A term is one day at least, and no longer than what may be promised."""

    key = "error.retention_term"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms an institution ever set, in order of time."""

    rows: tuple[RetentionTerm, ...]

    def days(self, kept: Kept) -> int:
        """What holds for what begins now."""
        return [DEFAULT_DAYS[kept], *[row.days for row in self.rows if row.kept is kept]][-1]

    def shortest(self, kept: Kept) -> int:
        """The shortest that ever held: nothing is due before."""
        return min([DEFAULT_DAYS[kept], *[row.days for row in self.rows if row.kept is kept]])

    def of(self, kept: Kept, begun_at: datetime) -> timedelta:
        """What holds for something that began at *begun_at*: the shortest of what was promised
        then and of all that held since."""
        rows = [row for row in self.rows if row.kept is kept]
        promised = [DEFAULT_DAYS[kept], *[row.days for row in rows if row.at <= begun_at]][-1]
        lasting = [row for row, after in pairwise(rows) if after.at - row.at >= _SLIP] + rows[-1:]
        return term_of(promised, [row.days for row in lasting if row.at > begun_at])


def terms_of(tx: Session, institution_id: str) -> Terms:
    query = select(RetentionTerm).where(RetentionTerm.institution_id == institution_id)
    return Terms(tuple(tx.scalars(query.order_by(RetentionTerm.at, RetentionTerm.id))))


def set_term(tx: Session, by: Account, kept: Kept, days: int, at: datetime) -> None:
    """Keep it *days* from now on. Raises TermRefused."""
    if not 1 <= days <= MOST_DAYS[kept]:
        raise TermRefused(most=MOST_DAYS[kept])
    row = RetentionTerm(institution_id=by.institution_id, kept=kept, days=days, by=by.id, at=at)
    tx.add(row)
    tx.flush()
    payload = {"kept": kept.value, "days": days, "by": by.id}
    events.append(tx, f"institution:{by.institution_id}", "term_set", payload, at)

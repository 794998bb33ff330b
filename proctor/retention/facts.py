"""Gathers what decides when the evidence of a sitting, or a reference, is erased."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session

from proctor.clock import TIME_ZONE
from proctor.exams.schemes import course_of, events_ever
from proctor.exams.tables import AssessmentEvent, AssessmentScheme, Course
from proctor.identity.tables import Reference, ReferenceState, TypingSample
from proctor.media.tables import Recording
from proctor.people.tables import Account
from proctor.retention.holds import on_hold
from proctor.retention.rules import Facts, Kept, Why, due_at, why_not_yet
from proctor.retention.terms import Terms, terms_of
from proctor.review.statements import OPEN_FOR, waiting_appeals
from proctor.review.tables import AppealRuling, Statement
from proctor.review.verdicts import ENDED, identity_standing
from proctor.shares.calculator import Outcome
from proctor.shares.evidence import SittingEvidence, evidence_of_all
from proctor.shares.outcomes import decide_sitting, overruling
from proctor.shares.packs import pack
from proctor.sittings.repairs import window_of
from proctor.sittings.tables import Expiry, RepairWindow, Sitting, SittingState

# facts of so many sittings are gathered at once
_PART = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the evidence of a sitting, or a reference, stands. ``id``: of either."""

    id: str
    account_id: str
    facts: Facts

    @property
    def due_at(self) -> datetime:
        return due_at(self.facts)

    def why_not_yet(self, now: datetime) -> frozenset[Why]:
        return why_not_yet(self.facts, now)


def period_ends(tx: Session, courses: Iterable[Course]) -> dict[str, datetime]:
    """When the exam period of each course is over: its last day, the last exam of the scheme in
    force and the last repair window, whichever comes last; by id."""
    wanted = {course.id: course for course in courses}
    scheme = AssessmentScheme
    newest = (
        select(scheme.course_id, func.max(scheme.version).label("version"))
        .group_by(scheme.course_id)
        .subquery()
    )
    exams = (
        select(scheme.course_id, func.max(AssessmentEvent.closes_at))
        .join(AssessmentEvent, AssessmentEvent.scheme_id == scheme.id)
        .join(
            newest, (newest.c.course_id == scheme.course_id) & (newest.c.version == scheme.version)
        )
        .group_by(scheme.course_id)
    )
    windows = (
        select(RepairWindow.course_id, func.max(RepairWindow.closes_at))
        .where(RepairWindow.ended_at.is_(None))
        .group_by(RepairWindow.course_id)
    )
    ends = {
        id: datetime.combine(course.ends_on + timedelta(days=1), time.min, TIME_ZONE)
        for id, course in wanted.items()
    }
    for query in (exams, windows):
        for course_id, at in tx.execute(query):
            if course_id in ends:
                ends[course_id] = max(ends[course_id], at)
    return ends


def sittings_past_term(tx: Session, institution_id: str, now: datetime) -> Iterator[Standing]:
    """Sittings with evidence whose term is over, held or not."""
    terms = terms_of(tx, institution_id)
    courses = tx.scalars(select(Course).where(Course.institution_id == institution_id)).all()
    shortest = timedelta(days=terms.shortest(Kept.RECORDINGS))
    for course_id, ends_at in period_ends(tx, courses).items():
        if now < ends_at + shortest:
            continue
        query = with_evidence().where(Sitting.event_id.in_(events_ever(course_id)))
        found = list(tx.scalars(query.order_by(Sitting.created_at, Sitting.id)))
        for start in range(0, len(found), _PART):
            for standing in standings(tx, found[start : start + _PART], terms, now, ends_at):
                if Why.TERM not in standing.why_not_yet(now):
                    yield standing


def with_evidence() -> Select[Sitting]:
    """Sittings of which there is something to erase."""
    return select(Sitting).where(
        ~exists().where(Expiry.sitting_id == Sitting.id),
        or_(
            exists().where(Recording.sitting_id == Sitting.id),
            exists().where(TypingSample.sitting_id == Sitting.id),
        ),
    )


def standing_of(tx: Session, sitting: Sitting, now: datetime) -> Standing:
    """Where the evidence of one sitting stands."""
    course = course_of(tx, tx.get_one(AssessmentEvent, sitting.event_id))
    ends_at, terms = period_ends(tx, [course])[course.id], terms_of(tx, course.institution_id)
    return next(standings(tx, [sitting], terms, now, ends_at))


def standings(
    tx: Session,
    sittings: Sequence[Sitting],
    terms: Terms,
    now: datetime,
    period_ends_at: datetime | None = None,
) -> Iterator[Standing]:
    """Where the evidence of *sittings* stands. ``period_ends_at``: of the course all are of; None
    when their terms do not matter."""
    evidence = evidence_of_all(tx, sittings)
    appealed = waiting_appeals(tx, list(evidence))
    ruled = _ruled_at(tx, evidence)
    held = on_hold(tx, {sitting.account_id for sitting in sittings}, now)
    for sitting in sittings:
        found = evidence[sitting.id]
        ended_at = sitting.finished_at or sitting.paused_at or sitting.created_at
        decided = [verdict.at for verdict in found.verdicts] + ruled[sitting.id]
        facts = Facts(
            counts_from=max(period_ends_at or ended_at, ended_at),
            term=terms.of(Kept.RECORDINGS, sitting.created_at),
            open_until=max([ended_at, *decided]) + OPEN_FOR,
            holds=frozenset(_holds(tx, sitting, found, sitting.id in appealed, now))
            | _legal(sitting.account_id in held),
        )
        yield Standing(sitting.id, sitting.account_id, facts)


def references_past_term(tx: Session, institution_id: str, now: datetime) -> Iterator[Standing]:
    """References whose term is over, held or not. One that is no longer used has none."""
    terms = terms_of(tx, institution_id)
    row, shortest = Reference, timedelta(days=terms.shortest(Kept.REFERENCES))
    query = (
        select(row)
        .join(Account, Account.id == row.account_id)
        .where(
            Account.institution_id == institution_id,
            or_(
                row.expires_at <= now,
                row.created_at <= now - shortest,
                row.state == ReferenceState.REVOKED,
            ),
        )
        .order_by(row.created_at, row.id)
    )
    found = list(tx.scalars(query))
    for start in range(0, len(found), _PART):
        part = found[start : start + _PART]
        for standing in _of_references(tx, part, terms, now):
            if Why.TERM not in standing.why_not_yet(now):
                yield standing


def standing_of_reference(tx: Session, row: Reference, now: datetime) -> Standing:
    """Where one reference stands."""
    terms = terms_of(tx, tx.get_one(Account, row.account_id).institution_id)
    return next(_of_references(tx, [row], terms, now))


def _of_references(
    tx: Session, rows: Sequence[Reference], terms: Terms, now: datetime
) -> Iterator[Standing]:
    people = {row.account_id for row in rows}
    sat, held = _held_people(tx, people, terms, now), on_hold(tx, people, now)
    for row in rows:
        if row.state is ReferenceState.REVOKED:
            term = timedelta()
        else:
            term = min(row.expires_at - row.created_at, terms.of(Kept.REFERENCES, row.created_at))
        of_sittings = sat.get(row.account_id, ())
        facts = Facts(
            counts_from=row.created_at,
            term=term,
            open_until=max([row.created_at, *[each.open_until for each in of_sittings]]),
            holds=_legal(row.account_id in held).union(*[each.holds for each in of_sittings]),
        )
        yield Standing(row.id, row.account_id, facts)


def _held_people(
    tx: Session, account_ids: Collection[str], terms: Terms, now: datetime
) -> Mapping[str, list[Facts]]:
    """What stands about the sittings of these people of which evidence is left."""
    found: defaultdict[str, list[Facts]] = defaultdict(list)
    sat = with_evidence().where(Sitting.account_id.in_(account_ids))
    sittings = list(tx.scalars(sat.where(Sitting.state != SittingState.CREATED)))
    for each in standings(tx, sittings, terms, now):
        found[each.account_id].append(each.facts)
    return found


def _legal(is_held: bool) -> frozenset[Why]:
    return frozenset({Why.LEGAL_HOLD} if is_held else ())


def _holds(
    tx: Session, sitting: Sitting, evidence: SittingEvidence, is_appealed: bool, now: datetime
) -> Iterator[Why]:
    if sitting.state is SittingState.RUNNING:
        yield Why.UNDER_WAY
    if any(incident.decision is None for incident in evidence.incidents):
        yield Why.IN_REVIEW
    if identity_standing(evidence.verdicts).needs_second_person:
        yield Why.SECOND_PERSON
    if is_appealed:
        yield Why.APPEALED
    if sitting.state in ENDED and _is_pending(tx, sitting, evidence, now):
        yield Why.IDENTITY_PENDING


def _is_pending(tx: Session, sitting: Sitting, evidence: SittingEvidence, now: datetime) -> bool:
    """Whether people have yet to say what became of the event, as far as this sitting decides."""
    event = tx.get_one(AssessmentEvent, sitting.event_id)
    course = course_of(tx, event)
    window = window_of(tx, sitting.id)
    repaired_by = window.technology if window else None
    own = decide_sitting(event, evidence, pack(course.policy_pack), now, repaired_by)
    if own.outcome is not Outcome.PENDING:
        return False
    other = overruling(tx, course, event, sitting, own, now)
    return other is None or other.decision.outcome is Outcome.PENDING


def _ruled_at(tx: Session, sitting_ids: Collection[str]) -> Mapping[str, list[datetime]]:
    """When people ruled on appeals, by sitting."""
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    query = select(Statement.sitting_id, AppealRuling.at).join(
        AppealRuling, AppealRuling.statement_id == Statement.id
    )
    for sitting_id, at in tx.execute(query.where(Statement.sitting_id.in_(sitting_ids))):
        found[sitting_id].append(at)
    return found

"""Sums over a course and over an institution, gathered beforehand for the exam office's overview.

The outcomes of learners enter, a part of the roster at a time; a row of figures leaves. They
show where to look; reports, certificates and gates compute their own.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, exists, extract, func, insert, select
from sqlalchemy.orm import Session

from proctor.clock import TIME_ZONE
from proctor.exams.roster import Listed
from proctor.exams.schemes import events_ever
from proctor.exams.tables import Course
from proctor.identity.tables import Modality, Reference, ReferenceState
from proctor.media.tables import Recording
from proctor.people.tables import Account
from proctor.reports.build import Known, learner_report
from proctor.reports.tables import Figures, LearnerStand, Stand
from proctor.review.waiting import waiting_since
from proctor.shares.outcomes import EventOutcome, outcomes_in_turn
from proctor.shares.packs import pack
from proctor.sittings.tables import Expiry, Sitting
from proctor.vault import SubjectKey

#: learners whose outcomes are read at once
PART = 500


@dataclass(frozen=True, slots=True)
class DayCoverage:
    """What the sittings of one event held on one day lasted, and what is recorded of it.

    ``exam_s``, ``recorded_s``: of both tracks together.
    """

    event: str
    day: date
    sittings: int
    exam_s: float
    recorded_s: float


@dataclass(frozen=True, slots=True)
class Recordings:
    """Recorded files of a course that are kept. ``first``, ``last``: days of their sittings."""

    files: int = 0
    bytes: int = 0
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class CourseFigures:
    """One course. ``waiting``: sittings that wait for a person, by the day they ended."""

    as_of: datetime
    stands: dict[Stand, int]
    waiting: dict[date, int]
    coverage: tuple[DayCoverage, ...]
    recordings: Recordings


@dataclass(frozen=True, slots=True)
class Month:
    """How many references are kept until some day of this month."""

    year: int
    month: int
    face: int
    keystroke: int


@dataclass(frozen=True, slots=True)
class InstitutionFigures:
    """What is kept of the people of an institution. ``revoked``: references no longer in use;
    ``erased``: people whose key was destroyed, by the day."""

    as_of: datetime
    months: tuple[Month, ...]
    revoked: int
    erased: dict[date, int]


@dataclass
class Tally:
    """A course while its learners are gone through."""

    course: Course
    as_of: datetime
    stands: Counter[Stand] = field(default_factory=Counter)
    covered: defaultdict[tuple[str, date], list[float]] = field(
        default_factory=lambda: defaultdict(lambda: [0, 0.0, 0.0])
    )

    def add(self, tx: Session, learners: Sequence[Listed]) -> dict[str, Stand]:
        """Go through some more learners; how each of them stands, by id."""
        rules, found = pack(self.course.policy_pack), {}
        known: Known = {}
        in_turn = outcomes_in_turn(tx, self.course, learners, self.as_of)
        for learner, outcomes in zip(learners, in_turn, strict=True):
            report = learner_report(learner, outcomes, rules, known)
            found[learner.id] = _stand(report.met, report.met_if_pending_verified)
            self._cover(outcomes)
        self.stands.update(found.values())
        return found

    def _cover(self, outcomes: Iterable[EventOutcome]) -> None:
        for outcome in outcomes:
            sitting, evidence = outcome.sitting, outcome.evidence
            if sitting is None or evidence is None or not evidence.exam_s or not sitting.started_at:
                continue
            sums = self.covered[outcome.code, sitting.started_at.astimezone(TIME_ZONE).date()]
            tracks = evidence.coverage.values()
            sums[0] += 1
            sums[1] += evidence.exam_s * len(tracks)
            sums[2] += sum(track.recorded_s for track in tracks)


def changed_stands(tx: Session, course_id: str, stands: dict[str, Stand]) -> dict[str, Stand]:
    """Those of *stands* that differ from what is written."""
    row = LearnerStand
    query = select(row.account_id, row.stand).where(
        row.course_id == course_id, row.account_id.in_(stands)
    )
    before = {row.account_id: row.stand for row in tx.execute(query)}
    return {id: stand for id, stand in stands.items() if before.get(id) is not stand}


def keep_stands(tx: Session, course_id: str, stands: dict[str, Stand]) -> None:
    """Write how learners stand in the place of how they stood."""
    row = LearnerStand
    tx.execute(delete(row).where(row.course_id == course_id, row.account_id.in_(stands)))
    found = stands.items()
    rows = [{"course_id": course_id, "account_id": id, "stand": stand} for id, stand in found]
    tx.execute(insert(row), rows)


def course_body(tx: Session, tally: Tally) -> dict[str, Any]:
    """What is kept of a course when all its learners were gone through."""
    course_id = tally.course.id
    ended = Counter(_day(at) for at in waiting_since(tx, course_id).values())
    files = tx.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Recording.bytes), 0),
            func.min(Sitting.created_at),
            func.max(Sitting.created_at),
        )
        .join(Sitting, Sitting.id == Recording.sitting_id)
        .where(
            Sitting.event_id.in_(events_ever(course_id)),
            ~exists().where(Expiry.sitting_id == Sitting.id),
        )
    ).one()
    return {
        "stands": {stand.value: count for stand, count in tally.stands.items()},
        "waiting": {day.isoformat(): count for day, count in ended.items()},
        "coverage": [
            [code, day.isoformat(), int(sums[0]), sums[1], sums[2]]
            for (code, day), sums in sorted(tally.covered.items())
        ],
        "recordings": [files[0], int(files[1]), *[_iso(at) for at in files[2:]]],
    }


def institution_body(tx: Session, institution_id: str) -> dict[str, Any]:
    """What is kept of the people of an institution."""
    row, until = Reference, Reference.expires_at
    month = extract("year", until), extract("month", until)
    of_people = select(row.modality, *month, func.count()).join(
        Account, Account.id == row.account_id
    )
    kept = of_people.where(
        Account.institution_id == institution_id, row.state != ReferenceState.REVOKED
    )
    revoked = (
        select(func.count())
        .select_from(row)
        .join(Account, Account.id == row.account_id)
        .where(Account.institution_id == institution_id, row.state == ReferenceState.REVOKED)
    )
    destroyed_at = func.coalesce(
        SubjectKey.destroyed_at, SubjectKey.renewed_at, type_=SubjectKey.destroyed_at.type
    )
    destroyed = (
        select(destroyed_at)
        .join(Account, Account.id == SubjectKey.account_id)
        .where(Account.institution_id == institution_id, destroyed_at.is_not(None))
    )
    erased = Counter(_day(at) for at in tx.scalars(destroyed) if at is not None)
    return {
        "terms": [
            [modality.value, int(year), int(month), count]
            for modality, year, month, count in tx.execute(kept.group_by(row.modality, *month))
        ],
        "revoked": tx.scalars(revoked).one(),
        "erased": {day.isoformat(): count for day, count in erased.items()},
    }


def keep(tx: Session, subject: str, body: dict[str, Any], as_of: datetime) -> None:
    """Put the figures of *subject* in the place of those before."""
    tx.merge(Figures(subject=subject, as_of=as_of, body=body))


def of_course(course_id: str) -> str:
    return f"course:{course_id}"


def of_institution(institution_id: str) -> str:
    return f"institution:{institution_id}"


def course_figures(tx: Session, course_ids: Collection[str]) -> dict[str, CourseFigures]:
    """Figures of the courses that have some, by id."""
    wanted = {of_course(id): id for id in course_ids}
    rows = tx.scalars(select(Figures).where(Figures.subject.in_(wanted)))
    return {wanted[row.subject]: _course(row) for row in rows}


def institution_figures(tx: Session, institution_id: str) -> InstitutionFigures | None:
    row = tx.get(Figures, of_institution(institution_id))
    if row is None:
        return None
    counts: Counter[tuple[int, int, Modality]] = Counter()
    for name, year, month, count in row.body["terms"]:
        counts[year, month, Modality(name)] = count
    months = tuple(
        Month(*month, counts[*month, Modality.FACE], counts[*month, Modality.KEYSTROKE])
        for month in sorted({(year, month) for year, month, _ in counts})
    )
    erased = {date.fromisoformat(day): count for day, count in row.body["erased"].items()}
    return InstitutionFigures(row.as_of, months, row.body["revoked"], erased)


def learners_who_stand(
    tx: Session, course_id: str, stand: Stand, *, skip: int, most: int
) -> list[Account]:
    """Learners of a course who stood so when its figures were gathered, by name."""
    query = (
        select(Account)
        .join(LearnerStand, LearnerStand.account_id == Account.id)
        .where(LearnerStand.course_id == course_id, LearnerStand.stand == stand)
        .order_by(Account.name, Account.email)
    )
    return list(tx.scalars(query.offset(skip).limit(most)))


def _course(row: Figures) -> CourseFigures:
    body = row.body
    files, size, first, last = body["recordings"]
    return CourseFigures(
        as_of=row.as_of,
        stands={Stand(name): count for name, count in body["stands"].items()},
        waiting={date.fromisoformat(day): count for day, count in body["waiting"].items()},
        coverage=tuple(
            DayCoverage(code, date.fromisoformat(day), *rest)
            for code, day, *rest in body["coverage"]
        ),
        recordings=Recordings(
            files,
            size,
            date.fromisoformat(first) if first else None,
            date.fromisoformat(last) if last else None,
        ),
    )


def _stand(met: bool | None, met_if_pending_verified: bool | None) -> Stand:
    if met is None:
        return Stand.NOT_APPLICABLE
    if met:
        return Stand.MET
    return Stand.OPEN if met_if_pending_verified else Stand.BELOW


def _day(at: datetime) -> date:
    return at.astimezone(TIME_ZONE).date()


def _iso(at: datetime | None) -> str | None:
    return _day(at).isoformat() if at else None

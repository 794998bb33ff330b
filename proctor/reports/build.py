"""Gathers the identity report of a course: outcomes, shares and what they rest on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from biometrics.calibration import OperatingPoint
from proctor.errors import NotFound
from proctor.exams.dispensations import dispensations_of
from proctor.exams.peers import peer_checks_of
from proctor.exams.recredits import recredits_of
from proctor.exams.roster import Listed, roster_of
from proctor.exams.schemes import events_of, newest_scheme
from proctor.exams.tables import (
    AssessmentEvent,
    AssessmentScheme,
    Course,
    CourseKind,
    PeerCheck,
    Recredit,
)
from proctor.identity import calibrations
from proctor.people.tables import Account, Institution
from proctor.review.tables import Verdict
from proctor.shares.calculator import (
    Outcome,
    Share,
    ShareEvent,
    ShareRange,
    by_count,
    by_weight,
    design_by_count,
    design_by_weight,
    share_met,
)
from proctor.shares.outcomes import EventOutcome, outcomes_in_turn
from proctor.shares.packs import PolicyPack, pack
from proctor.shares.planned import PlannedEvent, design_events, planned
from proctor.sittings.tables import Sitting

# what no browser service sees, whatever its figures; printed in every report
LIMITS = (
    "second_device",
    "earpiece",
    "capture_card",
    "mirrored_display",
    "virtual_machine_host",
    "altered_browser",
    "identical_twins",
)


class NoScheme(NotFound):
    """The course has no assessment scheme yet."""

    key = "error.no_scheme"


@dataclass(frozen=True, slots=True)
class Design:
    """Shares of the scheme itself, whatever came of its events."""

    count: Share
    weight: Share
    met: bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """The shares of a learner, one object for all whose events came out alike.

    ``met`` counts pending events as not verified; None = not applicable.
    """

    count: ShareRange
    weight: ShareRange
    met: bool | None
    met_if_pending_verified: bool | None


@dataclass(frozen=True, slots=True)
class PeersOfWork:
    """How many learners checked a work, and how many of them were identified while they did."""

    event_code: str
    checked_by: int
    identified: int


@dataclass(frozen=True, slots=True)
class LearnerReport:
    """One learner: the outcome of each event, and how they stand.

    ``stricter``: how they would stand at the stricter operating point of the face model; the same
    object when nothing changes, None when an event cannot be decided there. ``recredit``: the
    course studied elsewhere instead, if it was.
    """

    name: str
    number: str | None
    outcomes: tuple[EventOutcome, ...]
    standing: Standing
    stricter: Standing | None
    recredit: Recredit | None = None
    peers: tuple[PeersOfWork, ...] = ()

    @property
    def format(self) -> str | None:
        """The format the learner declared, whose weights their events have."""
        return self.outcomes[0].event.format if self.outcomes else None

    @property
    def count(self) -> ShareRange:
        return self.standing.count

    @property
    def weight(self) -> ShareRange:
        return self.standing.weight

    @property
    def met(self) -> bool | None:
        return self.standing.met

    @property
    def met_if_pending_verified(self) -> bool | None:
        return self.standing.met_if_pending_verified


@dataclass(frozen=True, slots=True)
class IdentityReport:
    """The report of one course. ``version`` is None until it is issued; ``supersedes``: SHA-256
    of the version before it; ``people``: names of those who decided, by account id;
    ``own_thresholds``: of the institution's calibrations of faces, by what their scores are named.

    ``learners`` of a report that is streamed are made one after the other, and only once.
    """

    version: int | None
    supersedes: str | None
    as_of: datetime
    institution: str
    course_code: str
    course_title: str
    course_kind: CourseKind
    starts_on: date
    ends_on: date
    scheme_version: int
    pack: PolicyPack
    design: Design
    events: tuple[PlannedEvent, ...]
    learners: Iterable[LearnerReport]
    people: dict[str, str]
    limits: tuple[str, ...] = LIMITS
    own_thresholds: Mapping[str, OperatingPoint] = field(default_factory=dict)


#: by the format declared, and the outcomes of the events in their order
Known = dict[tuple[str | None, tuple[Outcome, ...]], Standing]


def build_report(
    tx: Session,
    course_id: str,
    now: datetime,
    *,
    version: int | None = None,
    supersedes: str | None = None,
    learner: Account | None = None,
) -> IdentityReport:
    """The report of a course as things stand at *now*, or of one *learner* of it.

    Raises NoScheme.
    """
    report = stream_report(
        tx, course_id, now, version=version, supersedes=supersedes, learner=learner
    )
    return replace(report, learners=tuple(report.learners))


def stream_report(
    tx: Session,
    course_id: str,
    now: datetime,
    *,
    version: int | None = None,
    supersedes: str | None = None,
    learner: Account | None = None,
) -> IdentityReport:
    """The report whose learners are read while they are taken; a term of them fits in memory.

    Raises NoScheme.
    """
    course = tx.get_one(Course, course_id)
    scheme = newest_scheme(tx, course_id)
    if scheme is None:
        raise NoScheme(course=course_id)
    rules = pack(course.policy_pack)
    events = events_of(tx, scheme.id)
    learners = roster_of(tx, course_id) if learner is None else [learner]
    return IdentityReport(
        version=version,
        supersedes=supersedes,
        as_of=now,
        institution=tx.get_one(Institution, course.institution_id).name,
        course_code=course.code,
        course_title=course.title,
        course_kind=course.kind,
        starts_on=course.starts_on,
        ends_on=course.ends_on,
        scheme_version=scheme.version,
        pack=rules,
        design=design_of(tx, course, events),
        events=tuple(planned(event, rules) for event in events),
        learners=_in_turn(tx, course, learners, rules, now),
        people=_names_of_reviewers(tx, course),
        own_thresholds=calibrations.thresholds(tx, course.institution_id),
    )


def _in_turn(
    tx: Session,
    course: Course,
    learners: Sequence[Account | Listed],
    rules: PolicyPack,
    now: datetime,
) -> Iterator[LearnerReport]:
    known: Known = {}
    recredits, peers = recredits_of(tx, course.id), _peers(tx, course, learners, now)
    outcomes = outcomes_in_turn(tx, course, learners, now)
    for learner, of_learner in zip(learners, outcomes, strict=True):
        made = learner_report(learner, of_learner, rules, known)
        if learner.id in recredits or learner.id in peers:
            found = recredits.get(learner.id), peers.get(learner.id, ())
            made = replace(made, recredit=found[0], peers=found[1])
        yield made


def _peers(
    tx: Session, course: Course, learners: Sequence[Account | Listed], now: datetime
) -> dict[str, tuple[PeersOfWork, ...]]:
    """Who checked the works of *learners*, by id of the author; {} where nobody checks others."""
    authors = {learner.id for learner in learners}
    checks = {who: rows for who, rows in peer_checks_of(tx, course.id).items() if who in authors}
    if not checks:
        return {}
    ids = {row.checker_id for rows in checks.values() for row in rows}
    checkers = [learner for learner in roster_of(tx, course.id) if learner.id in ids]
    found = zip(checkers, outcomes_in_turn(tx, course, checkers, now), strict=True)
    identified = {
        (checker.id, outcome.code)
        for checker, outcomes in found
        for outcome in outcomes
        if outcome.decision.outcome is Outcome.VERIFIED
    }
    return {
        author: tuple(
            PeersOfWork(
                code,
                len(of_work),
                sum((row.checker_id, row.checked_in) in identified for row in of_work),
            )
            for code, of_work in _by_work(rows)
        )
        for author, rows in checks.items()
    }


def _by_work(rows: list[PeerCheck]) -> Iterator[tuple[str, list[PeerCheck]]]:
    for code in sorted({row.event_code for row in rows}):
        yield code, [row for row in rows if row.event_code == code]


def learner_report(
    account: Account | Listed,
    outcomes: list[EventOutcome],
    rules: PolicyPack,
    known: Known | None = None,
) -> LearnerReport:
    """Shares of one learner from the outcomes of their events.

    ``known``: how other learners of the same scheme stand, added to.
    """
    known = {} if known is None else known
    pattern = tuple([outcome.decision.outcome for outcome in outcomes])
    standing = _known(known, outcomes, pattern, rules)
    stricter: Standing | None = standing
    at_stricter = tuple([outcome.stricter for outcome in outcomes])
    if at_stricter != pattern:
        decided = tuple(outcome for outcome in at_stricter if outcome is not None)
        is_known = len(decided) == len(outcomes)
        stricter = _known(known, outcomes, decided, rules) if is_known else None
    return LearnerReport(account.name, account.learner_number, tuple(outcomes), standing, stricter)


def _known(
    known: Known, outcomes: list[EventOutcome], pattern: tuple[Outcome, ...], rules: PolicyPack
) -> Standing:
    key = (outcomes[0].event.format if outcomes else None, pattern)
    if key not in known:
        came_out = zip(outcomes, pattern, strict=True)
        shares = [each.event.came_out(outcome) for each, outcome in came_out]
        known[key] = _standing(shares, rules)
    return known[key]


def _standing(events: list[ShareEvent], rules: PolicyPack) -> Standing:
    count, weight = by_count(events, rules), by_weight(events)
    return Standing(
        count=count,
        weight=weight,
        met=share_met(count.low, weight.low, rules),
        met_if_pending_verified=share_met(count.high, weight.high, rules),
    )


def design_of(tx: Session, course: Course, events: list[AssessmentEvent]) -> Design:
    """Shares of a scheme by its identity plans, without the events cancelled for all."""
    rules = pack(course.policy_pack)
    rows = design_events(events, rules, dispensations_of(tx, course.id).cancelled)
    count, weight = design_by_count(rows, rules), design_by_weight(rows)
    return Design(count, weight, share_met(count, weight, rules))


def _names_of_reviewers(tx: Session, course: Course) -> dict[str, str]:
    rows = tx.execute(
        select(Account.id, Account.name)
        .join(Verdict, Verdict.reviewer_id == Account.id)
        .join(Sitting, Sitting.id == Verdict.sitting_id)
        .join(AssessmentEvent, AssessmentEvent.id == Sitting.event_id)
        .join(AssessmentScheme, AssessmentScheme.id == AssessmentEvent.scheme_id)
        .where(AssessmentScheme.course_id == course.id)
        .distinct()
    )
    return {row.id: row.name for row in rows}

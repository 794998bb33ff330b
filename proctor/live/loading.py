"""A sitting as the database holds it, and what all live sittings share."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from math import inf
from typing import Any

from sqlalchemy.orm import Session

from keystroke.template import Sums
from keystroke.verifiers.free_text import FreeTextVerifier
from proctor import events
from proctor.analysis import keys
from proctor.clock import Clock
from proctor.errors import NotFound
from proctor.exams.accommodations import Accommodation, Effect, accommodation_of
from proctor.exams.policies import rules_of
from proctor.exams.schemes import course_of
from proctor.exams.tables import AssessmentEvent, ExamPolicy
from proctor.exams.thresholds import ExamRules
from proctor.identity import calibrations, enrolment
from proctor.identity.checks import FaceIdentity
from proctor.incidents import rules
from proctor.incidents.replay import item_of
from proctor.incidents.suppression import suppressed_kinds
from proctor.inference.pool import InferencePool
from proctor.media.capture import NO_PACKETS
from proctor.media.disk import Disk
from proctor.media.gaps import Cause, Interval
from proctor.media.pace import EDGE_S, STILLS_ONLY, Pace
from proctor.media.port import MediaPort
from proctor.observations import Check, NotAssessed, Observation, Track
from proctor.people import consents
from proctor.people.tables import Account, Purpose
from proctor.plumbing.db import Database
from proctor.review.precision import switched_off
from proctor.settings import Settings
from proctor.sittings.repairs import window_of
from proctor.sittings.tables import Sitting
from proctor.vault import Vault

#: name of the fact that the page sends more or less than before
PACE = "pace"
ROUNDED_S = 0.001
#: name of the fact that nothing was heard and what began goes on
LASTING = "lasting"


@dataclass(frozen=True)
class Line:
    """What every sitting of one service uses.

    ``port``: where all of them send their media. ``disk``: what writes it.
    """

    settings: Settings
    db: Database
    vault: Vault
    clock: Clock
    inference: InferencePool
    verifier: FreeTextVerifier
    port: MediaPort
    disk: Disk


@dataclass(frozen=True)
class Loaded:
    """A sitting as it stands in the database.

    ``closes_at``: it begins before; ``ends_by``: it is over by then, later with extra time.
    ``suppressed``: why a kind of incident is not opened, by kind, the same from the start of the
    exam on. ``outages``, and what was ``filled`` since: in seconds since the exam began.
    ``left_at``: of the last event that an earlier process wrote. ``may_break``: whether the learner
    may leave for a break.
    """

    sitting: Sitting
    policy: ExamRules
    duration: timedelta
    closes_at: datetime
    ends_by: datetime
    consented: frozenset[Purpose]
    identity: FaceIdentity | None
    typing: keys.Typing
    is_admitted: bool
    state: rules.State
    suppressed: dict[str, str]
    may_break: bool
    outages: dict[Track, list[Cause]]
    filled: dict[Track, list[Interval]]
    left_at: datetime


class NoSuchSitting(NotFound):
    """There is no such sitting."""


def load(line: Line, sitting_id: str, up_since: datetime) -> Loaded:
    """The sitting, with what its events say; this process began *up_since*.

    Raises NoSuchSitting.
    """
    with line.db.transaction() as tx:
        sitting = tx.get(Sitting, sitting_id)
        if sitting is None:
            raise NoSuchSitting
        event = tx.get_one(AssessmentEvent, sitting.event_id)
        policy = tx.get(ExamPolicy, event.policy_id) if event.policy_id else None
        answers = consents.current(tx, line.vault, sitting.account_id)
        granted, off = _granted(tx, sitting, event)
        window = window_of(tx, sitting.id)
        consented = frozenset(purpose for purpose, given in answers.items() if given)
        if Effect.NO_KEYSTROKE in granted.effects:
            consented -= {Purpose.TYPING}
        identity = _identity(tx, line, sitting) if Purpose.FACE in consented else None
        typed = keys.stored(tx, line.vault, sitting)
        references = _typing_references(tx, line, sitting, consented)
        written = events.read(tx, sitting_id)
    # outside the transaction: a long exam has tens of thousands of events
    closes_at = window.closes_at if window else event.closes_at
    exam_rules = rules_of(policy)
    items = [item_of(each) for each in written if each.kind in ("observation", "not_assessed")]
    return Loaded(
        sitting=sitting,
        policy=exam_rules,
        duration=timedelta(seconds=event.duration_s) + granted.extra_of(event.duration_s),
        closes_at=closes_at,
        ends_by=closes_at + granted.extra_of(event.duration_s),
        consented=consented,
        identity=identity,
        typing=keys.Typing.begun(line.verifier, typed, references, items),
        is_admitted=any(each.kind == "admitted" for each in written),
        state=rules.run(exam_rules, rules.State(), items)[0],
        suppressed=_suppressed(written, granted, off),
        may_break=Effect.BREAKS in granted.effects,
        outages=_outages(items),
        filled=_filled(written),
        left_at=max((e.at for e in written if e.at < up_since), default=sitting.created_at),
    )


def _granted(
    tx: Session, sitting: Sitting, event: AssessmentEvent
) -> tuple[Accommodation, frozenset[str]]:
    """What the learner is granted, and the detectors that are off at the institution."""
    course = course_of(tx, event)
    granted = accommodation_of(tx, sitting.account_id, course.id)
    return granted, switched_off(tx, course.institution_id)


def _suppressed(
    written: list[events.Event], granted: Accommodation, off: frozenset[str]
) -> dict[str, str]:
    """What an exam that began keeps; what one that begins now would."""
    begun = [each for each in written if each.kind == "sitting_started"]
    if begun:
        kept: dict[str, str] = begun[-1].payload.get("suppressed", {})
        return kept
    return suppressed_kinds(granted, off)


def _typing_references(
    tx: Session, line: Line, sitting: Sitting, consented: frozenset[Purpose]
) -> tuple[Sums, ...]:
    if Purpose.TYPING not in consented:
        return ()
    model_id, before = line.verifier.model_id, sitting.created_at
    found = enrolment.typing_reference(tx, line.vault, sitting.account_id, model_id, before=before)
    return tuple(found)


def _identity(tx: Session, line: Line, sitting: Sitting) -> FaceIdentity | None:
    comparison = line.inference.comparison
    reference = enrolment.face_reference(
        tx, line.vault, sitting.account_id, comparison.model_id, before=sitting.created_at
    )
    if reference is None:
        return None
    person = tx.get_one(Account, sitting.account_id)
    own = calibrations.comparison_for(
        tx, line.vault, comparison, person, reference.number, sitting.created_at
    )
    return FaceIdentity(own, reference.template, reference.rotation)


def _outages(items: list[Observation | NotAssessed]) -> dict[Track, list[Cause]]:
    """What kept each track from arriving, as it was noted; the last may be going on."""
    found: dict[Track, list[Cause]] = {track: [] for track in Track}
    silent: dict[Track, tuple[float, str]] = {}
    for item in items:
        if (
            not isinstance(item, Observation)
            or item.check != Check.MEDIA
            or item.name in (PACE, LASTING)
        ):
            continue
        named = [Track(str(item.values["track"]))] if "track" in item.values else list(Track)
        for track in named:
            cause = str(item.values.get("cause", NO_PACKETS))
            # what was silent when its connection ended stays so for the reason it had
            if item.name == "connection_ended" and track in silent:
                cause = silent[track][1]
            if track in silent and (item.name == "resumed" or silent[track][1] != cause):
                since_s, why = silent.pop(track)
                found[track].append(Cause(since_s, item.at_s, why))
            if item.name != "resumed":
                silent.setdefault(track, (item.at_s, cause))
    for track, (since_s, why) in silent.items():
        found[track].append(Cause(since_s, inf, why))
    return {track: [*known, *_stills(items)] for track, known in found.items()}


def _filled(written: list[events.Event]) -> dict[Track, list[Interval]]:
    """What a browser sent afterwards; its times were rounded when they were written."""
    found: dict[Track, list[Interval]] = {track: [] for track in Track}
    for kept in (each.payload for each in written if each.kind == "backfill_kept"):
        held = Interval(kept["start_s"] - ROUNDED_S, kept["end_s"] + ROUNDED_S)
        found[Track(kept["track"])].append(held)
    return found


def _stills(items: list[Observation | NotAssessed]) -> list[Cause]:
    """When the page sent stills only, by its own word; the last may be going on."""
    found: list[Cause] = []
    for item in items:
        if not isinstance(item, Observation) or (item.check, item.name) != (Check.MEDIA, PACE):
            continue
        is_on, are_stills = bool(found) and found[-1].end == inf, item.values["pace"] == Pace.STILLS
        if are_stills and not is_on:
            found.append(Cause(item.at_s - EDGE_S, inf, STILLS_ONLY))
        elif is_on and not are_stills:
            found[-1] = replace(found[-1], end=item.at_s + EDGE_S)
    return found


def fact(item: Observation | NotAssessed) -> tuple[str, dict[str, Any]]:
    assert item.at_s is not None, "what happens in an exam has a time"
    kind = "observation" if isinstance(item, Observation) else "not_assessed"
    return kind, {**asdict(item), "at_s": round(item.at_s, 3)}

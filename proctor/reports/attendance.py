"""Forms of the academic period: who attended in an attestation week or in the session, and who
studies in the format 0/0/100 (Satbayev University, Provision on Blended Learning, 5.9 and 6.3).

Who came is on the list as present whatever became of the identity, which stands beside it.
"""

from datetime import date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from proctor.catalogue import translate
from proctor.clock import TIME_ZONE, written
from proctor.errors import Refused
from proctor.exams.roster import learners_of
from proctor.exams.schemes import events_in_force
from proctor.exams.tables import AssessmentEvent, Course, Venue
from proctor.people.tables import Institution
from proctor.reports.document import Json, canonical, sha256_of
from proctor.reports.exam_sheet import attended, period_of, venue_of
from proctor.reports.forms import Column, Form, clock
from proctor.shares.calculator import Outcome
from proctor.shares.outcomes import EventOutcome, course_outcomes
from proctor.sittings.declarations import declared_in, finals_of

ATTENDANCE = "tanu.attendance/1"
DECLARATIONS = "tanu.declarations/1"
_RELEASED = (Outcome.EXCUSED, Outcome.CANCELLED)


class Part(StrEnum):
    """Parts of an academic period in which attendance is marked."""

    ATTESTATION_1 = "attestation_1"
    ATTESTATION_2 = "attestation_2"
    SESSION = "session"


class NothingHeld(Refused):
    """No event of the course is held in these days."""

    key = "error.nothing_held"


def _held_between(tx: Session, course: Course, first: date, last: date) -> list[AssessmentEvent]:
    """Events in force whose window touches the days *first* to *last*, both counted."""
    since = datetime.combine(first, time(), TIME_ZONE)
    until = datetime.combine(last, time(), TIME_ZONE) + timedelta(days=1)
    found = events_in_force(tx, course.id)
    return [event for event in found if event.opens_at < until and event.closes_at > since]


def attendance(
    tx: Session, course: Course, part: Part, first: date, last: date, now: datetime
) -> Json:
    """Who attended what is held from *first* to *last*. Raises NothingHeld."""
    held = _held_between(tx, course, first, last) if first <= last else []
    if not held:
        raise NothingHeld
    learners = learners_of(tx, course.id)
    outcomes = course_outcomes(tx, course, learners, now)
    rows = []
    for learner in learners:
        by_code = {outcome.code: outcome for outcome in outcomes[learner.id]}
        marks = [_mark(by_code[event.code], event) for event in held]
        rows.append({"number": learner.learner_number, "name": learner.name, "marks": marks})
    return {
        **_head(tx, course, ATTENDANCE, now),
        "part": part.value,
        "period": [first.isoformat(), last.isoformat()],
        "events": [{"code": event.code, "title": event.title} for event in held],
        "learners": rows,
    }


def attendance_form(data: Json, locale: str) -> Form:
    """The list in *locale*."""
    as_of = datetime.fromisoformat(data["as_of"])
    width = 3 / len(data["events"])
    return Form(
        title=translate(locale, "attendance.title"),
        subject=f"{data['course']['code']} · {data['course']['title']}",
        institution=data["institution"],
        facts=(
            (
                translate(locale, "attendance.part"),
                translate(locale, f"attendance.part.{data['part']}"),
            ),
            (translate(locale, "attendance.days"), period_of(data)),
            (translate(locale, "sheet.as_of"), clock(as_of)),
        ),
        mark=None,
        columns=(
            Column(translate(locale, "sheet.number")),
            Column(translate(locale, "sheet.learner"), 1.4),
            *(Column(event["title"], width) for event in data["events"]),
        ),
        rows=tuple(
            (row["number"] or "", row["name"], *(_words(mark, locale) for mark in row["marks"]))
            for row in data["learners"]
        ),
        note=translate(locale, "attendance.note"),
        signs=(translate(locale, "sheet.sign.teacher"), translate(locale, "sheet.sign.registrar")),
        as_of=as_of,
        sha256=sha256_of(canonical(data)),
        locale=locale,
    )


def declarations(tx: Session, course: Course, now: datetime) -> Json:
    """Who declared the format 0/0/100 in a course."""
    return {
        **_head(tx, course, DECLARATIONS, now),
        "period": [course.starts_on.isoformat(), course.ends_on.isoformat()],
        "finals": [event.title for event in finals_of(tx, course.id)],
        "learners": [
            {
                "number": found.learner.learner_number,
                "name": found.learner.name,
                "declared_on": found.row.declared_on.isoformat(),
                "recorded_at": written(found.row.at),
                "recorded_by": found.by,
            }
            for found in declared_in(tx, course.id)
        ],
    }


def declarations_form(data: Json, locale: str) -> Form:
    """The list in *locale*."""
    as_of = datetime.fromisoformat(data["as_of"])
    titles = ("sheet.number", "sheet.learner", "declared.on", "declared.recorded", "declared.sign")
    return Form(
        title=translate(locale, "declared.title"),
        subject=f"{data['course']['code']} · {data['course']['title']}",
        institution=data["institution"],
        facts=(
            (translate(locale, "sheet.period"), period_of(data)),
            (translate(locale, "declared.finals"), "; ".join(data["finals"]) or "–"),
            (translate(locale, "sheet.as_of"), clock(as_of)),
        ),
        mark=None,
        columns=tuple(
            Column(translate(locale, key), width)
            for key, width in zip(titles, (0, 2, 1, 2, 1), strict=True)
        ),
        rows=tuple(
            (
                row["number"] or "",
                row["name"],
                f"{date.fromisoformat(row['declared_on']):%d.%m.%Y}",
                f"{clock(datetime.fromisoformat(row['recorded_at']))}, {row['recorded_by']}",
                None,
            )
            for row in data["learners"]
        ),
        note=translate(locale, "declared.note"),
        signs=(translate(locale, "declared.department"),),
        as_of=as_of,
        sha256=sha256_of(canonical(data)),
        locale=locale,
    )


def _head(tx: Session, course: Course, schema: str, now: datetime) -> Json:
    return {
        "schema": schema,
        "as_of": written(now),
        "institution": tx.get_one(Institution, course.institution_id).name,
        "course": {"code": course.code, "title": course.title},
    }


def _mark(outcome: EventOutcome, event: AssessmentEvent) -> Json:
    came = attended(outcome)
    venue = venue_of(outcome, event)
    at = None
    if came:
        if venue == Venue.TEST_CENTRE and outcome.centre is not None:
            at = outcome.centre.held_at
        elif outcome.sitting is not None:
            at = outcome.sitting.started_at
    return {
        "attended": came,
        "at": written(at) if at else None,
        "venue": venue,
        "outcome": outcome.decision.outcome.value,
        "identified_here": bool(outcome.event.plan),
        "not_held": outcome.decision.is_ahead,
    }


def _words(mark: Json, locale: str) -> str:
    if mark["outcome"] in _RELEASED:
        return translate(locale, f"outcome.{mark['outcome']}")
    if mark["not_held"] and not mark["attended"]:
        return translate(locale, "outcome.not_held")
    came = {True: "yes", False: "no", None: "open"}[mark["attended"]]
    said = [translate(locale, f"sheet.attended.{came}")]
    if mark["at"]:
        at = datetime.fromisoformat(mark["at"]).astimezone(TIME_ZONE)
        said.append(f"{at:%d.%m %H:%M}")
    if mark["venue"] != Venue.ONLINE:
        said.append(translate(locale, f"office.venue.{mark['venue']}"))
    if mark["attended"] and mark["identified_here"] and mark["outcome"] != Outcome.VERIFIED:
        stands = translate(locale, f"outcome.{mark['outcome']}")
        said.append(f"{translate(locale, 'attendance.identity')}: {stands.lower()}")
    return ", ".join(said)

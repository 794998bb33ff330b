"""The exam sheet of one event (тізімдеме, ведомость): who sat it, where, and how identity stands.

Scores are not this service's: their columns are empty, for the teacher's hand. While any outcome
is pending the sheet carries a mark that it is provisional.
"""

from datetime import date, datetime

from sqlalchemy.orm import Session

from proctor.catalogue import translate
from proctor.clock import written
from proctor.exams.roster import learners_of, staff_of
from proctor.exams.schemes import EventNotFound, events_in_force
from proctor.exams.tables import AssessmentEvent, Course, StaffRole, Technology, Venue
from proctor.people.tables import Institution
from proctor.reports.document import Json, canonical, sha256_of
from proctor.reports.forms import Column, Form, clock
from proctor.shares.calculator import Outcome
from proctor.shares.outcomes import ADMITTED_BY_OVERRIDE, ON_SITE, EventOutcome, course_outcomes
from proctor.sittings.tables import SittingState

SCHEMA = "tanu.exam-sheet/1"
_SIGN = ("teacher", "registrar")
SCORES = ("attestation_1", "attestation_2", "tasks", "exam", "total")


def exam_sheet(tx: Session, course: Course, event_code: str, now: datetime) -> Json:
    """The sheet of an event as things stand at *now*. Raises EventNotFound."""
    event = next((e for e in events_in_force(tx, course.id) if e.code == event_code), None)
    if event is None:
        raise EventNotFound(course=course.id)
    learners = learners_of(tx, course.id)
    outcomes = course_outcomes(tx, course, learners, now)
    rows = []
    for learner in learners:
        outcome = next(o for o in outcomes[learner.id] if o.code == event_code)
        rows.append(
            {
                "number": learner.learner_number,
                "name": learner.name,
                "outcome": outcome.decision.outcome.value,
                "not_held": outcome.decision.is_ahead,
                "attended": attended(outcome),
                "venue": venue_of(outcome, event),
                "by_override": ADMITTED_BY_OVERRIDE in outcome.decision.reasons,
                "protocol": outcome.centre.number if outcome.centre else None,
            }
        )
    teachers = [a.account.name for a in staff_of(tx, course.id) if a.role is StaffRole.TEACHER]
    return {
        "schema": SCHEMA,
        "as_of": written(now),
        "institution": tx.get_one(Institution, course.institution_id).name,
        "course": {"code": course.code, "title": course.title},
        "period": [course.starts_on.isoformat(), course.ends_on.isoformat()],
        "event": {"code": event.code, "title": event.title},
        "teachers": teachers,
        "learners": rows,
        "provisional": any(row["outcome"] == Outcome.PENDING for row in rows),
    }


def sheet_form(sheet: Json, locale: str) -> Form:
    """The sheet in *locale*; score columns are left for a pen."""

    def t(key: str) -> str:
        return translate(locale, f"sheet.{key}")

    as_of = datetime.fromisoformat(sheet["as_of"])
    titles = ("number", "learner", "identity", "attendance", "venue", *SCORES)
    widths = (0, 2.2, 1.5, 1.1, 1.6, *(1 for _ in SCORES))
    return Form(
        title=t("title"),
        subject=f"{sheet['course']['code']} · {sheet['course']['title']}",
        institution=sheet["institution"],
        facts=(
            (t("event"), sheet["event"]["title"]),
            (t("teacher"), ", ".join(sheet["teachers"]) or "–"),
            (t("period"), period_of(sheet)),
            (t("as_of"), clock(as_of)),
        ),
        mark=t("provisional") if sheet["provisional"] else None,
        columns=tuple(Column(t(title), width) for title, width in zip(titles, widths, strict=True)),
        rows=tuple((*_words(row, locale), *(None for _ in SCORES)) for row in sheet["learners"]),
        note=t("scores_note"),
        signs=tuple(t(f"sign.{who}") for who in _SIGN),
        as_of=as_of,
        sha256=sha256_of(canonical(sheet)),
        locale=locale,
    )


def period_of(sheet: Json) -> str:
    """Both ends of the period of a form's data."""
    return " – ".join(f"{date.fromisoformat(day):%d.%m.%Y}" for day in sheet["period"])


def _words(row: Json, locale: str) -> tuple[str, ...]:
    outcome = "not_held" if row["not_held"] else row["outcome"]
    stands = translate(locale, f"outcome.{outcome}")
    attended = {True: "yes", False: "no", None: "open"}[row["attended"]]
    venue = translate(locale, f"office.venue.{row['venue']}")
    return (
        row["number"] or "",
        row["name"],
        f"{stands}, {translate(locale, f'report.reason.{ADMITTED_BY_OVERRIDE}')}"
        if row["by_override"]
        else stands,
        translate(locale, f"sheet.attended.{attended}"),
        f"{venue}, № {row['protocol']}" if row["protocol"] else venue,
    )


def attended(outcome: EventOutcome) -> bool | None:
    """Whether the learner sat the event; None while it is not known."""
    if outcome.decision.outcome is Outcome.ABSENT:
        return False
    if _at_centre(outcome):
        assert outcome.centre is not None
        return outcome.centre.attended
    if outcome.evidence is not None and outcome.evidence.state is not SittingState.CREATED:
        return True
    return None


def venue_of(outcome: EventOutcome, event: AssessmentEvent) -> str:
    if ON_SITE in outcome.decision.reasons:
        return Venue.ON_SITE.value
    return (Venue.TEST_CENTRE if _at_centre(outcome) else event.venue).value


def _at_centre(outcome: EventOutcome) -> bool:
    methods = {method.technology for method in outcome.decision.methods}
    return outcome.centre is not None and methods <= {Technology.TEST_CENTRE}

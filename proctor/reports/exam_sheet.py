"""The exam sheet of one event (тізімдеме, ведомость): who sat it, where, and how identity stands.

Scores are not this service's: their columns are empty, for the teacher's hand. While any outcome
is pending the sheet carries a mark that it is provisional.
"""

import io
import json
from datetime import date, datetime
from pathlib import Path

import segno
import typst
from sqlalchemy.orm import Session

from proctor.catalogue import subset, translate
from proctor.clock import TIME_ZONE
from proctor.exams.roster import learners_of, staff_of
from proctor.exams.schemes import EventNotFound, events_in_force
from proctor.exams.tables import AssessmentEvent, Course, StaffRole, Technology, Venue
from proctor.people.tables import Institution
from proctor.reports.document import Json, canonical, sha256_of
from proctor.reports.xlsx import Cell, Style, Workbook
from proctor.shares.calculator import Outcome
from proctor.shares.outcomes import ADMITTED_BY_OVERRIDE, ON_SITE, EventOutcome, course_outcomes
from proctor.sittings.tables import SittingState

TEMPLATE = Path(__file__).parent / "exam_sheet.typ"
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
                "attended": _attended(outcome),
                "venue": _venue(outcome, event),
                "by_override": ADMITTED_BY_OVERRIDE in outcome.decision.reasons,
                "protocol": outcome.centre.number if outcome.centre else None,
            }
        )
    teachers = [a.account.name for a in staff_of(tx, course.id) if a.role is StaffRole.TEACHER]
    return {
        "schema": SCHEMA,
        "as_of": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "institution": tx.get_one(Institution, course.institution_id).name,
        "course": {"code": course.code, "title": course.title},
        "period": [course.starts_on.isoformat(), course.ends_on.isoformat()],
        "event": {"code": event.code, "title": event.title},
        "teachers": teachers,
        "learners": rows,
        "provisional": any(row["outcome"] == Outcome.PENDING for row in rows),
    }


def sheet_pdf(sheet: Json, locale: str) -> bytes:
    """The sheet in *locale* as PDF/A with lines for the signatures."""
    sha256 = sha256_of(canonical(sheet))
    drawn = io.BytesIO()
    segno.make(f"sha256:{sha256}", error="m").save(drawn, kind="svg", border=0, xmldecl=False)
    inputs = {
        "sheet": json.dumps(sheet, ensure_ascii=False),
        "rows": json.dumps([_words(row, locale) for row in sheet["learners"]], ensure_ascii=False),
        "texts": json.dumps(subset(locale, "sheet."), ensure_ascii=False),
        "period": " – ".join(f"{date.fromisoformat(day):%d.%m.%Y}" for day in sheet["period"]),
        "as_of": _clock(sheet["as_of"]),
        "locale": locale,
        "sha256": sha256,
        "qr": drawn.getvalue().decode(),
    }
    return typst.compile(
        str(TEMPLATE),
        format="pdf",
        sys_inputs=inputs,
        pdf_standards=["a-2a", "ua-1"],
        timestamp=int(datetime.fromisoformat(sheet["as_of"]).timestamp()),
        ignore_system_fonts=True,
    )


def sheet_xlsx(sheet: Json, locale: str) -> bytes:
    """The sheet as a workbook; score columns are empty number cells."""

    def t(key: str) -> str:
        return translate(locale, f"sheet.{key}")

    made = io.BytesIO()
    created = datetime.fromisoformat(sheet["as_of"])
    with Workbook(made, t("title"), sheet["institution"], created) as book:
        facts = [
            (t("title"), ""),
            (t("institution"), sheet["institution"]),
            (t("course"), f"{sheet['course']['code']} · {sheet['course']['title']}"),
            (t("event"), sheet["event"]["title"]),
            (t("teacher"), ", ".join(sheet["teachers"])),
            (t("as_of"), _clock(sheet["as_of"])),
            ("SHA-256", sha256_of(canonical(sheet))),
        ]
        if sheet["provisional"]:
            facts.append((t("provisional"), ""))
        columns = ("number", "learner", "identity", "attendance", "venue", *SCORES)
        rows: list[list[tuple[Cell, Style]]] = [
            [(label, Style.BOLD), (None, Style.PLAIN), (value, Style.PLAIN)]
            for label, value in facts
        ]
        rows += [[], [(t(name), Style.HEAD) for name in columns]]
        rows += [[(text, Style.PLAIN) for text in _words(r, locale)] for r in sheet["learners"]]
        rows += [[], []]
        rows += [[(f"{t(f'sign.{who}')}: {'_' * 20}", Style.BOLD)] for who in _SIGN]
        frozen = (len(facts) + 2, 2)
        with book.sheet(t("title"), (14, 30, 30, 20, 20), frozen=frozen) as page:
            page.lines(enumerate(rows, start=1))
    return made.getvalue()


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


def _attended(outcome: EventOutcome) -> bool | None:
    """Whether the learner sat the event; None while it is not known."""
    if outcome.decision.outcome is Outcome.ABSENT:
        return False
    if _at_centre(outcome):
        assert outcome.centre is not None
        return outcome.centre.attended
    if outcome.evidence is not None and outcome.evidence.state is not SittingState.CREATED:
        return True
    return None


def _venue(outcome: EventOutcome, event: AssessmentEvent) -> str:
    if ON_SITE in outcome.decision.reasons:
        return Venue.ON_SITE.value
    return (Venue.TEST_CENTRE if _at_centre(outcome) else event.venue).value


def _at_centre(outcome: EventOutcome) -> bool:
    methods = {method.technology for method in outcome.decision.methods}
    return outcome.centre is not None and methods <= {Technology.TEST_CENTRE}


def _clock(instant: str) -> str:
    at = datetime.fromisoformat(instant).astimezone(TIME_ZONE)
    return f"{at:%d.%m.%Y %H:%M} (UTC+05:00)"

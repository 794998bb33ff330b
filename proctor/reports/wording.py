"""An identity report in words: its frozen JSON enters, lines ready to print leave.

The page and the PDF print the same lines; figures keep the digits of the JSON in every language.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from babel.dates import format_date, format_datetime

from biometrics.ids import OWN
from keystroke.features import PRINTED
from proctor.analysis.keys import GRANTED, WITHDRAWN
from proctor.catalogue import translate
from proctor.clock import TIME_ZONE
from proctor.reports.document import Json
from proctor.shares.decision import NOT_HELD

_ZONE = "UTC+05:00"


@dataclass(frozen=True, slots=True)
class ShareLine:
    """One reading; ``state`` is met, not_met, open or na."""

    reading: str
    fraction: str
    percent: str
    state: str
    state_text: str


@dataclass(frozen=True, slots=True)
class EventLine:
    code: str
    title: str
    kind: str
    weight: str
    plan: str
    opens: str
    closes: str


@dataclass(frozen=True, slots=True)
class OutcomeLine:
    """One event of one learner; ``outcome`` is the short name, ``outcome_text`` its words."""

    title: str
    weight: str
    outcome: str
    outcome_text: str
    methods: tuple[str, ...]
    grounds: tuple[str, ...]
    measured: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IncidentLine:
    event: str
    kind: str
    start: str
    end: str
    decision: str


@dataclass(frozen=True, slots=True)
class VerdictLine:
    event: str
    about: str
    decision: str
    reason: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class LearnerPart:
    """``notes``: what holds for this learner and not for the course."""

    name: str
    number: str
    count: ShareLine
    weight: ShareLine
    state: str
    state_text: str
    notes: tuple[str, ...]
    outcomes: tuple[OutcomeLine, ...]
    incidents: tuple[IncidentLine, ...]
    verdicts: tuple[VerdictLine, ...]


@dataclass(frozen=True, slots=True)
class PrintedReport:
    """All lines of one report in one language. ``facts``: label and value pairs of its head."""

    locale: str
    title: str
    institution: str
    course: str
    facts: tuple[tuple[str, str], ...]
    basis: str
    rule: str
    design: tuple[ShareLine, ...]
    events: tuple[EventLine, ...]
    learners: tuple[LearnerPart, ...]
    sensitivity: tuple[str, ...]
    models: tuple[str, ...]
    limits: tuple[str, ...]
    sha256: str | None


def printed(document: Json, locale: str, sha256: str | None = None) -> PrintedReport:
    """*document* in *locale*; ``sha256`` is of its canonical text, None before it is issued."""
    return Printer(document, locale).report(sha256)


def clock_time(seconds: float) -> str:
    """Seconds of the exam as 1:05, from an hour on as 1:02:05."""
    hours, rest = divmod(int(seconds), 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def fraction_text(low: Json, high: Json) -> str:
    """``2 / 5``, or ``2–3 / 5`` when pending events leave it open."""
    first = str(low["num"]) if low == high else f"{low['num']}–{high['num']}"
    return f"{first} / {low['den']}"


def percent_text(low: Json, high: Json) -> str:
    """``40.00 %``, ``40.00–60.00 %``, or a dash when not applicable."""
    if low["percent"] is None:
        return "–"
    first = low["percent"] if low == high else f"{low['percent']}–{high['percent']}"
    return f"{first} %"


def state_of(low: bool | None, high: bool | None) -> str:
    """What is known of the requirement when pending events are left out and counted in."""
    if low is None:
        return "na"
    if low:
        return "met"
    return "open" if high else "not_met"


class Printer:
    """Puts the parts of one document into one language."""

    def __init__(self, document: Json, locale: str) -> None:
        self.document = document
        self.locale = locale
        self.events: dict[str, Json] = {event["code"]: event for event in document["events"]}
        self._decided: dict[tuple[object, ...], tuple[str, str, str]] = {}

    def t(self, key: str, **values: object) -> str:
        return translate(self.locale, key, **values)

    def report(self, sha256: str | None) -> PrintedReport:
        learners = tuple(self._learner(learner) for learner in self.document["learners"])
        return replace(self.frame(sha256), learners=learners)

    def frame(self, sha256: str | None) -> PrintedReport:
        """The report without its learners."""
        document, pack = self.document, self.document["pack"]
        rule = "rule" if pack["basis"] == "both" else f"rule_{pack['basis']}"
        return PrintedReport(
            locale=self.locale,
            title=self.t("report.title"),
            institution=document["institution"],
            course=f"{document['course']['code']} · {document['course']['title']}",
            facts=self._facts(),
            basis=pack["text"][self.locale],
            rule=self.t(f"report.share.{rule}", threshold=pack["threshold_percent"]),
            design=tuple(
                self._share(reading, document["design"][reading], document["design"][reading])
                for reading in ("count", "weight")
            ),
            events=tuple(self._event(event) for event in document["events"]),
            learners=(),
            sensitivity=self._sensitivity(),
            models=tuple(self._model(model) for model in document["models"]),
            limits=tuple(self.t(f"report.limit.{limit}") for limit in document["limits"]),
            sha256=sha256,
        )

    def standing(self, learner: Json) -> str:
        """Whether the learner meets the requirement, in words."""
        state = state_of(learner["met"], learner["met_if_pending_verified"])
        return self.t(f"report.met.{state}")

    def weight(self, learner: Json, code: str) -> str:
        """What an event weighs in the assessment of a learner."""
        own = learner.get("scheme")
        weight: str = own["weights"][code] if own else self.events[code]["weight"]
        return weight

    def notes(self, learner: Json) -> tuple[str, ...]:
        """The format declared, a course recalculated, works that others checked."""
        said = []
        if own := learner.get("scheme"):
            said.append(self.t("report.note.format", format=own["format"]))
        if told := learner.get("recredited"):
            said.append(self.t("report.note.recredited", **told))
            share = "share" if told["share"] else "share_unknown"
            said.append(self.t(f"report.note.recredited.{share}", **told))
        said += [
            self.t("report.note.peers", **{**work, "title": self.events[work["code"]]["title"]})
            for work in learner.get("peers", ())
        ]
        return tuple(said)

    def plan(self, event: Json) -> str:
        """The technologies planned for an event of the scheme."""
        plan = ", ".join(self.t(f"technology.{name}") for name in event["plan"])
        return plan or self.t("report.plan.none")

    def decided(self, event: Json) -> tuple[str, str, str]:
        """Outcome, methods and grounds of a learner's event; said once for all that are alike."""
        methods = event["methods"]
        key = (
            event["outcome"],
            *event["reasons"],
            *[(each["technology"], each["result"], each["reason"]) for each in methods],
        )
        said = self._decided.get(key)
        if said is None:
            said = self._decided[key] = (
                self._outcome_text(event),
                "; ".join(self._method(method) for method in methods),
                "; ".join(self._grounds(event)),
            )
        return said

    def _model(self, model: str) -> str:
        own = model.partition(OWN)[2]
        return self.t("report.models.own", model=model, n=own) if own else model

    def _sensitivity(self) -> tuple[str, ...]:
        """Lines on the stricter operating point; reports of before it was computed have none."""
        found = self.document.get("sensitivity")
        if found is None:
            return ()
        if found["reason"]:
            return (self.t(f"report.sensitivity.{found['reason']}"),)
        lines = [
            self.t("report.sensitivity.point", **point)
            for point in found["points"]
            if point["threshold"] != point["stricter_threshold"]
        ]
        lines.append(self.t("report.sensitivity.met", **found))
        lines.append(self.t("report.sensitivity.events", n=found["events_pending"]))
        if found["learners_unknown"]:
            lines.append(self.t("report.sensitivity.unknown", n=found["learners_unknown"]))
        return tuple(lines)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        course, version = self.document["course"], self.document["version"]
        days = [self._day(course[name]) for name in ("starts_on", "ends_on")]
        return (
            (self.t("report.kind"), self.t(f"office.course_kind.{course['kind']}")),
            (self.t("report.period"), " – ".join(days)),
            (self.t("report.as_of"), f"{self._time(self.document['as_of'])} ({_ZONE})"),
            (
                self.t("report.version"),
                self.t("report.draft") if version is None else str(version),
            ),
            (self.t("report.scheme_version"), str(course["scheme_version"])),
        )

    def _share(self, reading: str, low: Json, high: Json) -> ShareLine:
        state = state_of(low["met"], high["met"])
        return ShareLine(
            reading=self.t(f"report.share.{reading}"),
            fraction=fraction_text(low, high),
            percent=percent_text(low, high),
            state=state,
            state_text=self.t(f"report.met.{state}"),
        )

    def _event(self, event: Json) -> EventLine:
        return EventLine(
            code=event["code"],
            title=event["title"],
            kind=self.t(f"office.event_kind.{event['kind']}"),
            weight=event["weight"],
            plan=self.plan(event),
            opens=self._time(event["opens_at"]),
            closes=self._time(event["closes_at"]),
        )

    def _learner(self, learner: Json) -> LearnerPart:
        state = state_of(learner["met"], learner["met_if_pending_verified"])
        sat = [event for event in learner["events"] if event["sitting"]]
        return LearnerPart(
            name=learner["name"],
            number=learner["number"] or "–",
            count=self._share("count", learner["count"]["low"], learner["count"]["high"]),
            weight=self._share("weight", learner["weight"]["low"], learner["weight"]["high"]),
            state=state,
            state_text=self.standing(learner),
            notes=self.notes(learner),
            outcomes=tuple(
                self._outcome(event, self.weight(learner, event["code"]))
                for event in learner["events"]
            ),
            incidents=tuple(
                self.incident(event, incident)
                for event in sat
                for incident in event["sitting"]["incidents"]
            ),
            verdicts=tuple(
                self.verdict(event, verdict)
                for event in sat
                for verdict in event["sitting"]["verdicts"]
            ),
        )

    def _outcome(self, event: Json, weight: str) -> OutcomeLine:
        return OutcomeLine(
            title=self._title(event),
            weight=weight,
            outcome=event["outcome"],
            outcome_text=self._outcome_text(event),
            methods=tuple(self._method(method) for method in event["methods"]),
            grounds=self._grounds(event),
            measured=self._measured(event["sitting"]) + self._centre(event.get("centre")),
        )

    def _outcome_text(self, event: Json) -> str:
        # what has not been held is pending too, but nobody is looking at it
        is_ahead = NOT_HELD in event["reasons"]
        return self.t("outcome.not_held" if is_ahead else f"outcome.{event['outcome']}")

    def _method(self, method: Json) -> str:
        name = self.t(f"technology.{method['technology']}")
        said = self.t(f"report.method.{method['result']}")
        reason = f" ({self.t('report.reason.' + method['reason'])})" if method["reason"] else ""
        return f"{name}: {said}{reason}"

    def _grounds(self, event: Json) -> tuple[str, ...]:
        # grounds with a colon are the methods' own, or incidents listed below
        plain = [reason for reason in event["reasons"] if ":" not in reason]
        return tuple(self.t(f"report.reason.{reason}") for reason in plain)

    def _measured(self, sitting: Json | None) -> tuple[str, ...]:
        if sitting is None or sitting["recording"]["exam_seconds"] is None:
            return ()
        recording = sitting["recording"]
        camera, screen, exam = (
            clock_time(recording[f"{name}_seconds"]) for name in ("camera", "screen", "exam")
        )
        lines = [self.t("report.recording.line", camera=camera, screen=screen, exam=exam)]
        if recording["gaps"]:
            lines.append(self.t("report.recording.gaps", n=len(recording["gaps"])))
        if expired_on := recording.get("expired_on"):
            lines.append(self.t("report.recording.expired", day=self._day(expired_on)))
        if sitting["identified_via"]:
            lines.append(self.t(f"report.identified.{sitting['identified_via']}"))
        if sitting["identity"]:
            lines.append(self.t("report.faces", **sitting["identity"]))
        if sitting["keystroke"]:
            lines += self._typing(sitting["keystroke"])
        return tuple(lines)

    def _centre(self, centre: Json | None) -> tuple[str, ...]:
        """Lines on the protocol of a test centre; reports of before there were any have none."""
        if centre is None:
            return ()
        signed = centre["signed_on"]
        protocol = self.t(
            "report.centre.signed" if signed else "report.centre.unsigned",
            name=centre["name"],
            number=centre["protocol"],
            at=self._time(centre["held_at"]),
            signed=self._day(signed) if signed else "",
        )
        if not centre["attended"]:
            return (protocol,)
        document, conditions = centre["document"], centre["conditions"]
        return (
            protocol,
            self.t(f"report.centre.document.{document or 'none'}"),
            self.t(f"report.centre.conditions.{'yes' if conditions else 'no'}"),
        )

    def _typing(self, keystroke: Json) -> tuple[str, ...]:
        n_keys, score = keystroke["n_keys"] or 0, keystroke["score"]
        if score is None:
            compared = self.t("report.typing.not_assessed", n_keys=n_keys)
        else:
            compared = self.t("report.typing", score=f"{score:.3f}", n_keys=n_keys)
        if not n_keys:
            return (compared,)
        # reports of before the measurements were kept have none
        if keystroke["reason"] in (GRANTED, WITHDRAWN):
            return compared, self.t("report.typing.not_measured")
        if not keystroke.get("measured"):
            return compared, self.t("report.typing.not_kept")
        four = keystroke["measured"]
        words = {name: _number(four[name], digits) for name, digits in PRINTED.items()}
        return compared, self.t("report.typing.measured", **words)

    def incident(self, event: Json, incident: Json) -> IncidentLine:
        ended = incident["end"] is not None
        return IncidentLine(
            event=self._title(event),
            kind=self.t(f"incident.{incident['kind']}"),
            start=clock_time(incident["start"]),
            end=clock_time(incident["end"]) if ended else self.t("report.incident.open"),
            decision=self.t(f"report.decision.{incident['decision'] or 'none'}"),
        )

    def verdict(self, event: Json, verdict: Json) -> VerdictLine:
        about = f"incident.{verdict['incident']}" if verdict["incident"] else None
        return VerdictLine(
            event=self._title(event),
            about=self.t(about or "report.verdict.identity"),
            decision=self.t(f"report.decision.{verdict['decision']}"),
            reason=verdict["reason"],
            by=verdict["by"],
            at=self._time(verdict["at"]),
        )

    def _title(self, event: Json) -> str:
        title: str = self.events[event["code"]]["title"]
        return title

    def _time(self, instant: str) -> str:
        at = datetime.fromisoformat(instant).astimezone(TIME_ZONE)
        return format_datetime(at, "dd.MM.yyyy HH:mm", locale=self.locale)

    def _day(self, day: str) -> str:
        return format_date(date.fromisoformat(day), "dd.MM.yyyy", locale=self.locale)


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"

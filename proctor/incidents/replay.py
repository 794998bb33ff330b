"""What other rules would have made of a sitting: its stored facts in, incidents and changes out.

Nothing is written: incidents, verdicts and outcomes stay as they are.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from proctor import events
from proctor.exams.thresholds import ExamRules, parse_rules
from proctor.incidents import rules
from proctor.incidents.kinds import Closed, Incident, Opened
from proctor.observations import NotAssessed, Observation
from proctor.sittings.tables import Sitting

Item = Observation | NotAssessed
_ITEMS = ("observation", "not_assessed")


@dataclass(frozen=True, slots=True)
class Difference:
    """Incidents that only one set of rules makes, and those that both make unlike.

    One incident is told from another by kind, track and when the fact began to hold.
    """

    only_before: tuple[Incident, ...]
    only_after: tuple[Incident, ...]
    unlike: tuple[tuple[Incident, Incident], ...]


def item_of(event: events.Event) -> Item:
    """The fact an event of a sitting keeps."""
    made = Observation if event.kind == "observation" else NotAssessed
    return made(**event.payload)


def items_of(tx: Session, sitting_id: str) -> list[Item]:
    """Every fact of a sitting in the order it was kept."""
    return [item_of(event) for event in events.read(tx, sitting_id, *_ITEMS)]


def rules_held_under(tx: Session, sitting_id: str) -> ExamRules | None:
    """The rules a sitting began with; None when it never began."""
    begun = events.read(tx, sitting_id, "sitting_started")
    return parse_rules(begun[-1].payload["rules"]) if begun else None


def incidents_under(
    exam_rules: ExamRules, items: Iterable[Item], exam_s: float | None
) -> tuple[Incident, ...]:
    """All incidents by start; those open at the end of the exam close with it.

    ``exam_s``: length of the exam, None while it has no end.
    """
    state, changes = rules.run(exam_rules, rules.State(), items)
    if exam_s is not None:
        changes += rules.finish(exam_rules, state, exam_s)
    closed = [change.incident for change in changes if isinstance(change, Closed)]
    ended = {_key(each) for each in closed}
    opened = [change.incident for change in changes if isinstance(change, Opened)]
    still_open = [each for each in opened if _key(each) not in ended]
    made = [each for each in (*closed, *still_open) if each.because is None]
    return tuple(sorted(made, key=_key))


def replay(tx: Session, sitting: Sitting, exam_rules: ExamRules) -> tuple[Incident, ...]:
    """What *exam_rules* make of the facts of *sitting*."""
    return incidents_under(exam_rules, items_of(tx, sitting.id), sitting.exam_s)


def difference(before: Sequence[Incident], after: Sequence[Incident]) -> Difference:
    """What changes from *before* to *after*."""
    old, new = _numbered(before), _numbered(after)
    return Difference(
        tuple(old[key] for key in sorted(old.keys() - new.keys())),
        tuple(new[key] for key in sorted(new.keys() - old.keys())),
        tuple(
            (old[key], new[key]) for key in sorted(old.keys() & new.keys()) if old[key] != new[key]
        ),
    )


def incident_json(incident: Incident) -> dict[str, Any]:
    """An incident as plain values."""
    return {
        "kind": incident.kind.value,
        "severity": incident.severity.value,
        "start_s": incident.start_s,
        "end_s": incident.end_s,
        "opened_s": incident.opened_s,
        "evidence": dict(incident.evidence),
    }


def _key(incident: Incident) -> tuple[float, str, str]:
    return incident.start_s, incident.kind.value, str(incident.evidence.get("track", ""))


def _numbered(incidents: Iterable[Incident]) -> dict[tuple[float, str, str, int], Incident]:
    """By key and count: two pastes may come at one moment."""
    found: dict[tuple[float, str, str, int], Incident] = {}
    times: Counter[tuple[float, str, str]] = Counter()
    for incident in incidents:
        key = _key(incident)
        found[*key, times[key]] = incident
        times[key] += 1
    return found

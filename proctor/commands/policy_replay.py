"""``proctor replay`` shows what another policy would make of a sitting; it changes nothing."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import rfc8785
import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.commands.opened import opened
from proctor.errors import NotFound
from proctor.exams.policies import default_rules, rules_of
from proctor.exams.tables import AssessmentEvent, AssessmentScheme, Course, ExamPolicy
from proctor.exams.thresholds import ExamRules, RulesInvalid, parse_rules
from proctor.incidents import replay as replays
from proctor.incidents.replay import Difference, incident_json
from proctor.settings import Settings
from proctor.sittings.tables import Sitting


class NoSuchSitting(NotFound):
    """There is no sitting with this id that has begun."""


class NoSuchPolicy(NotFound):
    """There is no exam policy of this name, and no file."""


def replay(
    sitting: Annotated[str, typer.Argument(help="Id of the sitting.")],
    policy: Annotated[
        str, typer.Option(help="Policy as NAME or NAME@VERSION, a JSON file of rules, or default.")
    ],
) -> None:
    """Print one JSON object: incidents under the policy, and how they differ from the held."""
    with opened(Settings()) as db, db.reading() as tx:
        found = _replayed(tx, sitting, policy)
    typer.echo(rfc8785.dumps(found).decode())


def _replayed(tx: Session, sitting_id: str, policy: str) -> dict[str, Any]:
    sitting = tx.get(Sitting, sitting_id)
    held = None if sitting is None else replays.rules_held_under(tx, sitting_id)
    if sitting is None or held is None:
        raise NoSuchSitting(sitting=sitting_id)
    asked = _rules(tx, sitting, policy)
    items = replays.items_of(tx, sitting_id)
    before = replays.incidents_under(held, items, sitting.exam_s)
    after = replays.incidents_under(asked, items, sitting.exam_s)
    return {
        "sitting": sitting_id,
        "exam_s": sitting.exam_s,
        "facts": len(items),
        "held_under": asdict(held),
        "replayed_under": asdict(asked),
        "incidents": [incident_json(each) for each in after],
        "difference": _difference_json(replays.difference(before, after)),
    }


def _difference_json(found: Difference) -> dict[str, Any]:
    return {
        "gone": [incident_json(each) for each in found.only_before],
        "new": [incident_json(each) for each in found.only_after],
        "changed": [
            {"held": incident_json(old), "replayed": incident_json(new)}
            for old, new in found.unlike
        ],
    }


def _rules(tx: Session, sitting: Sitting, policy: str) -> ExamRules:
    """A file, the defaults, or a policy of the sitting's institution, the newest unless named."""
    if Path(policy).is_file():
        return _rules_in(Path(policy))
    if policy == "default":
        return default_rules()
    name, _, version = policy.partition("@")
    home = (
        select(Course.institution_id)
        .join(AssessmentScheme, AssessmentScheme.course_id == Course.id)
        .join(AssessmentEvent, AssessmentEvent.scheme_id == AssessmentScheme.id)
        .where(AssessmentEvent.id == sitting.event_id)
    )
    query = select(ExamPolicy).where(ExamPolicy.institution_id.in_(home), ExamPolicy.name == name)
    if version.isdigit():
        query = query.where(ExamPolicy.version == int(version))
    found = tx.scalars(query.order_by(ExamPolicy.version.desc())).first()
    if found is None:
        raise NoSuchPolicy(policy=policy)
    return rules_of(found)


def _rules_in(file: Path) -> ExamRules:
    try:
        raw = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise RulesInvalid(file=file.name) from error
    if not isinstance(raw, dict):
        raise RulesInvalid(file=file.name)
    return parse_rules(raw)

"""What is watched in an exam and when it becomes an incident, read from a policy row."""

from dataclasses import asdict
from typing import Any

from proctor.exams.tables import ExamPolicy
from proctor.exams.thresholds import ExamRules, RulesInvalid, parse_rules

__all__ = ["ExamRules", "RulesInvalid", "default_rules", "parse_rules", "rules_json", "rules_of"]


def default_rules() -> ExamRules:
    """The rules of an exam without a policy of its own."""
    return ExamRules()


def rules_of(policy: ExamPolicy | None) -> ExamRules:
    """The rules a policy row holds, or the defaults when the event has no policy."""
    return default_rules() if policy is None else parse_rules(policy.rules)


def rules_json(rules: ExamRules) -> dict[str, Any]:
    """*rules* as an ExamPolicy row keeps them."""
    return asdict(rules)

from typing import Any

import pytest

from proctor.exams.policies import default_rules, rules_json, rules_of
from proctor.exams.tables import ExamPolicy
from proctor.exams.thresholds import ExamRules, RulesInvalid, parse_rules

pytestmark = pytest.mark.unit


def test_an_event_without_a_policy_has_the_default_rules() -> None:
    assert rules_of(None) == default_rules() == ExamRules()


def test_a_policy_changes_only_what_it_names() -> None:
    policy = ExamPolicy(rules={"face_absent_s": 10, "paste_chars": 50})
    assert rules_of(policy) == ExamRules(face_absent_s=10, paste_chars=50)


def test_rules_survive_the_row() -> None:
    rules = ExamRules(focus_lost_s=0, pre_roll_s=2.5)
    assert parse_rules(rules_json(rules)) == rules


@pytest.mark.parametrize(
    "raw",
    [
        {"face_gone_s": 5},
        {"face_absent_s": -1},
        {"face_absent_s": "5"},
        {"face_absent_s": True},
        {"face_absent_s": float("nan")},
        {"face_absent_s": 3601},
        {"paste_chars": 0},
        {"paste_chars": 1.5},
        {"challenge_steps": 6},
        {"challenge_steps": 0.5},
        {"focus_lost_s": None},
    ],
)
def test_wrong_rules_are_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(RulesInvalid):
        parse_rules(raw)

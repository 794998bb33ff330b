import numpy as np
import pytest

from biometrics.calibration import Calibration, OperatingPoint
from biometrics.comparison import FaceComparison
from biometrics.ids import ModelId
from biometrics.types import Box, Template
from proctor.identity.checks import FaceIdentity, ProbePlan
from proctor.identity.tables import CheckResult

pytestmark = pytest.mark.unit

MODEL = ModelId("test", "1")
COMPARISON = FaceComparison(
    MODEL,
    "cosine",
    Calibration(37.19, -13.15),
    {
        "verification": OperatingPoint("verification", 1e-4, 0.428),
        "enrolment": OperatingPoint("enrolment", 1e-5, 0.479),
    },
)


def face(cosine_to_reference: float) -> Template:
    vector = np.zeros(128, np.float32)
    vector[0], vector[1] = cosine_to_reference, np.sqrt(1 - cosine_to_reference**2)
    return Template(MODEL, vector)


def identity() -> FaceIdentity:
    return FaceIdentity(COMPARISON, face(1.0))


def test_identity_is_established_after_three_matches_in_a_row() -> None:
    check = identity()
    established = []
    for _ in range(4):
        check.add(face(0.8))
        established.append(check.is_established)
    assert established == [False, False, True, True]


def noisy(cosine_to_reference: float, noise: int) -> Template:
    """As ``face``, but away from the reference in a direction of its own."""
    vector = np.zeros(128, np.float32)
    vector[0], vector[noise] = cosine_to_reference, np.sqrt(1 - cosine_to_reference**2)
    return Template(MODEL, vector)


def test_identity_is_established_by_the_mean_where_single_frames_waver() -> None:
    check = identity()
    established = []
    for number, cosine in enumerate((0.45, 0.40, 0.45, 0.40), start=1):
        check.add(noisy(cosine, number))
        established.append(check.is_established)
    # four frames apart from one another by chance have a mean at 0.69 from the reference
    assert established == [False, False, False, True]


def test_a_face_that_is_alike_in_the_same_way_each_time_is_not_established() -> None:
    check = identity()
    for _ in range(24):
        check.add(face(0.42))
        assert not check.is_established


def test_identity_is_no_longer_established_once_another_face_has_come() -> None:
    check = identity()
    for _ in range(8):
        check.add(face(0.9))
    assert check.is_established
    check.add(face(0.0))
    check.add(face(0.0))
    assert not check.is_established


def test_one_low_score_is_doubt_and_not_a_mismatch() -> None:
    check = identity()
    for _ in range(5):
        check.add(face(0.8))
    probe = check.add(face(0.0))
    assert (probe.result, probe.decision) == (CheckResult.NO_MATCH, "undecided")
    assert check.add(face(0.8)).decision == "match"


def test_another_face_is_decided_at_the_second_probe() -> None:
    check = identity()
    for _ in range(5):
        check.add(face(0.8))
    assert [check.add(face(0.0)).decision for _ in range(2)] == ["undecided", "no_match"]


def test_a_mismatch_stays_until_the_evidence_is_used_up() -> None:
    check = identity()
    for _ in range(100):
        check.add(face(0.0))
    decisions = [check.add(face(0.8)).decision for _ in range(3)]
    assert decisions == ["no_match", "no_match", "match"]


def test_scores_under_the_operating_point_that_speak_for_nobody_leave_it_undecided() -> None:
    check = identity()
    for _ in range(5):
        check.add(face(0.8))
    # evidence for the reference by the line alone, and below the threshold
    assert {check.add(face(0.40)).decision for _ in range(60)} == {"undecided"}
    # just above it, a score does not undo the many before
    assert check.add(face(0.44)).decision == "undecided"
    assert [check.add(face(0.8)).decision for _ in range(3)] == ["undecided", "undecided", "match"]


def test_attempts_run_out() -> None:
    check = identity()
    left = [check.attempts_left]
    for _ in range(24):
        check.add(face(0.0))
        left.append(check.attempts_left)
    assert (left[0], left[8], left[16], left[24]) == (3, 2, 1, 0)


def test_a_calm_face_is_probed_now_and_then() -> None:
    plan, box = ProbePlan(), Box(0.4, 0.4, 0.2, 0.2)
    probed = []
    for second in range(20):
        if plan.wants_probe(second):
            probed.append(second)
            plan.saw(box, second)
            plan.probed("match", second, jitter=0.5)
        else:
            plan.saw(box, second)
    assert probed == [0, 6, 12, 18]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda plan: plan.saw(Box(0.7, 0.4, 0.2, 0.2), 2.0), id="jump"),
        pytest.param(lambda plan: plan.saw(Box(0.4, 0.4, 0.2, 0.2), 5.5), id="absence"),
        pytest.param(lambda plan: plan.probed("undecided", 2.0, 0.5), id="doubt"),
    ],
)
def test_change_asks_for_a_probe_at_once(change) -> None:  # type: ignore[no-untyped-def]
    plan = ProbePlan()
    plan.saw(Box(0.4, 0.4, 0.2, 0.2), 0.0)
    plan.probed("match", 0.0, jitter=0.9)
    assert not plan.wants_probe(5.5)
    change(plan)
    assert plan.wants_probe(5.5)

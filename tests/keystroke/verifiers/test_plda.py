import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keystroke.features import measure_sums
from keystroke.gate import Abstention, Reason, Side
from keystroke.template import Sums
from keystroke.verifiers.plda import KeystrokeScore, OperatingPoint, PldaVerifier, Result

pytestmark = pytest.mark.unit

WEIGHTS = Path(__file__).parents[3] / "models" / "weights" / "keystroke-plda.npz"


@pytest.fixture(scope="module")
def verifier() -> PldaVerifier:
    return PldaVerifier.load(WEIGHTS)


def score(verifier: PldaVerifier, reference: Any, probe: Sums) -> float:
    compared = verifier.compare(reference, probe)
    assert isinstance(compared, KeystrokeScore)
    return compared.score


def test_the_shipped_verifier_tells_real_typists_apart(
    verifier: PldaVerifier, typists: dict[str, Any]
) -> None:
    results = {
        (mine, theirs): verifier.operating_point.result(
            score(verifier, typists[mine].reference, typists[theirs].probe)
        )
        for mine in typists
        for theirs in typists
    }
    assert {results[name, name] for name in ("first", "third")} == {Result.MATCH}
    # this typist's last session is half-way: the verifier says so
    assert results["second", "second"] is Result.INCONCLUSIVE
    others = {result for (mine, theirs), result in results.items() if mine != theirs}
    assert others == {Result.NO_MATCH}


def test_more_sessions_of_the_typist_raise_the_score(
    verifier: PldaVerifier, typists: dict[str, Any]
) -> None:
    first = typists["first"]
    assert score(verifier, first.reference, first.probe) > score(
        verifier, first.reference[:1], first.probe
    )


def test_a_score_comes_with_its_keys_and_measurements(
    verifier: PldaVerifier, typists: dict[str, Any]
) -> None:
    first = typists["first"]
    compared = verifier.compare(first.reference, first.probe)
    assert isinstance(compared, KeystrokeScore)
    assert compared.n_keys == first.probe.n_keys
    assert compared.measurements == measure_sums(first.probe)


def test_no_score_claims_more_than_its_calibration_set_can_show(
    verifier: PldaVerifier, typists: dict[str, Any]
) -> None:
    lowest = verifier.calibration.llr(-verifier.bound)
    apart = score(verifier, typists["first"].reference, typists["third"].probe)
    assert apart == pytest.approx(lowest)
    assert math.isclose(lowest, -3.74, abs_tol=0.01)


def test_too_few_keys_are_never_compared(verifier: PldaVerifier, typists: dict[str, Any]) -> None:
    first = typists["first"]
    assert verifier.compare(first.reference, Sums.empty()) == Abstention(
        Reason.INSUFFICIENT_KEYS, Side.PROBE, 0
    )
    assert verifier.compare([], first.probe) == Abstention(
        Reason.INSUFFICIENT_KEYS, Side.REFERENCE, 0
    )


def test_a_coarse_clock_is_told_with_the_side_it_was_on(
    verifier: PldaVerifier, typists: dict[str, Any]
) -> None:
    first = typists["first"]
    coarse = replace(first.probe, clock_step_ms=100.0)
    assert verifier.compare(first.reference, coarse) == Abstention(
        Reason.COARSE_CLOCK, Side.PROBE, coarse.n_keys
    )


def test_thresholds_belong_to_the_side_they_name() -> None:
    point = OperatingPoint(accept=2.0, reject=-3.0)
    assert [point.result(s) for s in (2.0, 1.99, -3.0, -3.01)] == [
        Result.MATCH,
        Result.INCONCLUSIVE,
        Result.INCONCLUSIVE,
        Result.NO_MATCH,
    ]


def test_a_saved_verifier_scores_as_before(
    verifier: PldaVerifier, typists: dict[str, Any], tmp_path: Path
) -> None:
    verifier.save(tmp_path / "again.npz")
    again = PldaVerifier.load(tmp_path / "again.npz")
    assert again.model_id == verifier.model_id == "keystroke-plda-1"
    second = typists["second"]
    assert score(again, second.reference, second.probe) == score(
        verifier, second.reference, second.probe
    )

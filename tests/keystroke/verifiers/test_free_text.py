from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keystroke.features import measure_sums
from keystroke.gate import Abstention, Reason, Side
from keystroke.template import Sums
from keystroke.verifiers.count_plda import CountPlda
from keystroke.verifiers.embedding_plda import EmbeddingPlda
from keystroke.verifiers.free_text import (
    FreeTextVerifier,
    KeystrokeScore,
    OperatingPoint,
    Opinion,
    Result,
    load_weighing,
    save_weighings,
    terms,
)

pytestmark = pytest.mark.unit

WEIGHTS = Path(__file__).parents[3] / "models" / "weights"


@pytest.fixture(scope="module")
def verifier() -> FreeTextVerifier:
    population = CountPlda.load(WEIGHTS / "keystroke-plda.npz")
    weighing = load_weighing(WEIGHTS / "keystroke-free-text.npz", fused=False)
    return FreeTextVerifier(population, None, weighing)


def score(verifier: FreeTextVerifier, reference: Any, probe: Sums) -> float:
    compared = verifier.compare(reference, probe)
    assert isinstance(compared, KeystrokeScore)
    return compared.score


def test_the_shipped_verifier_tells_real_typists_apart(
    verifier: FreeTextVerifier, typists: dict[str, Any]
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
    verifier: FreeTextVerifier, typists: dict[str, Any]
) -> None:
    first = typists["first"]
    assert score(verifier, first.reference, first.probe) > score(
        verifier, first.reference[:1], first.probe
    )


def test_a_score_comes_with_its_keys_and_measurements(
    verifier: FreeTextVerifier, typists: dict[str, Any]
) -> None:
    first = typists["first"]
    compared = verifier.compare(first.reference, first.probe)
    assert isinstance(compared, KeystrokeScore)
    assert compared.n_keys == first.probe.n_keys
    assert compared.measurements == measure_sums(first.probe)


def test_no_score_claims_more_than_its_calibration_set_can_show(
    verifier: FreeTextVerifier, typists: dict[str, Any]
) -> None:
    weighing = verifier.weighing
    lowest = weighing.other_sittings.llr(-weighing.bound)
    apart = score(verifier, typists["first"].reference, typists["third"].probe)
    assert -6 < lowest <= apart < verifier.operating_point.reject


def test_too_few_keys_are_never_compared(
    verifier: FreeTextVerifier, typists: dict[str, Any]
) -> None:
    first = typists["first"]
    assert verifier.compare(first.reference, Sums.empty()) == Abstention(
        Reason.INSUFFICIENT_KEYS, Side.PROBE, 0
    )
    assert verifier.compare([], first.probe) == Abstention(
        Reason.INSUFFICIENT_KEYS, Side.REFERENCE, 0
    )


def test_a_coarse_clock_is_told_with_the_side_it_was_on(
    verifier: FreeTextVerifier, typists: dict[str, Any]
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


def test_a_saved_weighing_weighs_as_before(verifier: FreeTextVerifier, tmp_path: Path) -> None:
    alone = verifier.weighing
    network = EmbeddingPlda(np.full(64, 0.5), np.eye(64), np.ones(64), 2 * np.eye(64))
    fused = replace(alone, model_id="fused", bound=3.0, network=network)
    path = tmp_path / "again.npz"
    save_weighings(path, fused=fused, alone=alone)
    opinion = Opinion(4.0, 0.0, 500, 100)
    for was, is_fused in ((fused, True), (alone, False)):
        again = load_weighing(path, fused=is_fused)
        assert replace(again, weights=was.weights, network=was.network) == was
        assert again.llr(opinion) == was.llr(opinion)
        assert (again.network is None) is (was.network is None)
    kept = load_weighing(path, fused=True).network
    assert kept is not None
    before, after = (each.evidence(3, np.ones(64)) for each in (network, kept))
    assert before.pull.tolist() == after.pull.tolist()


def test_the_error_is_that_of_the_most_keys_not_above_the_probes(
    verifier: FreeTextVerifier,
) -> None:
    weighing = replace(verifier.weighing, errors=((100, 0.05), (200, 0.03)))
    assert [weighing.error_at(n) for n in (99, 100, 199, 200, 5000)] == [
        None,
        0.05,
        0.05,
        0.03,
        0.03,
    ]


def test_terms_do_not_reach_beyond_what_was_fitted() -> None:
    far = terms(Opinion(99.0, -99.0, 10**6, 10**6))
    assert far.tolist() == terms(Opinion(20.0, -99.0, 2500, 600)).tolist()
    assert terms(Opinion(10.0, 5.0, 500, 100)).tolist() == [1, 1, 0, 0, 0.5, 0, 0, 0, 0]

import numpy as np
import pytest
import typer

from biometrics.cohort import OwnScores
from proctor.commands.calibrate import figures, refuse_worse
from proctor.inference import face_comparison

pytestmark = pytest.mark.unit

CARD = face_comparison("opencv")


def test_a_threshold_is_proposed_for_what_n_can_show() -> None:
    scores = OwnScores(np.array([0.40, 0.60, 0.70, 0.80]), np.linspace(0.0, 0.5, 200))
    found = figures(scores, None, CARD)
    assert (found["n_mated"], found["n_non_mated"]) == (4, 200)
    assert found["card"] == {"threshold": 0.428, "fmr": 29 / 200, "fnmr": 0.25}
    assert found["own"]["1e-2"]["fnmr"] == 0.25
    assert 0.49 < found["own"]["1e-2"]["threshold"] < 0.50
    assert (found["own"]["1e-3"], found["centred"]) == (None, None)
    assert found["calibration"]["slope"] > 0
    assert found["intervals"]["card.fnmr"]["n"] == 4


def test_people_of_one_sample_each_calibrate_nothing() -> None:
    found = figures(OwnScores(np.empty(0), np.linspace(0.0, 0.5, 200)), None, CARD)
    assert found["card"]["fnmr"] is None
    assert found["calibration"] is None
    assert set(found["own"].values()) == {None}


def test_centred_scores_are_put_in_force_only_where_they_do_no_harm(
    capsys: pytest.CaptureFixture[str],
) -> None:
    raw = OwnScores(np.array([0.40, 0.60]), np.array([0.1, 0.5]))
    better = OwnScores(np.array([0.45, 0.60]), np.array([0.1, 0.4]))
    found = figures(raw, better, CARD)
    assert found["centred"]["card"] == {"threshold": 0.428, "fmr": 0.0, "fnmr": 0.0}
    assert found["intervals"]["centred.card.fmr"]["n"] == 2
    refuse_worse(found)
    for worse, reason in (
        (figures(better, raw, CARD), "fmr 50.000% instead of 0.000%"),
        (figures(raw, None, CARD), "there are 23"),
    ):
        with pytest.raises(typer.Exit):
            refuse_worse({"people": 23, **worse})
        assert reason in capsys.readouterr().err


def test_the_threshold_of_verification_rises_with_what_many_pairs_show(
    capsys: pytest.CaptureFixture[str],
) -> None:
    mated, low = np.array([0.44, 0.60]), np.linspace(-0.2, 0.3, 19_998)
    alike = OwnScores(mated, np.append(low, [0.45, 0.45, 0.46]))
    found = figures(alike, alike, CARD)["centred"]
    assert found["verification"]["threshold"] == found["verification"]["demanded"]
    assert 0.45 < found["verification"]["threshold"] < 0.4501
    assert (found["verification"]["fmr"], found["verification"]["fnmr"]) == (1 / 20_001, 0.5)
    # half of the people themselves would not pass any more
    with pytest.raises(typer.Exit):
        refuse_worse(figures(alike, alike, CARD))
    assert "at 0.450 (fmr 0.005% instead of 0.015%, fnmr 50.000% instead" in capsys.readouterr().err
    sure = OwnScores(np.array([0.5, 0.6]), alike.non_mated)
    refuse_worse(figures(sure, sure, CARD))
    # what FMR 1e-4 is among so few nobody can know
    few = OwnScores(mated, np.append(low[:9_000], 0.45))
    assert figures(few, few, CARD)["centred"]["verification"] is None


def test_two_people_enrolled_twice_raise_the_threshold_of_nobody() -> None:
    pairs = np.append(np.linspace(-0.2, 0.4, 10_009), [0.68, 0.94])
    scores = OwnScores(np.array([0.45, 0.6]), pairs)
    point = figures(scores, scores, CARD)["centred"]["verification"]
    assert point["demanded"] > 0.68
    assert (point["threshold"], point["doubles"], point["fnmr"]) == (0.428, 2, 0.0)

from pathlib import Path

import numpy as np
import pytest

from biometrics.calibration import Calibration
from keystroke.free_text import Trials
from keystroke.verifiers.free_text import OperatingPoint, load_weighing
from models.recipes.keystroke_free_text import (
    calibrate,
    cross_validated,
    intervals,
    operating_point,
    rates,
)

pytestmark = pytest.mark.unit

MODELS = Path(__file__).parents[2] / "models"


def trials(n_people: int = 12, seed: int = 5) -> Trials:
    """Twenty comparisons of each pair of people, mated ones around 4, the others around -4."""
    rng = np.random.default_rng(seed)
    grid = np.array([(r, p) for r in range(n_people) for p in range(n_people)] * 20)
    same = grid[:, 0] == grid[:, 1]
    scores = np.where(same, 4.0, -4.0) + 2.0 * rng.standard_normal(len(grid))
    return Trials(scores, grid[:, 0], grid[:, 1])


def test_the_rates_at_an_operating_point_by_hand() -> None:
    four = Trials(np.array([3.0, -5.0, 0.0, 2.0]), np.array([0, 0, 1, 1]), np.array([0, 1, 1, 0]))
    point = OperatingPoint(accept=1.0, reject=-1.0)
    assert rates(four, Calibration(1.0, 0.0), point) == {
        "fmr": 0.5,
        "fnmr": 0.5,
        "wrongly_refused": 0.0,
        "impostor_not_refused": 0.5,
    }


def test_the_operating_point_meets_its_targets_on_its_own_trials() -> None:
    seen = [trials()]
    calibration = calibrate(seen)
    found = rates(seen[0], calibration, operating_point(calibration, seen))
    assert 0.0 < found["fmr"] <= 0.01
    assert found["wrongly_refused"] == pytest.approx(0.03, abs=0.005)


def test_calibration_of_two_equal_normals_is_their_likelihood_ratio() -> None:
    # means 4 and -4, variance 4: slope 8 / 4, no offset
    line = calibrate([trials(40)])
    assert line.slope == pytest.approx(2.0, rel=0.1)
    assert line.intercept == pytest.approx(0.0, abs=0.2)


def test_a_rate_lies_within_its_interval() -> None:
    seen = trials()
    calibration = calibrate([seen])
    point = operating_point(calibration, [seen])
    found = rates(seen, calibration, point)
    for rate, (low, high) in intervals(seen, calibration, point, repeats=100).items():
        assert low <= found[rate] <= high


def test_cross_validation_compares_only_people_it_did_not_see() -> None:
    measured = cross_validated({"all": trials()})["all"]
    assert isinstance(measured, dict)
    # three folds of four people: 4 mated and 12 non-mated pairs each, twenty times
    assert (measured["n_mated"], measured["n_non_mated"]) == (240, 720)


@pytest.mark.parametrize("fused", [True, False])
def test_the_card_states_the_shipped_line_and_thresholds(fused: bool) -> None:
    shipped = load_weighing(MODELS / "weights" / "keystroke-free-text.npz", fused=fused)
    card = (MODELS / "cards" / "keystroke-free-text.md").read_text(encoding="utf-8")
    (row,) = [line for line in card.splitlines() if line.startswith(f"| `{shipped.model_id}`")]
    line, point = shipped.other_sittings, shipped.operating_point
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:] == [
        f"{line.slope:.3f} x + {line.intercept:.3f}",
        f"{line.llr(-shipped.bound):.2f} to {line.llr(shipped.bound):.2f}",
        f"{point.accept:.3f}",
        f"{point.reject:.3f}",
    ]

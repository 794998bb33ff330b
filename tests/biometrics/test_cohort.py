import numpy as np
import pytest

from biometrics.calibration import Calibration, OperatingPoint
from biometrics.cohort import CentredComparison, own_scores, own_threshold
from biometrics.comparison import FaceComparison
from biometrics.ids import ModelId
from biometrics.types import Template, mean_template

pytestmark = pytest.mark.unit

MODEL = ModelId("test", "1")


def people(count: int, samples: int = 3, seed: int = 0) -> list[list[Template]]:
    """Unit vectors around one direction a person, samples a little apart."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(count, 128)) + 0.5
    return [
        [Template(MODEL, centre + 0.3 * random.normal(size=128)) for _ in range(samples)]
        for centre in centres
    ]


def cosine(one: Template, other: Template) -> float:
    a, b = one.vector.astype(np.float64), other.vector.astype(np.float64)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


CARD = OperatingPoint("verification", 1e-2, 0.43)
STRICTEST = OperatingPoint("enrolment", 1e-3, 0.48)


@pytest.mark.parametrize(
    ("highest", "used"), [(0.30, 0.43), (0.46, 0.46), (0.90, 0.43)], ids=["kept", "own", "doubles"]
)
def test_own_threshold_is_never_below_that_of_the_card(highest: float, used: float) -> None:
    # two of 200 may pass
    scores = np.append(np.linspace(-0.2, 0.2, 197), [highest, 0.95, 0.95])
    assert own_threshold(scores, CARD, STRICTEST) == (np.nextafter(highest, 1), pytest.approx(used))


def test_too_few_pairs_show_no_threshold() -> None:
    assert own_threshold(np.full(99, 0.9), CARD, STRICTEST) is None


def test_every_sample_is_compared_with_the_others_of_its_person_and_means_with_means() -> None:
    known = people(4)
    raw, centred = own_scores("cosine", known)
    assert (raw.mated.size, raw.non_mated.size, centred) == (12, 6, None)
    assert raw.mated[1] == pytest.approx(
        cosine(known[0][1], mean_template([known[0][0], known[0][2]])), abs=1e-6
    )
    assert raw.non_mated[0] == pytest.approx(
        cosine(mean_template(known[0]), mean_template(known[1])), abs=1e-6
    )


def test_a_person_of_one_sample_has_no_mated_score() -> None:
    raw, _ = own_scores("cosine", people(3, samples=1))
    assert (raw.mated.size, raw.non_mated.size) == (0, 3)


def test_centred_scores_leave_out_the_two_who_are_compared() -> None:
    known = people(60)
    raw, centred = own_scores("cosine", known)
    assert centred is not None
    means = [mean_template(each) for each in known]

    def near(person: int, other: int) -> float:
        scores = [cosine(means[person], means[n]) for n in range(60) if n not in (person, other)]
        return float(np.mean(sorted(scores)[-20:]))

    usual = float(np.mean([near(person, person) for person in range(60)]))
    for at, (one, other) in [(0, (0, 1)), (58, (0, 59)), (59, (1, 2))]:
        expected = raw.non_mated[at] - (near(one, other) + near(other, one)) / 2 + usual
        assert centred.non_mated[at] == pytest.approx(expected, abs=1e-6)
    assert centred.mated.shape == raw.mated.shape


def comparison() -> FaceComparison:
    return FaceComparison(
        MODEL, "cosine", Calibration(30.0, -12.0), {"verification": OperatingPoint("v", 1e-4, 0.4)}
    )


def test_a_sitting_scores_as_the_measurement_did() -> None:
    known = people(62)
    means = [mean_template(each) for each in known]
    _, measured = own_scores("cosine", known)
    assert measured is not None
    beside = np.array([mean.vector for mean in means[2:]], np.float64)
    centred = CentredComparison(comparison(), MODEL.calibrated(3), beside)
    found = centred.compare(means[0], means[1])
    # the measurement's usual nearness is of all 62, that of the sitting of the 60 others
    assert found.score == pytest.approx(measured.non_mated[0], abs=0.002)
    assert found.llr == pytest.approx(30.0 * found.score - 12.0)
    assert str(found.model_id) == "test/1+own3"


def test_who_has_many_alike_is_compared_more_strictly() -> None:
    random = np.random.default_rng(1)
    crowd = random.normal(size=(30, 128)) * 0.6 + 0.8
    others = np.concatenate([crowd, random.normal(size=(30, 128))])
    plain, centred = comparison(), CentredComparison(comparison(), MODEL, others)
    for middle, is_stricter in ((0.8, True), (0.0, False)):
        person = random.normal(size=128) * 0.6 + middle
        one, again = (Template(MODEL, person + 0.3 * random.normal(size=128)) for _ in range(2))
        lower = centred.compare(one, again).score < plain.compare(one, again).score
        assert lower is is_stricter


def test_a_few_people_are_no_cohort() -> None:
    with pytest.raises(ValueError, match="60"):
        CentredComparison(comparison(), MODEL, np.ones((58, 128)))

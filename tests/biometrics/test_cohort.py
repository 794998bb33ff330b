import numpy as np
import pytest

from biometrics.cohort import own_scores
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

    for at, (one, other) in [(0, (0, 1)), (58, (0, 59)), (59, (1, 2))]:
        expected = raw.non_mated[at] - (near(one, other) + near(other, one)) / 2
        assert centred.non_mated[at] == pytest.approx(expected, abs=1e-6)
    assert centred.mated.shape == raw.mated.shape
    assert centred.mated.mean() < raw.mated.mean()

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biometrics.comparison import closeness, cosine
from biometrics.ids import ModelId
from biometrics.protection import Rotation, renew
from biometrics.types import Template

pytestmark = pytest.mark.unit

MODEL = ModelId("test", "1")
OLD, NEW = Rotation.from_key(bytes(32)), Rotation.from_key(b"\x01" * 32)


def template(seed: int) -> Template:
    vector = np.random.default_rng(seed).normal(size=128)
    return Template(MODEL, vector / np.linalg.norm(vector))


@given(st.integers(0, 999), st.integers(0, 999))
def test_scores_of_two_turned_templates_are_those_of_the_two(one: int, other: int) -> None:
    a, b = template(one), template(other)
    turned_a, turned_b = OLD.apply(a), OLD.apply(b)
    assert cosine(turned_a, turned_b) == pytest.approx(cosine(a, b), abs=1e-5)
    assert closeness(turned_a, turned_b) == pytest.approx(closeness(a, b), abs=1e-3)


def test_a_turned_template_is_unrelated_to_itself_and_to_another_turn() -> None:
    own = [cosine(template(n), OLD.apply(template(n))) for n in range(200)]
    apart = [cosine(OLD.apply(template(n)), NEW.apply(template(n))) for n in range(200)]
    # two random directions of 128: sd 0.088
    assert max(map(abs, own + apart)) < 0.4
    assert abs(float(np.mean(own))) < 0.03
    assert abs(float(np.mean(apart))) < 0.03


def test_renewed_templates_are_those_that_the_new_key_makes() -> None:
    first, second = template(1), template(2)
    renewed = renew([OLD.apply(first), OLD.apply(second)], OLD, NEW)
    for got, original in zip(renewed, (first, second), strict=True):
        assert got.vector == pytest.approx(NEW.apply(original).vector, abs=1e-6)
        assert got.model_id == MODEL


def test_a_key_always_makes_the_same_rotation() -> None:
    assert np.array_equal(Rotation.from_key(bytes(32)).matrix, OLD.matrix)
    assert pytest.approx(np.eye(128), abs=1e-12) == OLD.matrix @ OLD.matrix.T
    assert OLD.matrix[0, :3] == pytest.approx([0, 0, 0], abs=0.5)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Rotation.from_key(bytes(31))

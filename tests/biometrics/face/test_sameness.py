import numpy as np
import pytest

from biometrics.face.quality import fingerprint
from biometrics.face.sameness import (
    Recurrence,
    difference,
    is_same_picture,
    is_same_sample,
    repeats,
)

pytestmark = pytest.mark.unit


def test_a_fingerprint_has_32_by_24_levels_of_grey() -> None:
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[:, 320:] = 200
    levels = np.frombuffer(fingerprint(picture), np.uint8).reshape(24, 32)
    assert set(levels[:, :16].ravel()) == {0}
    assert set(levels[:, 16:].ravel()) == {200}


def test_difference_is_the_mean_step_of_grey() -> None:
    one, other = bytes([10] * 768), bytes([12] * 384 + [10] * 384)
    assert difference(one, other) == difference(other, one) == 1.0
    assert not is_same_picture(one, other)
    assert is_same_picture(one, one)


def test_samples_differ_by_half_a_level_of_grey() -> None:
    one, other = bytes([10] * 768), bytes([11] * 384 + [10] * 384)
    assert is_same_sample(one, bytes([11] * 300 + [10] * 468))
    assert not is_same_sample(one, other)


def test_sensor_noise_alone_is_the_same_picture_and_a_moved_head_is_not() -> None:
    random = np.random.default_rng(0)
    picture = np.tile(np.linspace(0, 255, 640).astype(np.uint8)[None, :, None], (480, 1, 3))
    noise = random.normal(0, 3, picture.shape)
    noisy = np.clip(np.round(picture + noise), 0, 255).astype(np.uint8)
    moved = np.roll(picture, 8, axis=1)
    assert is_same_picture(fingerprint(picture), fingerprint(noisy))
    assert not is_same_picture(fingerprint(picture), fingerprint(moved))


def picture(level: int) -> bytes:
    return bytes([level]) * 768


def test_a_picture_that_comes_back_after_a_movement_is_a_loop() -> None:
    assert repeats([picture(level) for level in (10, 12, 14, 10)])


def test_a_film_that_stands_still_or_only_moves_on_is_no_loop() -> None:
    assert not repeats([picture(10)] * 6)
    assert not repeats([picture(level) for level in (10, 12, 14, 16, 18, 20)])
    # back at once: a person who nods
    assert not repeats([picture(level) for level in (10, 12, 10)])


def found(levels: list[int]) -> list[bool]:
    recurrence = Recurrence()
    return [recurrence.take(picture(level)) for level in levels]


LOOP = [10, 12, 17, 11, 19, 14]


def test_three_pictures_in_their_order_are_a_loop() -> None:
    assert found(LOOP * 2) == [False] * 8 + [True] * 4


def test_a_picture_lost_on_the_way_does_not_hide_the_loop() -> None:
    assert found([*LOOP, 10, 17, 11, 19]) == [False] * 8 + [True] * 2


def test_the_same_places_in_another_order_are_no_loop() -> None:
    assert not any(found([*LOOP, 14, 19, 11, 17, 12, 10]))


def test_somebody_who_hardly_moves_is_no_loop() -> None:
    assert not any(found([10] * 30))


def test_what_lies_ten_minutes_back_is_forgotten() -> None:
    assert not any(found([*LOOP, *[30] * 600, *LOOP]))


def test_a_picture_of_ten_minutes_ago_is_still_known_and_an_older_one_is_not() -> None:
    random = np.random.default_rng(5)
    passes = [random.integers(0, 256, 768, np.uint8).tobytes() for _ in range(4)]
    for others, found in ((596, True), (597, False)):
        recurrence = Recurrence()
        strangers = (random.integers(0, 256, 768, np.uint8).tobytes() for _ in range(others))
        assert not any(recurrence.take(each) for each in (*passes, *strangers))
        # the first of them is compared with what was seen 600 pictures before
        assert [recurrence.take(each) for each in passes[:3]][-1] is found

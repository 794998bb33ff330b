import numpy as np
import pytest

from biometrics.face.quality import assess, is_too_small
from biometrics.types import Box, Image, Quality

pytestmark = pytest.mark.unit


def flags(image: Image) -> tuple[bool, bool, bool]:
    quality: Quality = assess(image)
    return quality.covered, quality.dark, quality.blurred


def noise(low: int, high: int) -> Image:
    return np.random.default_rng(7).integers(low, high, (240, 320, 3), dtype=np.uint8)


def ramp(low: float, high: float) -> Image:
    row = np.linspace(low, high, 320).astype(np.uint8)
    return np.repeat(np.tile(row, (240, 1))[:, :, None], 3, axis=2)


def test_black_picture_is_covered() -> None:
    quality = assess(np.zeros((480, 640, 3), dtype=np.uint8))
    assert quality == Quality(0.0, 0.0, 0.0, covered=True, dark=False, blurred=False)


def test_grey_grain_of_a_taped_camera_is_covered() -> None:
    assert flags(noise(100, 110)) == (True, False, False)


def test_night_is_dark_however_much_the_sensor_hisses() -> None:
    quality = assess(noise(0, 30))
    assert quality.dark
    assert quality.sharpness > 10
    assert not quality.blurred
    assert not quality.covered


def test_smooth_picture_is_blurred() -> None:
    assert flags(ramp(60, 200)) == (False, False, True)


def test_sharp_bright_picture_has_no_fault() -> None:
    assert flags(noise(0, 255)) == (False, False, False)


def test_face_is_too_small_under_32_pixels_of_its_shorter_side() -> None:
    assert is_too_small(Box(0, 0, 31.9, 50))
    assert not is_too_small(Box(0, 0, 32, 40))

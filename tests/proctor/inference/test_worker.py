import io

import numpy as np
import PIL.Image
import pytest

from proctor.inference.worker import decode_still

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("kind", [np.uint16, np.uint8])
def test_sixteen_bits_of_grey_are_the_same_picture_as_eight(kind: type) -> None:
    ramp = np.arange(256, dtype=np.uint8)[None].repeat(8, axis=0)
    written = io.BytesIO()
    levels = ramp.astype(kind) * (257 if kind is np.uint16 else 1)
    PIL.Image.fromarray(levels).save(written, "PNG")
    shown = np.asarray(decode_still(written.getvalue()))
    assert shown.shape == (8, 256, 3)
    assert (shown == ramp[..., None]).all()

"""What a deployment sets wrong is refused at the start."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from proctor.settings import Settings

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("address", ["", "0", "0.0.0.0", "::", "0:0:0:0:0:0:0:0", " ::0 "])
def test_media_go_to_one_address_and_not_to_all_of_a_machine(address: str) -> None:
    with pytest.raises(ValidationError, match=r"PROCTOR_MEDIA_ADDRESS: .* all addresses"):
        Settings(media_address=address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "media.example.org"])
def test_an_address_of_this_machine_is_taken(address: str) -> None:
    assert Settings(media_address=address).media_address == address


def test_a_network_of_ones_own_comes_with_its_hash() -> None:
    with pytest.raises(ValidationError, match="go together"):
        Settings(pad_model=Path("mini.onnx"))
    with pytest.raises(ValidationError, match="pattern"):
        Settings(pad_model=Path("mini.onnx"), pad_hash="abc")
    assert Settings(pad_model=Path("mini.onnx"), pad_hash="0" * 64).pad_model is not None

import pytest

from models.onnx_graph import drop_unread_inputs

pytestmark = pytest.mark.unit


def field(number: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes([number << 3 | 2, len(body)]) + body


IR_VERSION = bytes([1 << 3, 6])
NODE = field(1, field(1, b"data") + field(1, b"weight") + field(2, b"out") + field(4, b"Conv"))
READ = field(11, field(1, b"data")) + field(11, field(1, b"weight"))
STALE = field(11, field(1, b"old_weight"))
OUTPUT = field(12, field(1, b"out"))
OPSET = field(8, bytes([2 << 3, 21]))


def test_inputs_that_no_node_reads_are_dropped_and_all_else_kept() -> None:
    stale = IR_VERSION + field(7, NODE + STALE + READ + OUTPUT) + OPSET
    assert drop_unread_inputs(stale) == IR_VERSION + field(7, NODE + READ + OUTPUT) + OPSET


def test_clean_model_is_left_as_it_is() -> None:
    clean = IR_VERSION + field(7, NODE + READ + OUTPUT) + OPSET
    assert drop_unread_inputs(clean) == clean


@pytest.mark.parametrize("data", [b"", b"GIF89a", field(7, NODE)[:-1], b"\x80", OPSET])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"ONNX|protobuf"):
        drop_unread_inputs(data)

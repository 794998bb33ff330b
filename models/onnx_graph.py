"""ONNX files, read and written as far as it takes to mend one or to make one; numpy only."""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from numpy.typing import NDArray

# field numbers of onnx.proto: ModelProto.graph; GraphProto.node, .input; names inside them
_GRAPH, _NODE, _GRAPH_INPUT, _NODE_INPUT, _INPUT_NAME = 7, 1, 11, 1, 1
_IR_VERSION, _OPSET = 8, 13
# TensorProto.DataType
_TYPES = {"float32": 1, "int64": 7}

Attribute: TypeAlias = int | float | str | tuple[int, ...]


def drop_unread_inputs(onnx: bytes) -> bytes:
    """The ONNX model without the graph inputs that no node reads.

    OpenCV 5 counts them and then refuses to run a network that is given one image.
    Raises ValueError when *onnx* is not one.
    """
    parts_of_model = list(_fields(onnx))
    graphs = [body for number, _, body in parts_of_model if number == _GRAPH]
    if len(graphs) != 1:
        raise ValueError("an ONNX model has one graph")
    parts = list(_fields(graphs[0]))
    read = {
        name
        for number, _, node in parts
        if number == _NODE
        for inner, _, name in _fields(node)
        if inner == _NODE_INPUT
    }
    kept = b"".join(
        raw for number, raw, body in parts if number != _GRAPH_INPUT or _name(body) in read
    )
    graph = _field(_GRAPH, kept)
    return b"".join(graph if number == _GRAPH else raw for number, raw, _ in parts_of_model)


def model(
    nodes: Sequence[bytes],
    initializers: Mapping[str, NDArray[Any]],
    inputs: Mapping[str, Sequence[int]],
    outputs: Mapping[str, Sequence[int]],
) -> bytes:
    """A model of *nodes* in their order; inputs and outputs are float32 of the given shapes."""
    graph = b"".join(
        [
            *(_field(_NODE, each) for each in nodes),
            _text(2, "graph"),
            *(_field(5, _tensor(name, array)) for name, array in initializers.items()),
            *(_field(_GRAPH_INPUT, _value(name, shape)) for name, shape in inputs.items()),
            *(_field(12, _value(name, shape)) for name, shape in outputs.items()),
        ]
    )
    opset = _field(8, _number(2, _OPSET))
    return _number(1, _IR_VERSION) + _field(_GRAPH, graph) + opset


def node(
    operation: str,
    inputs: Iterable[str],
    outputs: Iterable[str],
    attributes: Mapping[str, Attribute],
) -> bytes:
    """One step of a model, of the standard operators."""
    names = [_text(_NODE_INPUT, name) for name in inputs]
    names += [_text(2, name) for name in outputs]
    told = [_field(5, _attribute(name, value)) for name, value in attributes.items()]
    return b"".join([*names, _text(4, operation), *told])


def _attribute(name: str, value: Attribute) -> bytes:
    # the last field is AttributeProto.AttributeType
    match value:
        case str():
            told = _text(4, value) + _number(20, 3)
        case float():
            told = _varint(2 << 3 | 5) + struct.pack("<f", value) + _number(20, 1)
        case int():
            told = _number(3, value) + _number(20, 2)
        case _:
            told = b"".join(_number(8, each) for each in value) + _number(20, 7)
    return _text(1, name) + told


def _tensor(name: str, array: NDArray[Any]) -> bytes:
    sizes = b"".join(_number(1, size) for size in array.shape)
    kind = _number(2, _TYPES[array.dtype.name])
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return sizes + kind + _text(8, name) + _field(9, data)


def _value(name: str, shape: Sequence[int]) -> bytes:
    sizes = b"".join(_field(1, _number(1, size)) for size in shape)
    tensor = _number(1, _TYPES["float32"]) + _field(2, sizes)
    return _text(1, name) + _field(2, _field(1, tensor))


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode())


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _name(value_info: bytes) -> bytes:
    return next(body for number, _, body in _fields(value_info) if number == _INPUT_NAME)


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each protobuf field as (number, whole field, body); the body of a scalar is empty."""
    at = 0
    while at < len(message):
        start = at
        key, at = _read_varint(message, at)
        body = b""
        match key & 7:
            case 0:
                _, at = _read_varint(message, at)
            case 1:
                at += 8
            case 2:
                size, at = _read_varint(message, at)
                body, at = message[at : at + size], at + size
            case 5:
                at += 4
            case _:
                raise ValueError("not a protobuf message")
        if at > len(message):
            raise ValueError("a protobuf field reaches past its message")
        yield key >> 3, message[start:at], body


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(message):
        byte = message[at]
        number, shift, at = number | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return number, at
    raise ValueError("a protobuf number has no end")


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    return bytes(written)

"""An ONNX file in, the same network without the inputs that nothing reads out."""

from collections.abc import Iterator

# field numbers of onnx.proto: ModelProto.graph; GraphProto.node, .input; names inside them
_GRAPH, _NODE, _GRAPH_INPUT, _NODE_INPUT, _INPUT_NAME = 7, 1, 11, 1, 1


def drop_unread_inputs(onnx: bytes) -> bytes:
    """The ONNX model without the graph inputs that no node reads.

    OpenCV 5 counts them and then refuses to run a network that is given one image.
    Raises ValueError when *onnx* is not one.
    """
    model = list(_fields(onnx))
    graphs = [body for number, _, body in model if number == _GRAPH]
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
    graph = _varint(_GRAPH << 3 | 2) + _varint(len(kept)) + kept
    return b"".join(graph if number == _GRAPH else raw for number, raw, _ in model)


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

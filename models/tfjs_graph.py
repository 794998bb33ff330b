"""A TensorFlow.js graph model in, the same network as ONNX out; numpy only.

Only what a detector exported through PyTorch uses is known: its padding, its transpositions around
each convolution and its split bias become the one convolution that they were made from.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.onnx_graph import Attribute, model, node

_Array = NDArray[Any]
_TO_LAST, _TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
# where the axes of a picture stored with channels first are, when TensorFlow has them last
_AXES_OF_LAST = (0, 2, 3, 1)
_BY_CENTRES = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}


@dataclass(frozen=True)
class _Tensor:
    """A tensor of the ONNX network; pictures are stored with channels first.

    ``shape``: as stored. ``last``: whether TensorFlow sees it with channels last. ``pads``: rows
    and columns that the next convolution or pool adds: top, left, bottom, right.
    """

    name: str
    shape: tuple[int, ...]
    last: bool = False
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)


def to_onnx(graph: bytes, weights: bytes) -> bytes:
    """The ONNX model of a ``.json`` and the one ``.bin`` that belongs to it.

    Raises ValueError for an operation, a layout or a type that is not known here.
    """
    described = json.loads(graph)
    writer = _Writer(_constants(described["weightsManifest"], weights))
    nodes = {each["name"]: each for each in described["modelTopology"]["node"]}
    outputs = sorted(described["signature"]["outputs"])
    for name in _in_order(nodes, [_plain(output) for output in outputs]):
        writer.add(nodes[name])
    return writer.finished([_plain(output) for output in outputs])


def _constants(manifest: Sequence[Mapping[str, Any]], data: bytes) -> dict[str, _Array]:
    found: dict[str, _Array] = {}
    at = 0
    for row in (row for group in manifest for row in group["weights"]):
        stored = np.dtype(row.get("quantization", {}).get("dtype", row["dtype"]))
        count = int(np.prod(row["shape"], dtype=np.int64))
        if stored.kind not in "fi" or "scale" in row.get("quantization", {}):
            raise ValueError(f"weights of {stored} are not known")
        array = np.frombuffer(data, stored.newbyteorder("<"), count, at)
        found[row["name"]] = array.astype(row["dtype"]).reshape(row["shape"])
        at += count * stored.itemsize
    if at != len(data):
        raise ValueError("the weights are not those of the graph")
    return found


def _in_order(nodes: Mapping[str, Any], wanted: list[str]) -> list[str]:
    """Names of all that *wanted* needs, each after what it needs itself."""
    order: dict[str, None] = {}
    waiting = [(name, False) for name in reversed(wanted)]
    while waiting:
        name, ready = waiting.pop()
        if ready:
            order[name] = None
        elif name not in order:
            needed = [_plain(each).split(":")[0] for each in nodes[name].get("input", ())]
            waiting += [(name, True), *((each, False) for each in reversed(needed))]
    return list(order)


def _plain(name: str) -> str:
    return name.removesuffix(":0")


class _Writer:
    """The network written so far."""

    def __init__(self, constants: dict[str, _Array]) -> None:
        self._constants = constants
        self._tensors: dict[str, _Tensor] = {}
        self._inputs: dict[str, tuple[int, ...]] = {}
        self._nodes: list[bytes] = []
        self._initializers: dict[str, _Array] = {}

    def finished(self, outputs: Sequence[str]) -> bytes:
        shapes = {self._tensors[name].name: self._tensors[name].shape for name in outputs}
        return model(self._nodes, self._initializers, self._inputs, shapes)

    def add(self, each: Mapping[str, Any]) -> None:
        name, attributes = each["name"], each.get("attr", {})
        inputs = [_plain(one) for one in each.get("input", ())]
        if each["op"] == "Const":
            return
        if inputs and all(one in self._constants for one in inputs):
            self._constants[name] = _folded(each["op"], [self._constants[one] for one in inputs])
            return
        match each["op"]:
            case "Placeholder":
                shape = tuple(int(dim["size"]) for dim in attributes["shape"]["shape"]["dim"])
                self._tensors[name], self._inputs = _Tensor(name, shape), {name: shape}
            case "Pad" | "PadV2":
                self._pad(name, inputs)
            case "Transpose":
                self._transpose(name, inputs)
            case "Conv2D":
                self._convolve(name, inputs, attributes)
            case "MaxPool":
                self._pool(name, inputs, attributes)
            case "Add" | "AddV2":
                self._sum(name, inputs)
            case "LeakyRelu":
                slope = float(attributes["alpha"]["f"])
                self._emit("LeakyRelu", name, inputs, self._tensors[inputs[0]], alpha=slope)
            case "Sigmoid" | "Identity":
                self._emit(each["op"], name, inputs, self._tensors[inputs[0]])
            case "ConcatV2":
                self._join(name, inputs)
            case "SplitV":
                self._split(name, inputs)
            case "ResizeBilinear":
                self._resize(name, inputs, attributes)
            case "Reshape":
                shape = tuple(int(size) for size in self._constants[inputs[1]])
                source = self._stored_first(inputs[0])
                shape = np.empty(source.shape, np.bool_).reshape(shape).shape
                self._emit("Reshape", name, inputs[:1], _Tensor(name, shape), (np.array(shape),))
            case unknown:
                raise ValueError(f"the operation {unknown} is not known")

    def _emit(
        self,
        operation: str,
        name: str,
        inputs: Sequence[str],
        like: _Tensor,
        constants: Sequence[_Array] = (),
        **attributes: Attribute,
    ) -> None:
        """A node of one output, shaped and laid out as *like*."""
        read = [self._tensors[one].name for one in inputs]
        read += [self._constant(f"{name}/{i}", array) for i, array in enumerate(constants)]
        self._nodes.append(node(operation, read, [name], attributes))
        self._tensors[name] = replace(like, name=name, pads=(0, 0, 0, 0))

    def _constant(self, name: str, array: _Array) -> str:
        self._initializers[name] = np.ascontiguousarray(array)
        return name

    def _stored_first(self, name: str) -> _Tensor:
        found = self._tensors[name]
        if found.last or any(found.pads):
            raise ValueError(f"{name} lies otherwise than it was trained")
        return found

    def _pad(self, name: str, inputs: Sequence[str]) -> None:
        source = self._stored_first(inputs[0])
        pads = self._constants[inputs[1]].astype(int).tolist()
        if any(pads[0]) or any(pads[1]):
            raise ValueError("only rows and columns are padded")
        (top, bottom), (left, right) = pads[2:]
        self._tensors[name] = replace(source, pads=(top, left, bottom, right))

    def _transpose(self, name: str, inputs: Sequence[str]) -> None:
        source, order = self._tensors[inputs[0]], tuple(self._constants[inputs[1]].tolist())
        if order in (_TO_LAST, _TO_FIRST):
            if source.last == (order == _TO_LAST):
                raise ValueError("a picture is turned the same way twice")
            self._tensors[name] = replace(source, last=not source.last)
            return
        self._stored_first(inputs[0])
        shape = tuple(source.shape[axis] for axis in order)
        self._emit("Transpose", name, inputs[:1], _Tensor(name, shape), perm=order)

    def _convolve(self, name: str, inputs: Sequence[str], attributes: Mapping[str, Any]) -> None:
        source, kernel = self._tensors[inputs[0]], self._constants[inputs[1]]
        height, width, channels, made = kernel.shape
        strides, dilations = (_pair(attributes, key) for key in ("strides", "dilations"))
        if not source.last or channels != source.shape[1] or dilations != (1, 1):
            raise ValueError("only whole convolutions with channels last are known")
        size = _swept(source, (height, width), strides, attributes)
        self._emit(
            "Conv",
            name,
            inputs[:1],
            _Tensor(name, (1, made, *size), last=True),
            (kernel.transpose(3, 2, 0, 1),),
            kernel_shape=(height, width),
            strides=strides,
            pads=source.pads,
        )

    def _pool(self, name: str, inputs: Sequence[str], attributes: Mapping[str, Any]) -> None:
        source = self._tensors[inputs[0]]
        kernel, strides = (_pair(attributes, key) for key in ("ksize", "strides"))
        size = _swept(source, kernel, strides, attributes)
        like = _Tensor(name, (1, source.shape[1], *size), last=source.last)
        self._emit(
            "MaxPool",
            name,
            inputs,
            like,
            kernel_shape=kernel,
            strides=strides,
            pads=source.pads,
        )

    def _sum(self, name: str, inputs: Sequence[str]) -> None:
        tensors = [one for one in inputs if one in self._tensors]
        like = self._tensors[tensors[0]]
        constants = []
        for array in (self._constants[one] for one in inputs if one not in self._tensors):
            last = array.reshape((1,) * (4 - array.ndim) + array.shape)
            constants.append(last.transpose(_TO_FIRST) if like.last else last)
        if any(self._tensors[one].last != like.last for one in tensors):
            raise ValueError("a sum of two layouts")
        self._emit("Add", name, tensors, like, constants)

    def _join(self, name: str, inputs: Sequence[str]) -> None:
        *parts, axis_name = inputs
        tensors = [self._tensors[part] for part in parts]
        axis = self._axis(tensors[0], axis_name)
        shape = list(tensors[0].shape)
        shape[axis] = sum(tensor.shape[axis] for tensor in tensors)
        self._emit("Concat", name, parts, replace(tensors[0], shape=tuple(shape)), axis=axis)

    def _split(self, name: str, inputs: Sequence[str]) -> None:
        source = self._tensors[inputs[0]]
        sizes, axis = self._constants[inputs[1]].astype(np.int64), self._axis(source, inputs[2])
        names = [name if i == 0 else f"{name}:{i}" for i in range(len(sizes))]
        read = [source.name, self._constant(f"{name}/sizes", sizes)]
        self._nodes.append(node("Split", read, names, {"axis": axis}))
        for each, size in zip(names, sizes.tolist(), strict=True):
            shape = list(source.shape)
            shape[axis] = size
            self._tensors[each] = replace(source, name=each, shape=tuple(shape))

    def _resize(self, name: str, inputs: Sequence[str], attributes: Mapping[str, Any]) -> None:
        source, size = self._tensors[inputs[0]], self._constants[inputs[1]].tolist()
        if not source.last or not attributes["half_pixel_centers"]["b"]:
            raise ValueError("only resizing by pixel centres with channels last is known")
        scales = np.array([1, 1, *np.array(size) / source.shape[2:]], np.float32)
        # the second input is for another mode
        read = [source.name, "", self._constant(f"{name}/scales", scales)]
        self._nodes.append(node("Resize", read, [name], _BY_CENTRES))
        self._tensors[name] = _Tensor(name, (*source.shape[:2], *size), last=True)

    def _axis(self, tensor: _Tensor, name: str) -> int:
        axis = int(self._constants[name]) % len(tensor.shape)
        return _AXES_OF_LAST[axis] if tensor.last else axis


def _folded(operation: str, inputs: Sequence[_Array]) -> _Array:
    match operation:
        case "Add" | "AddV2":
            added: _Array = inputs[0] + inputs[1]
            return added
        case "SparseToDense":
            places, shape, values, default = inputs
            dense = np.full(shape, default)
            dense[tuple(places.T) if places.ndim == 2 else places] = values
            return dense
        case unknown:
            raise ValueError(f"{unknown} of constants is not known")


def _pair(attributes: Mapping[str, Any], key: str) -> tuple[int, int]:
    """Rows and columns of an attribute that also speaks of samples and channels."""
    _, rows, columns, _ = (int(number) for number in attributes[key]["list"]["i"])
    return rows, columns


def _swept(
    source: _Tensor,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    attributes: Mapping[str, Any],
) -> tuple[int, int]:
    """Height and width after a kernel went over *source* and its padding."""
    if base64.b64decode(attributes["padding"]["s"]) != b"VALID":
        raise ValueError("padding is known only where it is written out")
    top, left, bottom, right = source.pads
    padded = (source.shape[2] + top + bottom, source.shape[3] + left + right)
    rows, columns = (
        (size - side) // stride + 1
        for size, side, stride in zip(padded, kernel, strides, strict=True)
    )
    return rows, columns

"""TensorFlow.js graph models (JSON graph and binary weights) as ONNX, for the operators that NanoDet uses.

TensorFlow keeps channels last, ONNX first: convolutions, pooling and resizing are wrapped in transpositions, most of
which onnxruntime's optimiser removes again. An operator that is not in the table is an error, never a guess.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError
from editloop.models.convert.graph import OnnxGraph

_TO_CHANNELS_FIRST = [0, 3, 1, 2]
_TO_CHANNELS_LAST = [0, 2, 3, 1]
_CONSTANT_OPERATORS = ("Const", "SparseToDense")
"""Emitted only where a value is used as such: a kernel or a shape is stored in its ONNX form instead."""

Node = dict[str, Any]


def convert_tfjs(model_json: Path, target: Path) -> None:
    """Writes the ONNX form of a graph model; inputs keep their names, outputs are named as in its signature.

    Raises:
        BadInputError: ``unsupported-operator`` or ``bad-weights``.
    """
    model = json.loads(model_json.read_text("utf-8"))
    weights = read_weights(model_json.parent, model["weightsManifest"])
    outputs = {
        output["name"]: _shape(output["tensorShape"])
        for output in model["signature"]["outputs"].values()
    }
    _Converter(model["modelTopology"]["node"], weights).convert(outputs).save(target)


def read_weights(folder: Path, manifest: list[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    """Weights by name; those stored as float16 come back as float32.

    Raises:
        BadInputError: ``bad-weights`` for a quantisation other than float16, or a file of the wrong length.
    """
    weights: dict[str, NDArray[Any]] = {}
    for group in manifest:
        data = b"".join((folder / path).read_bytes() for path in group["paths"])
        offset = 0
        for entry in group["weights"]:
            stored = entry.get("quantization", {}).get("dtype", entry["dtype"])
            if stored not in ("float16", "float32", "int32"):
                raise BadInputError("bad-weights", f"{entry['name']} is stored as {stored}")
            count = int(np.prod(entry["shape"]))
            size = count * np.dtype(stored).itemsize
            if offset + size > len(data):
                raise BadInputError("bad-weights", f"the file ends inside {entry['name']}")
            flat = np.frombuffer(data, stored, count, offset)
            weights[entry["name"]] = flat.astype(entry["dtype"]).reshape(entry["shape"])
            offset += size
    return weights


class _Converter:
    """Walks the graph from its outputs back to its inputs, emitting each node once."""

    def __init__(self, nodes: list[Node], weights: dict[str, NDArray[Any]]) -> None:
        self._nodes = {node["name"]: node for node in nodes}
        self._weights = weights
        self._graph = OnnxGraph("tfjs")
        self._values: dict[str, list[str]] = {}
        self._emitters: dict[str, Callable[[Node], list[str]]] = {
            "Const": self._constant,
            "SparseToDense": self._constant,
            "Placeholder": self._placeholder,
            "Identity": lambda node: [self._input(node, 0)],
            "Add": lambda node: self._emit("Add", self._inputs(node)),
            "AddV2": lambda node: self._emit("Add", self._inputs(node)),
            "Sigmoid": lambda node: self._emit("Sigmoid", self._inputs(node)),
            "LeakyRelu": self._leaky_relu,
            "Conv2D": self._convolution,
            "MaxPool": self._max_pool,
            "Pad": self._pad,
            "PadV2": self._pad,
            "Transpose": self._transpose,
            "ConcatV2": self._concatenate,
            "Reshape": self._reshape,
            "SplitV": self._split,
            "ResizeBilinear": self._resize,
        }

    def convert(self, outputs: dict[str, list[int | str]]) -> OnnxGraph:
        for reference, shape in outputs.items():
            self._visit(_node_name(reference))
            self._graph.add_output(reference.replace(":", "_"), self._value(reference), shape)
        return self._graph

    def _visit(self, name: str) -> None:
        """Emits everything that `name` needs, then `name`; a stack, since graphs run deeper than Python recurses."""
        pending = [name]
        while pending:
            node = self._nodes[pending[-1]]
            sources = [_node_name(source) for source in node.get("input", [])]
            waiting = [source for source in sources if self._must_come_before(source)]
            if waiting:
                pending.extend(waiting)
                continue
            if node["name"] not in self._values:
                self._values[node["name"]] = self._emit_node(node)
            pending.pop()

    def _must_come_before(self, name: str) -> bool:
        return name not in self._values and self._nodes[name]["op"] not in _CONSTANT_OPERATORS

    def _value(self, reference: str) -> str:
        name, _, result = reference.partition(":")
        if name not in self._values:
            self._values[name] = self._emit_node(self._nodes[name])
        return self._values[name][int(result or 0)]

    def _emit_node(self, node: Node) -> list[str]:
        emitter = self._emitters.get(node["op"])
        if emitter is None:
            raise BadInputError(
                "unsupported-operator",
                f"the node {node['name']!r} is a {node['op']}; known: {', '.join(sorted(self._emitters))}",
            )
        return emitter(node)

    def _emit(self, op: str, inputs: list[str], **attributes: Any) -> list[str]:
        return [self._graph.add_node(op, inputs, **attributes)]

    def _input(self, node: Node, index: int) -> str:
        return self._value(node["input"][index])

    def _inputs(self, node: Node) -> list[str]:
        return [self._input(node, index) for index in range(len(node["input"]))]

    def _known(self, reference: str) -> NDArray[Any]:
        """The value of a node that does not depend on the image."""
        node = self._nodes[_node_name(reference)]
        if node["op"] == "Const":
            return self._weights[node["name"]]
        inputs = [self._known(source) for source in node.get("input", [])]
        if node["op"] == "Identity":
            return inputs[0]
        if node["op"] in ("Add", "AddV2"):
            return np.asarray(inputs[0] + inputs[1])
        if node["op"] == "SparseToDense":
            return _sparse_to_dense(*inputs)
        raise BadInputError(
            "unsupported-operator", f"{node['name']!r}, a {node['op']}, should be a constant"
        )

    def _constant(self, node: Node) -> list[str]:
        return [self._graph.add_constant(self._known(node["name"]))]

    def _placeholder(self, node: Node) -> list[str]:
        return [self._graph.add_input(node["name"], _shape(node["attr"]["shape"]["shape"]))]

    def _leaky_relu(self, node: Node) -> list[str]:
        return self._emit("LeakyRelu", self._inputs(node), alpha=node["attr"]["alpha"]["f"])

    def _convolution(self, node: Node) -> list[str]:
        kernel = self._known(node["input"][1])
        channels_first = kernel.transpose(3, 2, 0, 1).astype(np.float32)
        return self._channels_first(
            "Conv",
            self._input(node, 0),
            [self._graph.add_constant(channels_first)],
            kernel_shape=list(kernel.shape[:2]),
            strides=_integers(node, "strides")[1:3],
            dilations=(_integers(node, "dilations") or [1] * 4)[1:3],
            auto_pad=_padding(node),
        )

    def _max_pool(self, node: Node) -> list[str]:
        return self._channels_first(
            "MaxPool",
            self._input(node, 0),
            [],
            kernel_shape=_integers(node, "ksize")[1:3],
            strides=_integers(node, "strides")[1:3],
            auto_pad=_padding(node),
        )

    def _resize(self, node: Node) -> list[str]:
        if not node["attr"].get("half_pixel_centers", {}).get("b"):
            raise BadInputError("unsupported-operator", "ResizeBilinear without half_pixel_centers")
        height, width = (int(side) for side in self._known(node["input"][1]))
        source = self._graph.add_node("Transpose", [self._input(node, 0)], perm=_TO_CHANNELS_FIRST)
        shape = self._graph.add_node("Shape", [source], start=0, end=2)
        sides = self._graph.add_constant(np.array([height, width], np.int64))
        sizes = self._graph.add_node("Concat", [shape, sides], axis=0)
        resized = self._graph.add_node(
            "Resize",
            [source, "", "", sizes],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
        return self._emit("Transpose", [resized], perm=_TO_CHANNELS_LAST)

    def _channels_first(self, op: str, x: str, rest: list[str], **attributes: Any) -> list[str]:
        first = self._graph.add_node("Transpose", [x], perm=_TO_CHANNELS_FIRST)
        result = self._graph.add_node(op, [first, *rest], **attributes)
        return self._emit("Transpose", [result], perm=_TO_CHANNELS_LAST)

    def _pad(self, node: Node) -> list[str]:
        pads = self._known(node["input"][1]).T.reshape(-1).astype(np.int64)
        inputs = [self._input(node, 0), self._graph.add_constant(pads)]
        if node["op"] == "PadV2":
            fill = np.float32(self._known(node["input"][2]))
            inputs.append(self._graph.add_constant(np.asarray(fill)))
        return self._emit("Pad", inputs)

    def _transpose(self, node: Node) -> list[str]:
        axes = [int(axis) for axis in self._known(node["input"][1])]
        return self._emit("Transpose", [self._input(node, 0)], perm=axes)

    def _concatenate(self, node: Node) -> list[str]:
        *parts, axis = node["input"]
        values = [self._input(node, index) for index in range(len(parts))]
        return self._emit("Concat", values, axis=int(self._known(axis)))

    def _reshape(self, node: Node) -> list[str]:
        shape = self._known(node["input"][1]).astype(np.int64)
        return self._emit("Reshape", [self._input(node, 0), self._graph.add_constant(shape)])

    def _split(self, node: Node) -> list[str]:
        sizes = self._known(node["input"][1]).astype(np.int64)
        inputs = [self._input(node, 0), self._graph.add_constant(sizes)]
        axis = int(self._known(node["input"][2]))
        return self._graph.add_nodes("Split", inputs, len(sizes), axis=axis)


def _node_name(reference: str) -> str:
    return reference.lstrip("^").partition(":")[0]


def _shape(described: dict[str, Any]) -> list[int | str]:
    sizes = [int(axis["size"]) for axis in described["dim"]]
    return [size if size > 0 else f"d{axis}" for axis, size in enumerate(sizes)]


def _integers(node: Node, attribute: str) -> list[int]:
    values = node["attr"].get(attribute, {}).get("list", {}).get("i", [])
    return [int(value) for value in values]


def _padding(node: Node) -> str:
    padding = base64.b64decode(node["attr"]["padding"]["s"]).decode()
    if padding not in ("SAME", "VALID"):
        raise BadInputError("unsupported-operator", f"{node['name']!r} pads {padding}")
    return "SAME_UPPER" if padding == "SAME" else "VALID"


def _sparse_to_dense(
    indices: NDArray[Any], shape: NDArray[Any], values: NDArray[Any], default: NDArray[Any]
) -> NDArray[Any]:
    dense = np.full(tuple(int(side) for side in shape), default)
    for index, value in zip(indices.reshape(-1, len(shape)), np.atleast_1d(values), strict=False):
        dense[tuple(index)] = value
    return dense

"""A graph model made by hand becomes an ONNX file that computes the same as NumPy."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from editloop.core.errors import BadInputError
from editloop.models.convert.tfjs import convert_tfjs, read_weights

Node = dict[str, Any]
RANDOM = np.random.default_rng(0)
KERNEL = RANDOM.normal(size=(3, 3, 2, 4)).astype(np.float16)
BIAS = RANDOM.normal(size=4).astype(np.float16)


def node(name: str, op: str, *inputs: str, **attributes: Any) -> Node:
    return {"name": name, "op": op, "input": list(inputs), "attr": attributes}


def integers(*values: int) -> dict[str, Any]:
    return {"list": {"i": [str(value) for value in values]}}


def padding(kind: str) -> dict[str, str]:
    return {"s": base64.b64encode(kind.encode()).decode()}


class TinyModel:
    """Collects nodes and weights, then writes the two files of a graph model."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        sizes = [{"size": str(size)} for size in (1, height, width, channels)]
        self.nodes = [node("x", "Placeholder", shape={"shape": {"dim": sizes}})]
        self.weights: dict[str, NDArray[Any]] = {}

    def constant(self, name: str, value: Any) -> str:
        self.weights[name] = np.asarray(value)
        self.nodes.append(node(name, "Const"))
        return name

    def add(self, name: str, op: str, *inputs: str, **attributes: Any) -> str:
        self.nodes.append(node(name, op, *inputs, **attributes))
        return name

    def write(self, folder: Path, outputs: dict[str, list[int]]) -> Path:
        entries, data = [], b""
        for name, value in self.weights.items():
            entry: Node = {"name": name, "shape": list(value.shape), "dtype": str(value.dtype)}
            if value.dtype == np.float16:
                entry |= {"dtype": "float32", "quantization": {"dtype": "float16"}}
            entries.append(entry)
            data += value.tobytes()
        (folder / "model.bin").write_bytes(data)
        signature = {
            name: {"name": name, "tensorShape": {"dim": [{"size": str(size)} for size in shape]}}
            for name, shape in outputs.items()
        }
        model = {
            "modelTopology": {"node": self.nodes},
            "signature": {"outputs": signature},
            "weightsManifest": [{"paths": ["model.bin"], "weights": entries}],
        }
        path = folder / "model.json"
        path.write_text(json.dumps(model))
        return path


def run(model: Path, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    import onnxruntime

    target = model.with_suffix(".onnx")
    convert_tfjs(model, target)
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    return list(session.run(None, {"x": image}))


def convolve_same(image: NDArray[Any], kernel: NDArray[Any], stride: int) -> NDArray[Any]:
    """TensorFlow's SAME convolution, channels last, written as its definition."""
    rows, columns, _, filters = kernel.shape
    height, width = -(-image.shape[0] // stride), -(-image.shape[1] // stride)
    spare = [
        max((out - 1) * stride + size - side, 0)
        for out, size, side in zip((height, width), (rows, columns), image.shape[:2], strict=True)
    ]
    padded = np.pad(image, [(s // 2, s - s // 2) for s in spare] + [(0, 0)])
    result = np.zeros((height, width, filters))
    for y in range(height):
        for x in range(width):
            patch = padded[y * stride : y * stride + rows, x * stride : x * stride + columns]
            result[y, x] = np.tensordot(patch, kernel, axes=3)
    return result


def test_convolution_bias_and_activation_match_the_definition(tmp_path: Path) -> None:
    model = TinyModel(6, 5, 2)
    kernel, bias = model.constant("kernel", KERNEL), model.constant("bias", BIAS)
    strides, dilations = integers(1, 2, 2, 1), integers(1, 1, 1, 1)
    model.add(
        "c", "Conv2D", "x", kernel, strides=strides, dilations=dilations, padding=padding("SAME")
    )
    model.add("b", "AddV2", "c", bias)
    model.add("y", "LeakyRelu", "b", alpha={"f": 0.1})
    image = RANDOM.normal(size=(1, 6, 5, 2)).astype(np.float32)
    (found,) = run(model.write(tmp_path, {"y": [1, 3, 3, 4]}), image)
    expected = convolve_same(image[0], KERNEL.astype(np.float64), 2) + BIAS
    np.testing.assert_allclose(
        found[0], np.where(expected > 0, expected, 0.1 * expected), atol=1e-4
    )


def test_shapes_are_moved_as_tensorflow_moves_them(tmp_path: Path) -> None:
    model = TinyModel(4, 4, 4)
    model.add(
        "p",
        "Pad",
        "x",
        model.constant("pads", np.array([[0, 0], [1, 0], [0, 2], [0, 0]], np.int32)),
    )
    axis = model.constant("axis", np.int32(3))
    sizes = model.constant("sizes", np.array([1, 3], np.int32))
    model.add("s", "SplitV", "p", sizes, axis)
    model.add("t", "Transpose", "s:1", model.constant("perm", np.array([0, 3, 1, 2], np.int32)))
    model.add("r", "Reshape", "t", model.constant("shape", np.array([1, 30, 3], np.int32)))
    model.add("cat", "ConcatV2", "r", "r", model.constant("last", np.int32(-1)))
    image = RANDOM.normal(size=(1, 4, 4, 4)).astype(np.float32)
    (found,) = run(model.write(tmp_path, {"cat": [1, 30, 6]}), image)
    padded = np.pad(image, [(0, 0), (1, 0), (0, 2), (0, 0)])[..., 1:]
    reshaped = padded.transpose(0, 3, 1, 2).reshape(1, 30, 3)
    np.testing.assert_allclose(found, np.concatenate([reshaped, reshaped], axis=-1))


def test_pooling_filling_and_enlarging(tmp_path: Path) -> None:
    model = TinyModel(2, 2, 1)
    pads = model.constant("pads", np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
    model.add("p", "PadV2", "x", pads, model.constant("fill", np.float32(-9)))
    window, step = integers(1, 2, 2, 1), integers(1, 2, 2, 1)
    model.add("m", "MaxPool", "p", ksize=window, strides=step, padding=padding("VALID"))
    size = model.constant("size", np.array([4, 4], np.int32))
    model.add("y", "ResizeBilinear", "m", size, half_pixel_centers={"b": True})
    image = np.array([[1, 2], [3, 4]], np.float32).reshape(1, 2, 2, 1)
    (found,) = run(model.write(tmp_path, {"y": [1, 4, 4, 1]}), image)
    weights = np.array([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])
    np.testing.assert_allclose(found[0, ..., 0], weights @ image[0, ..., 0] @ weights.T, atol=1e-6)


def test_sparse_tables_and_sums_of_constants_are_folded(tmp_path: Path) -> None:
    model = TinyModel(2, 3, 1)
    where = model.constant("where", np.array([[1]], np.int32))
    shape = model.constant("shape", np.array([2], np.int32))
    value, rest = (
        model.constant("value", np.array([5], np.int32)),
        model.constant("rest", np.int32(0)),
    )
    model.add("sparse", "SparseToDense", where, shape, value, rest)
    model.add("target", "Add", "sparse", model.constant("one", np.array([1, 1], np.int32)))
    model.add("same", "Identity", "target")
    model.add("y", "Reshape", "x", "same")
    image = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1)
    (found,) = run(model.write(tmp_path, {"y": [1, 6]}), image)
    np.testing.assert_array_equal(found, np.arange(6)[None])


def test_an_unknown_operator_is_refused_by_name(tmp_path: Path) -> None:
    model = TinyModel(2, 2, 1)
    model.add("y", "Erf", "x")
    with pytest.raises(BadInputError, match=r"'y' is a Erf; known: Add, "):
        convert_tfjs(model.write(tmp_path, {"y": [1, 2, 2, 1]}), tmp_path / "y.onnx")
    assert not (tmp_path / "y.onnx").exists()


def test_a_resize_that_counts_pixels_differently_is_refused(tmp_path: Path) -> None:
    model = TinyModel(2, 2, 1)
    model.add("y", "ResizeBilinear", "x", model.constant("size", np.array([4, 4], np.int32)))
    with pytest.raises(BadInputError, match="half_pixel_centers"):
        convert_tfjs(model.write(tmp_path, {"y": [1, 4, 4, 1]}), tmp_path / "y.onnx")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"name": "w", "shape": [9], "dtype": "float32"}, "ends inside w"),
        (
            {"name": "w", "shape": [1], "dtype": "float32", "quantization": {"dtype": "uint8"}},
            "stored as uint8",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(entry: Node, reason: str, tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"\0" * 8)
    with pytest.raises(BadInputError, match=reason):
        read_weights(tmp_path, [{"paths": ["w.bin"], "weights": [entry]}])

"""ISNet at another input size.

The packaged graph is fully convolutional, but the sizes to which it enlarges its feature maps were written into it for
an input of 1024 pixels. Scaling those constants is all it takes; the weights stay as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from editloop.core.errors import UsageError

PACKAGED_SIZE = 1024
_SIZE_STEP = 32


def resize_isnet(source: Path, target: Path, size: int) -> None:
    """Writes the network for inputs of `size` x `size` pixels, with its main output only.

    Raises:
        UsageError: when `size` is not a positive multiple of 32, which its five poolings need.
    """
    import onnx

    if size <= 0 or size % _SIZE_STEP:
        raise UsageError(f"ISNet's input size is {size}; it must be a multiple of {_SIZE_STEP}")
    model = onnx.load(str(source))
    graph = model.graph
    makers = {output: node for node in graph.node for output in node.output}
    needed = _ancestors(graph.output[0].name, makers)
    for node in needed:
        if node.op_type == "Resize":
            _scale_sizes(makers[node.input[3]], makers, size)
    used = {name for node in needed for name in node.input}
    order = {id(node): position for position, node in enumerate(graph.node)}
    resized = onnx.helper.make_graph(
        sorted(needed, key=lambda node: order[id(node)]),
        "isnet",
        [_image("input", 3, size)],
        [_image(graph.output[0].name, 1, size)],
        [weight for weight in graph.initializer if weight.name in used],
    )
    opsets = [onnx.helper.make_opsetid("", model.opset_import[0].version)]
    made = onnx.helper.make_model(resized, opset_imports=opsets, ir_version=model.ir_version)
    onnx.save(made, str(target))


def _ancestors(output: str, makers: dict[str, Any]) -> list[Any]:
    found: dict[int, Any] = {}
    pending = [output]
    while pending:
        node = makers.get(pending.pop())
        if node is not None and id(node) not in found:
            found[id(node)] = node
            pending.extend(node.input)
    return list(found.values())


def _scale_sizes(shape: Any, makers: dict[str, Any], size: int) -> None:
    """Scales the constant (height, width) that `shape`, a Concat of (batch, channels) with it, ends in."""
    from onnx import numpy_helper

    for name in shape.input:
        node = makers.get(name)
        if node is not None and node.op_type == "Constant":
            tensor = node.attribute[0].t
            sides = numpy_helper.to_array(tensor).astype(np.int64) * size // PACKAGED_SIZE
            tensor.CopyFrom(numpy_helper.from_array(sides))


def _image(name: str, channels: int, size: int) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, size, size])

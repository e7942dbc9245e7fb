"""EfficientNet-Lite0 (Apache-2.0, TensorFlow's `efficientnet/lite`) as ONNX, from its state dict alone.

The network is the stem, 16 inverted bottlenecks without squeeze-and-excitation, and a linear head; ReLU6 throughout.
Batch normalisation is folded into the convolutions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from editloop.models.convert.graph import OnnxGraph
from editloop.models.convert.state_dict import read_state_dict

IMAGE_SIZE = 224
_BLOCK_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
_BATCH_NORM_EPSILON = 1e-3

State = dict[str, NDArray[Any]]


def convert_efficientnet_lite0(weights: Path, target: Path) -> None:
    """Writes the classifier: input ``image`` (n, 3, 224, 224), output ``logits`` (n, 1000).

    Raises:
        BadInputError: when `weights` is not a plain state dict.
    """
    state = read_state_dict(weights)
    graph = OnnxGraph("efficientnet-lite0")
    image = graph.add_input("image", ["n", 3, IMAGE_SIZE, IMAGE_SIZE])
    x = _convolve(graph, image, state, "_conv_stem", "_bn0", stride=2)
    for index, stride in enumerate(_BLOCK_STRIDES):
        x = _block(graph, x, state, f"_blocks.{index}", stride)
    x = _convolve(graph, x, state, "_conv_head", "_bn1")
    pooled = graph.add_node("Flatten", [graph.add_node("GlobalAveragePool", [x])])
    head = [graph.add_constant(state[name]) for name in ("_fc.weight", "_fc.bias")]
    logits = graph.add_node("Gemm", [pooled, *head], transB=1)
    graph.add_output("logits", logits, ["n", len(state["_fc.bias"])])
    graph.save(target)


def _block(graph: OnnxGraph, x: str, state: State, name: str, stride: int) -> str:
    y, source_channels = x, None
    if f"{name}._expand_conv.weight" in state:
        source_channels = state[f"{name}._expand_conv.weight"].shape[1]
        y = _convolve(graph, y, state, f"{name}._expand_conv", f"{name}._bn0")
    y = _convolve(graph, y, state, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride)
    y = _convolve(graph, y, state, f"{name}._project_conv", f"{name}._bn2", activate=False)
    target_channels = state[f"{name}._project_conv.weight"].shape[0]
    return (
        graph.add_node("Add", [x, y]) if stride == 1 and source_channels == target_channels else y
    )


def _convolve(
    graph: OnnxGraph,
    x: str,
    state: State,
    convolution: str,
    norm: str,
    *,
    stride: int = 1,
    activate: bool = True,
) -> str:
    kernel = state[f"{convolution}.weight"]
    scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + _BATCH_NORM_EPSILON)
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    is_depthwise = kernel.shape[1] == 1
    y = graph.add_node(
        "Conv",
        [
            x,
            graph.add_constant((kernel * scale[:, None, None, None]).astype(np.float32)),
            graph.add_constant(bias.astype(np.float32)),
        ],
        kernel_shape=list(kernel.shape[2:]),
        strides=[stride, stride],
        group=kernel.shape[0] if is_depthwise else 1,
        auto_pad="SAME_UPPER",
    )
    if not activate:
        return y
    limits = [graph.add_constant(np.array(limit, np.float32)) for limit in (0, 6)]
    return graph.add_node("Clip", [y, *limits])

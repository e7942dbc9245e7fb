"""A small writer of ONNX graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPSET = 17
IR_VERSION = 8


class OnnxGraph:
    """Collects nodes and constants, then saves them as a model.

    Values are named by strings: every method that adds something returns the name of its result.

    Example:
        >>> graph = OnnxGraph("double")
        >>> x = graph.add_input("x", [1, 3])
        >>> graph.add_output("y", graph.add_node("Add", [x, x]), [1, 3])
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def add_input(self, name: str, shape: list[int | str]) -> str:
        """Declares a float32 input; a string in `shape` names a free dimension."""
        from onnx import TensorProto, helper

        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def add_constant(self, value: NDArray[Any]) -> str:
        """Stores an array in the model."""
        from onnx import numpy_helper

        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add_node(self, op: str, inputs: list[str], **attributes: Any) -> str:
        """Adds an operator with one result."""
        return self.add_nodes(op, inputs, 1, **attributes)[0]

    def add_nodes(self, op: str, inputs: list[str], results: int, **attributes: Any) -> list[str]:
        """Adds an operator with several results."""
        from onnx import helper

        names = [f"{op}_{len(self._nodes)}_{i}" for i in range(results)]
        self._nodes.append(helper.make_node(op, inputs, names, **attributes))
        return names

    def add_output(self, name: str, value: str, shape: list[int | str]) -> None:
        """Declares `value` as the float32 output called `name`."""
        from onnx import TensorProto, helper

        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def save(self, path: Path) -> None:
        """Checks the model and writes it."""
        import onnx
        from onnx import helper

        graph = helper.make_graph(
            self._nodes, self._name, self._inputs, self._outputs, self._constants
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        onnx.checker.check_model(model)
        onnx.save(model, str(path))

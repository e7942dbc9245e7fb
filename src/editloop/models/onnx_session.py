"""One onnxruntime session, opened on first use."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from editloop.models.prerequisites import require


class OnnxSession:
    """Runs an ONNX file on the CPU.

    One thread by default: worker processes run side by side, and a sum split over threads may round differently.

    Args:
        find_model: Returns the path of the file; called once, on first use (it may fetch or convert).
        threads: Threads inside one operator.
    """

    def __init__(self, find_model: Callable[[], Path], threads: int = 1) -> None:
        self._find_model = find_model
        self._threads = threads

    @cached_property
    def _session(self) -> Any:
        onnxruntime = require("onnxruntime", "photos")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Several workers stand side by side: an arena would hold on to each one's peak (0.8 GB for ISNet).
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        return onnxruntime.InferenceSession(
            str(self._find_model()), options, providers=["CPUExecutionProvider"]
        )

    def run(
        self, image: NDArray[np.float32], outputs: list[str] | None = None
    ) -> list[NDArray[Any]]:
        """The named outputs (all of them by default) for the model's one input."""
        name = self._session.get_inputs()[0].name
        results: list[NDArray[Any]] = self._session.run(outputs, {name: image})
        return results

    def output_names(self) -> list[str]:
        """Names of the outputs, in the model's order."""
        return [output.name for output in self._session.get_outputs()]

    def metadata(self) -> dict[str, str]:
        """Key-value pairs stored in the model by its authors."""
        pairs: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        return pairs

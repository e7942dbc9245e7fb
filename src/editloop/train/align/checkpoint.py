"""Everything a run needs to go on as if it had never stopped: tensors as safetensors, the rest as JSON.

A checkpoint is a folder that appears by one rename, so a kill at any moment leaves the one before it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from editloop.core.errors import StoreError

FOLDER: Final = "checkpoints"
_STATE: Final = "state.json"
_TENSORS: Final = "tensors.safetensors"
_PARTIAL: Final = ".partial-"


def save_checkpoint(
    run_dir: Path, step: int, state: Mapping[str, Any], tensors: Mapping[str, Tensor], keep: int = 2
) -> Path:
    """Write ``run_dir/checkpoints/step-STEP`` and drop all but the newest `keep`.

    Args:
        run_dir: The run folder.
        step: Steps done.
        state: What JSON can hold.
        tensors: Any dtype and shape.
        keep: Checkpoints that stay, at least 1.

    Raises:
        StoreError: when the disk does not take it; the checkpoints before are intact.
    """
    folder = run_dir / FOLDER
    final, partial = folder / f"step-{step:08d}", folder / f"{_PARTIAL}{step:08d}"
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        save_file({name: value.contiguous() for name, value in tensors.items()}, partial / _TENSORS)
        (partial / _STATE).write_text(json.dumps({**state, "step": step}), "utf-8")
        for file in (partial / _TENSORS, partial / _STATE):
            _flush(file)
        if final.exists():
            shutil.rmtree(final)
        partial.replace(final)
        for old in _finished(folder)[: -max(1, keep)]:
            shutil.rmtree(old)
    except OSError as error:
        raise StoreError(f"cannot write {final}: {error.strerror or error}") from error
    return final


def load_checkpoint(run_dir: Path) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """State and tensors of the newest checkpoint, or None where there is none.

    Raises:
        StoreError: when it cannot be read.
    """
    found = _finished(run_dir / FOLDER)
    if not found:
        return None
    try:
        state: dict[str, Any] = json.loads((found[-1] / _STATE).read_text("utf-8"))
        return state, load_file(found[-1] / _TENSORS)
    except (OSError, ValueError, SafetensorError) as error:
        raise StoreError(
            f"cannot read {found[-1]}: {error}; delete it to use the one before"
        ) from error


def pack_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """An optimiser's state as JSON (settings and plain numbers) and tensors called ``optimizer/INDEX/KEY``."""
    state = optimizer.state_dict()
    numbers: dict[str, dict[str, Any]] = {}
    tensors: dict[str, Tensor] = {}
    for index, entries in state["state"].items():
        for key, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{index}/{key}"] = value.detach().cpu().contiguous()
            else:
                numbers.setdefault(str(index), {})[key] = value
    return {"groups": state["param_groups"], "numbers": numbers}, tensors


def unpack_optimizer(
    optimizer: torch.optim.Optimizer, packed: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> None:
    """Put back what `pack_optimizer` gave; the optimiser must have been made over the same parameters."""
    entries: dict[int, dict[str, Any]] = {
        int(index): dict(values) for index, values in packed["numbers"].items()
    }
    for name, value in tensors.items():
        kind, _, rest = name.partition("/")
        if kind == "optimizer":
            index, _, key = rest.partition("/")
            entries.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": entries, "param_groups": packed["groups"]})


def pack_random_states() -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The global states of Python, NumPy and torch (each device), for networks that draw from them (dropout)."""
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002
    version, internal, gauss = random.getstate()
    numbers = {
        "python": [version, list(internal), gauss],
        "numpy": [name, np.asarray(keys).tolist(), position, has_gauss, cached],
    }
    tensors = {"random/cpu": torch.get_rng_state()}
    for index in range(torch.cuda.device_count()):
        tensors[f"random/cuda{index}"] = torch.cuda.get_rng_state(index)
    return numbers, tensors


def unpack_random_states(numbers: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Put back what `pack_random_states` gave."""
    version, internal, gauss = numbers["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, *rest = numbers["numpy"]
    np.random.set_state((name, np.asarray(keys, dtype=np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(tensors["random/cpu"])
    for index in range(torch.cuda.device_count()):
        if f"random/cuda{index}" in tensors:
            torch.cuda.set_rng_state(tensors[f"random/cuda{index}"], index)


def _finished(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*")) if folder.is_dir() else []


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())

"""Everything a training run must not lose: weights, their average, the optimiser's moments, the step.

Random numbers need no state: each step seeds its own from the run's seed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from editloop.core.errors import StoreError, UsageError

_TENSORS, _FACTS, _PREFIX = "state.safetensors", "state.json", "step-"


class TrainingState:
    """Parameters under training with their optimiser and, where asked for, their moving average.

    Args:
        parameters: Name -> parameter; the names are those of the network and identify the values on disk.
        optimizer: AdamW over exactly these parameters.
        ema_decay: Final decay of the average; None keeps none.
    """

    def __init__(
        self,
        parameters: Mapping[str, torch.nn.Parameter],
        optimizer: torch.optim.Optimizer,
        ema_decay: float | None,
    ) -> None:
        self.parameters, self.optimizer, self.step = dict(parameters), optimizer, 0
        self._decay = ema_decay
        self._average = (
            {name: p.detach().clone() for name, p in self.parameters.items()} if ema_decay else None
        )

    def advance(self) -> None:
        """Count an update and move the average."""
        self.step += 1
        if self._average is None or self._decay is None:
            return
        decay = self.decay(self._decay)
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                self._average[name].lerp_(parameter, 1 - decay)

    def decay(self, final: float) -> float:
        """Of the average at the present step: it rises to `final`, so that the first weights are soon forgotten."""
        return min(final, (1 + self.step) / (10 + self.step))

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside, the network holds the moving average; without one, nothing changes."""
        if self._average is None:
            yield
            return
        live = {name: p.detach().clone() for name, p in self.parameters.items()}
        self._assign(self._average)
        try:
            yield
        finally:
            self._assign(live)

    def tensors(self) -> dict[str, Tensor]:
        """Everything, by name, on the CPU."""
        found: dict[str, Tensor] = {}
        for name, parameter in self.parameters.items():
            found[f"weight.{name}"] = parameter.detach()
            if self._average is not None:
                found[f"average.{name}"] = self._average[name]
            for key, value in self.optimizer.state.get(parameter, {}).items():
                found[f"{key}.{name}"] = value
        return {name: value.detach().cpu().contiguous().clone() for name, value in found.items()}

    def restore(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Take over the values of `tensors`.

        Raises:
            UsageError: when they belong to other parameters.
        """
        held = {name.removeprefix("weight.") for name in tensors if name.startswith("weight.")}
        if held != set(self.parameters):
            odd = sorted(held ^ set(self.parameters))
            raise UsageError(
                f"the checkpoint holds other weights than this run trains ({len(odd)} differ, such as {odd[0]}); "
                "use the editor and adapter settings it began with, or another folder"
            )
        self.step = step
        self._assign({name: tensors[f"weight.{name}"] for name in self.parameters})
        if self._average is not None:
            self._average = {
                n: tensors[f"average.{n}"].to(p.device) for n, p in self.parameters.items()
            }
        for name, parameter in self.parameters.items():
            moments = {
                key: tensors[f"{key}.{name}"]
                for key in ("step", "exp_avg", "exp_avg_sq")
                if f"{key}.{name}" in tensors
            }
            if moments:
                self.optimizer.state[parameter] = {
                    key: value.clone() if key == "step" else value.to(parameter.device, copy=True)
                    for key, value in moments.items()
                }

    def _assign(self, values: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(values[name])


class Checkpoints:
    """Numbered checkpoints in a folder, each written whole or not at all.

    Args:
        folder: Where they are.
        keep: How many of the newest stay.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self._folder, self._keep = folder, keep

    def save(self, state: TrainingState, facts: Mapping[str, Any]) -> Path:
        """Write a checkpoint of the state's step; `facts` is JSON and comes back from `load`.

        Raises:
            StoreError: when the disk refuses.
        """
        final = self._folder / f"{_PREFIX}{state.step:08}"
        temporary = self._folder / f".{final.name}"
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            save_file(state.tensors(), temporary / _TENSORS)
            text = json.dumps({"step": state.step, **facts}, indent=2)
            (temporary / _FACTS).write_text(text + "\n", "utf-8")
            shutil.rmtree(final, ignore_errors=True)
            temporary.replace(final)
            for old in self._found()[: -self._keep]:
                shutil.rmtree(old)
        except OSError as error:
            raise StoreError(f"cannot write the checkpoint {final}: {error}") from error
        return final

    def facts(self) -> dict[str, Any] | None:
        """What was saved beside the newest checkpoint, or None when there is none."""
        found = self._found()
        if not found:
            return None
        facts: dict[str, Any] = json.loads((found[-1] / _FACTS).read_text("utf-8"))
        return facts

    def restore(self, state: TrainingState) -> None:
        """Bring `state` to the newest checkpoint.

        Raises:
            UsageError: as `TrainingState.restore`.
        """
        facts = self.facts()
        if facts is not None:
            state.restore(load_file(self._found()[-1] / _TENSORS), int(facts["step"]))

    def _found(self) -> list[Path]:
        return sorted(self._folder.glob(f"{_PREFIX}*"))

"""One training over several processes: each takes its rows of every batch, and gradients are summed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class Processes:
    """The processes of this run: one, or as many as ``accelerate launch`` or ``torchrun`` started.

    The whole batch and its noise are drawn everywhere alike and cut by rank, so the number of processes does not change what is
    learned, rounding apart.
    """

    def __init__(self) -> None:
        self._accelerator: Any = None
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from accelerate import Accelerator

            self._accelerator = Accelerator()

    @property
    def rank(self) -> int:
        """Number of this process, from 0."""
        return int(self._accelerator.process_index) if self._accelerator else 0

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self._accelerator.num_processes) if self._accelerator else 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def rows(self, count: int) -> slice:
        """Which of `count` rows are this process's."""
        edges = [round(count * rank / self.count) for rank in (self.rank, self.rank + 1)]
        return slice(edges[0], edges[1])

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace every gradient by its sum over the processes."""
        if self._accelerator is None:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            parameter.grad.copy_(self._accelerator.reduce(parameter.grad, reduction="sum"))

    def sum(self, value: Tensor) -> Tensor:
        """The sum of a number over the processes."""
        if self._accelerator is None:
            return value
        total: Tensor = self._accelerator.reduce(value, reduction="sum")
        return total

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self._accelerator is not None:
            self._accelerator.wait_for_everyone()

"""The policies beside the one in training: the old one (a moving average that rollouts may come from) and the reference.

All of them share one network in memory. With LoRA the reference is the network with its adapter off; other weights are put in
place of the live ones for the length of a `with` block, by exchanging storage, so nothing is copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Literal

import torch
from torch import Tensor
from torch.nn import Parameter

from editloop.core.errors import StoreError
from editloop.train.align.lora import adapters_off, has_adapters

Schedule = Literal["live", "slow_start", "late_start"] | float
"""How the old policy follows, see `decay_at`."""

PARTS: Final = ("live", "old", "average", "reference")
"""The versions, as `Anchor.tensors` names them."""


def decay_at(schedule: Schedule, update: int) -> float:
    """Share of itself that the old policy keeps after the `update`-th update (counted from 0).

    ``live`` is 0: the old policy is the one in training. ``slow_start`` is ``min(0.001 n, 0.5)`` and ``late_start`` is
    ``min(0.0075 max(n - 75, 0), 0.999)``, the two schedules of DiffusionNFT (arXiv 2509.16117); a number is itself.
    """
    if schedule == "live":
        return 0.0
    if schedule == "slow_start":
        return min(0.001 * update, 0.5)
    if schedule == "late_start":
        return min(0.0075 * max(update - 75, 0), 0.999)
    return float(schedule)


class Anchor:
    """The trained weights of a network, and the other versions of them.

    Args:
        network: Carries a LoRA adapter, or is trained whole.
        keep_old: Keep a moving average to roll out from and to compare with; without it the old policy is the live one.
        keep_average: Keep a second average for evaluation and export.
        keep_reference: Keep what training started from. With LoRA it costs nothing and is always there.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        *,
        keep_old: bool = False,
        keep_average: bool = False,
        keep_reference: bool = False,
    ) -> None:
        self._network = network
        self._adapted = has_adapters(network)
        self._live: dict[str, Parameter] = {
            name: value for name, value in network.named_parameters() if value.requires_grad
        }
        self._old = self._copy() if keep_old else None
        self._average = self._copy() if keep_average else None
        self._reference = self._copy() if keep_reference and not self._adapted else None

    @property
    def trainable(self) -> list[Parameter]:
        """The live weights, in a fixed order."""
        return list(self._live.values())

    @property
    def has_old(self) -> bool:
        """Whether the old policy is another than the live one."""
        return self._old is not None

    @property
    def has_reference(self) -> bool:
        """Whether `reference` can be entered."""
        return self._adapted or self._reference is not None

    def old(self) -> AbstractContextManager[None]:
        """Inside, the network is the old policy."""
        return nullcontext() if self._old is None else self._swapped(self._old)

    def average(self) -> AbstractContextManager[None]:
        """Inside, the network is the average kept for evaluation, or the live one where none is kept."""
        return nullcontext() if self._average is None else self._swapped(self._average)

    def reference(self) -> AbstractContextManager[None]:
        """Inside, the network is what training started from.

        Raises:
            ValueError: when it was not kept.
        """
        if self._adapted:
            return adapters_off(self._network)
        if self._reference is None:
            raise ValueError("the reference was not kept: make the Anchor with keep_reference=True")
        return self._swapped(self._reference)

    def follow(self, decay: float) -> None:
        """Old policy <- decay * old + (1 - decay) * live."""
        if self._old is not None:
            self._blend(self._old, decay)

    def follow_average(self, decay: float) -> None:
        """The average for evaluation moves in the same way."""
        if self._average is not None:
            self._blend(self._average, decay)

    def tensors(self) -> dict[str, Tensor]:
        """Every version of the weights as ``live/NAME``, ``old/NAME``, ... for a checkpoint."""
        found: dict[str, Tensor] = {}
        for part, weights in zip(PARTS, self._versions(), strict=True):
            found |= {
                f"{part}/{name}": value.detach().cpu().clone() for name, value in weights.items()
            }
        return found

    @torch.no_grad()
    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` gave.

        Raises:
            StoreError: when names or shapes are not those of this network.
        """
        expected = self.tensors()
        if {k: v.shape for k, v in tensors.items()} != {k: v.shape for k, v in expected.items()}:
            odd = sorted(set(tensors) ^ set(expected))[:3] or "shapes"
            raise StoreError(f"the checkpoint belongs to another network or adapter: {odd} differ")
        for part, weights in zip(PARTS, self._versions(), strict=True):
            for name, value in weights.items():
                value.copy_(tensors[f"{part}/{name}"])

    def _versions(self) -> tuple[Mapping[str, Tensor], ...]:
        return self._live, self._old or {}, self._average or {}, self._reference or {}

    def _copy(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self._live.items()}

    @torch.no_grad()
    def _blend(self, weights: dict[str, Tensor], decay: float) -> None:
        for name, value in weights.items():
            value.lerp_(self._live[name], 1 - decay)

    @contextmanager
    def _swapped(self, weights: dict[str, Tensor]) -> Iterator[None]:
        self._exchange(weights)
        try:
            yield
        finally:
            self._exchange(weights)

    def _exchange(self, weights: dict[str, Tensor]) -> None:
        for name, parameter in self._live.items():
            parameter.data, weights[name] = weights[name], parameter.data

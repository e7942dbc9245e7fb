"""Any editor as a policy that is told a reward, or asks for the best one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from editloop.core.errors import UsageError
from editloop.models.reward_conditioner import RewardCondition, RewardConditioner
from editloop.models.roles import EditRequest, ModelIdentity, RgbImage
from editloop.records.formats.reward_edit import AXES, NO_FAULT
from editloop.train.align.lora import ATTENTION_TARGETS
from editloop.train.conditioned.config import RewardSettings
from editloop.train.conditioned.export import export_conditioned
from editloop.train.examples import EditExample, Reward
from editloop.train.policy import Condition, EditPolicy

_NO_FAULTS = (NO_FAULT,) * len(AXES)
_PREFIX = "reward_"


@runtime_checkable
class PoolsText(Protocol):
    """A policy that lends its text encoder to the reward texts."""

    @property
    def text_width(self) -> int:
        """Length of a pooled vector."""

    def pooled_text(self, texts: Sequence[str]) -> Tensor:
        """One vector a text, float32 (n, text_width)."""


class RewardedNetwork(nn.Module):
    """An editor's network and its conditioner, for the sake of parameter names; the editor's own pipeline calls it."""

    def __init__(self, editor: nn.Module, conditioner: RewardConditioner) -> None:
        super().__init__()
        self.editor, self.conditioner = editor, conditioner

    def add_adapter(self, settings: Any, name: str) -> None:
        """Put a LoRA on the editor; the conditioner has none."""
        self.editor.add_adapter(settings, name)  # type: ignore[operator]


class RewardedPolicy:
    """An `EditPolicy` over another one, with rewards as a further condition.

    Args:
        base: The editor; its network is changed by hooks alone.
        conditioner: Attached to that network here.
        settings: What is asked for when no reward is told, and how texts are tidied.

    Raises:
        UsageError: when texts count and the base cannot pool them.
    """

    def __init__(
        self, base: EditPolicy, conditioner: RewardConditioner, settings: RewardSettings
    ) -> None:
        self.base, self.conditioner, self.settings = base, conditioner, settings
        conditioner.attach(base.network)
        self._network = RewardedNetwork(base.network, conditioner)
        pooler = text_pooler(base) if settings.texts else None
        self._pooled = (
            lru_cache(maxsize=8192)(lambda text: pooler.pooled_text([text])) if pooler else None
        )

    @property
    def identity(self) -> ModelIdentity:
        """The base's, marked as rewarded."""
        base = self.base.identity
        return ModelIdentity(f"{base.name}+rewards", base.version, base.licence)

    @property
    def lora_targets(self) -> Sequence[str]:
        """The base's."""
        targets: Sequence[str] = getattr(self.base, "lora_targets", ATTENTION_TARGETS)
        return targets

    @property
    def loss_floor(self) -> float:
        """The base's."""
        return float(getattr(self.base, "loss_floor", 0.0))

    @property
    def network(self) -> nn.Module:
        """Editor and conditioner; parameter names begin with ``editor.`` and ``conditioner.``."""
        return self._network

    def encode(self, requests: Sequence[EditRequest]) -> Condition:
        """Conditions that ask for `RewardSettings.asked_scores` and `asked_faults`."""
        asked = Reward(self.settings.asked_scores, self.settings.asked_faults)
        return self._with_rewards(self.base.encode(requests), [asked] * len(requests))

    def encode_examples(self, examples: Sequence[EditExample]) -> Condition:
        """Conditions that tell each example's own reward; an example without one is told nothing."""
        condition = self.base.encode([example.request() for example in examples])
        return self._with_rewards(condition, [example.reward for example in examples])

    def latent_shape(self, condition: Condition) -> tuple[int, ...]:
        """See `EditPolicy`."""
        return self.base.latent_shape(condition)

    def sigmas(self, steps: int, condition: Condition) -> Tensor:
        """See `EditPolicy`."""
        return self.base.sigmas(steps, condition)

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        """The base's velocity under the condition's rewards."""
        told = RewardCondition(
            *(condition.tensors[_PREFIX + name] for name in RewardCondition._fields)
        )
        with self.conditioner.rewarding(told):
            return self.base.velocity(x, sigma, condition)

    def latents(self, images: Sequence[RgbImage], condition: Condition) -> Tensor:
        """See `EditPolicy`."""
        return self.base.latents(images, condition)

    def decode(self, latents: Tensor, condition: Condition) -> list[RgbImage]:
        """See `EditPolicy`."""
        return self.base.decode(latents, condition)

    def export(self, folder: str) -> None:
        """What `export_conditioned` writes."""
        export_conditioned(self.base, self.conditioner, folder)

    def _with_rewards(self, condition: Condition, rewards: Sequence[Reward | None]) -> Condition:
        told = self.conditioner.condition(
            [reward.scores if reward else None for reward in rewards],
            [self._tidy(reward.texts) if reward else _NO_FAULTS for reward in rewards],
            self._pool,
        )
        named = {_PREFIX + name: value for name, value in told._asdict().items()}
        return Condition({**condition.tensors, **named}, condition.static)

    def _pool(self, texts: Sequence[str]) -> Tensor:
        """Each text on its own, so that a vector does not depend on the texts beside it."""
        if self._pooled is None:
            raise UsageError("this policy was made without texts")
        with torch.no_grad():
            return torch.cat([self._pooled(text) for text in texts])

    def _tidy(self, texts: Sequence[str]) -> Sequence[str]:
        return [plain_fault(text) for text in texts] if self.settings.plain_none else texts


def plain_fault(text: str) -> str:
    """`NO_FAULT` for an empty text and for wordings such as "No noticeable negative aspects."; other texts as they are."""
    bare = text.strip().rstrip(".").lower()
    return NO_FAULT if bare in {"", NO_FAULT.lower()} or bare.startswith("no noticeable") else text


def text_pooler(policy: EditPolicy) -> PoolsText:
    """Who turns reward texts into vectors.

    Raises:
        UsageError: when the policy does not lend its text encoder.
    """
    if isinstance(policy, PoolsText):
        return policy
    raise UsageError(
        f"{policy.identity.name} does not pool texts; set rewards.texts=false to tell it scores alone"
    )

"""The parts of a run, made from its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import torch

from editloop.core.errors import UsageError
from editloop.core.ids import content_id
from editloop.core.seeds import derive_seed
from editloop.train.align.anchor import Anchor
from editloop.train.align.conditions import ConditionCache
from editloop.train.align.config import AlignConfig
from editloop.train.align.lora import ATTENTION_TARGETS, add_adapter
from editloop.train.align.replay import ForwardReplay, Replay, TrajectoryReplay
from editloop.train.align.reward_bus import RewardModel
from editloop.train.align.trajectory import AlignCase
from editloop.train.policy import EditPolicy

Reward: TypeAlias = RewardModel | Mapping[str, RewardModel]
"""What a run is rewarded by: one model, or several by name."""

_MAY_CHANGE: Final = {
    "steps",
    "bus",
    "keep_conditions",
    "check",
    "checkpoint_every",
    "keep_checkpoints",
    "sheet_every",
    "sheet_groups",
}
"""Settings that a resumed run may change: they bear on no gradient (rows and the rest do, if only by rounding)."""


def named_rewards(reward: Reward | None, config: AlignConfig) -> dict[str, RewardModel]:
    """Reward models by name; none for data that are scored already.

    Raises:
        UsageError: when rollouts have no reward.
    """
    if config.data == "scored":
        return {}
    if reward is None:
        raise UsageError(
            "rollouts need a reward; give one, or set data=scored and cases with scores"
        )
    return dict(reward) if isinstance(reward, Mapping) else {"reward": reward}


def make_anchor(policy: EditPolicy, config: AlignConfig, *, raises_kl: bool) -> Anchor:
    """Put the adapter on the network, or open all its weights, and keep the versions that the settings need.

    Args:
        policy: Its network changes in place and is put in evaluation mode: with dropout, replay would not be rollout.
        config: Adapter, objective, anchor.
        raises_kl: Whether a pull towards the reference may start later on.

    Raises:
        UsageError: when the network has an adapter already, or cannot do what the settings ask.
    """
    network = policy.network.eval()
    if config.lora is None:
        network.requires_grad_(True)
    else:
        # the policy knows its network best; otherwise attention is adapted
        own: Sequence[str] = getattr(policy, "lora_targets", ATTENTION_TARGETS)
        add_adapter(
            network,
            rank=config.lora.rank,
            alpha=config.lora.alpha,
            targets=config.lora.targets or own,
            seed=derive_seed(config.seed, "lora"),
        )
    if config.update.gradient_checkpointing:
        switch = getattr(network, "enable_gradient_checkpointing", None)
        if switch is None:
            raise UsageError(
                f"{type(network).__name__} cannot recompute activations; set update.gradient_checkpointing=false"
            )
        switch()
    raises = raises_kl and config.held_out.action == "raise_kl"
    uses = getattr(config.objective, "uses_reference", config.objective.velocity_kl > 0)
    return Anchor(
        network,
        keep_old=config.anchor.old != "live",
        keep_average=config.anchor.average is not None,
        keep_reference=uses or raises,
    )


def make_replay(
    policy: EditPolicy, anchor: Anchor, config: AlignConfig, cache: ConditionCache, case: AlignCase
) -> Replay:
    """The family that the objective belongs to; GRPO's clip range is fitted to the stepper and the size of latents."""
    objective, stepper = config.objective, config.rollout.noise_stepper
    if objective.kind != "grpo" or stepper is None:
        return ForwardReplay(policy, anchor, config)
    shape = policy.latent_shape(cache.get(case.request))
    return TrajectoryReplay(
        policy, anchor, objective.for_stepper(stepper, torch.Size(shape).numel()), stepper
    )


def run_identity(
    policy: EditPolicy,
    cases: Sequence[AlignCase],
    models: Mapping[str, RewardModel],
    config: AlignConfig,
) -> str:
    """What must be equal for a run to go on: editor, cases, rewards, and every setting that bears on the outcome."""
    rewards = {name: repr(getattr(model, "identity", None)) for name, model in models.items()}
    settings = config.model_dump(mode="json", exclude=_MAY_CHANGE)
    return content_id(
        policy.identity.name,
        policy.identity.version,
        [case.id for case in cases],
        rewards,
        settings,
    )

"""Named settings of post-training; figures are those that the papers' code ships for editing, on latents of 512 px."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from editloop.core.errors import UnknownNameError
from editloop.core.registry import did_you_mean
from editloop.rewards.groups import AdvantageRule, GroupFilter
from editloop.rewards.maps import Sigmoid
from editloop.train.align.config import (
    AlignConfig,
    AnchorConfig,
    RewardConfig,
    RolloutConfig,
    UpdateConfig,
)
from editloop.train.align.objectives.forward import Awm, Nft, Rwr
from editloop.train.align.objectives.preference import Dpo
from editloop.train.align.objectives.trajectory import Grpo
from editloop.train.align.steppers import Cps, FlowSde
from editloop.train.sft.config import LoraSettings

_LORA: Final = LoraSettings(rank=32, alpha=64)


def nft_edit() -> AlignConfig:
    """The default: DiffusionNFT (arXiv 2509.16117) with Edit-R1's settings (2510.16888), two levels a sample and a firmer KL."""
    return AlignConfig(
        objective=Nft(b=1.0, velocity_kl=1e-3),
        rollout=RolloutConfig(group_size=16, groups=32, steps=6, drawn_by="old"),
        update=UpdateConfig(learning_rate=2e-4, levels=2),
        anchor=AnchorConfig(old="slow_start"),
        lora=_LORA,
    )


def hp_edit() -> AlignConfig:
    """HP-Edit (arXiv 2604.19406): Flow-GRPO, LoRA of rank 32, AdamW 3e-4, r = sigmoid(2 s - 5); what it leaves open is flow_grpo's.

    Groups that are solved already (mean reward near its top) are left out, as the paper leaves out solved cases.
    """
    return AlignConfig(
        objective=Grpo(ratio="clip", velocity_kl=0.0),
        rollout=RolloutConfig(group_size=16, groups=32, steps=10, noise_stepper=FlowSde(eta=1.0)),
        reward=RewardConfig(map=Sigmoid(), filter=GroupFilter(min_std=1e-6, max_mean=0.99)),
        update=UpdateConfig(learning_rate=3e-4, batches=2),
        anchor=AnchorConfig(average=0.9),
        lora=_LORA,
    )


def flow_grpo_fast() -> AlignConfig:
    """Flow-GRPO-Fast with coefficients-preserving noise in two steps, equal start noise, and Guard's ratio (arXiv 2510.22319)."""
    return AlignConfig(
        objective=Grpo(ratio="guard"),
        rollout=RolloutConfig(
            group_size=16,
            groups=32,
            steps=6,
            noise_stepper=Cps(eta=0.8),
            window=2,
            equal_noise=True,
        ),
        update=UpdateConfig(learning_rate=3e-4),
        lora=_LORA,
    )


def flow_grpo_full() -> AlignConfig:
    """Flow-GRPO as published (arXiv 2505.05470): noise in every step but the last, all of them trained, plain clip."""
    return AlignConfig(
        objective=Grpo(ratio="clip", velocity_kl=0.0),
        rollout=RolloutConfig(group_size=16, groups=32, steps=10, noise_stepper=FlowSde(eta=0.7)),
        reward=RewardConfig(advantage=AdvantageRule(scale="batch")),
        update=UpdateConfig(learning_rate=3e-4, batches=2),
        lora=_LORA,
    )


def awm_edit() -> AlignConfig:
    """Advantage-weighted matching (arXiv 2509.25050) against a slowly starting old policy."""
    return AlignConfig(
        objective=Awm(velocity_kl=1e-3),
        rollout=RolloutConfig(group_size=16, groups=32, steps=6, drawn_by="old"),
        update=UpdateConfig(learning_rate=2e-4),
        anchor=AnchorConfig(old="slow_start"),
        lora=_LORA,
    )


def rwr() -> AlignConfig:
    """Reward-weighted regression: the baseline without negative signals."""
    return AlignConfig(
        objective=Rwr(velocity_kl=1e-3),
        rollout=RolloutConfig(group_size=16, groups=32, steps=6),
        lora=_LORA,
    )


def dpo_online() -> AlignConfig:
    """Diffusion-DPO (arXiv 2311.12908) on the best and the worst of each fresh group."""
    return AlignConfig(
        objective=Dpo(beta=100.0),
        rollout=RolloutConfig(group_size=16, groups=32, steps=6),
        lora=_LORA,
    )


def dpo_offline() -> AlignConfig:
    """Diffusion-DPO on the best and the worst of each case's scored results: no rollouts, scores that mining paid for."""
    return AlignConfig(
        data="scored",
        objective=Dpo(beta=2000.0),
        rollout=RolloutConfig(groups=32),
        reward=RewardConfig(
            advantage=AdvantageRule(min_scored=2), filter=GroupFilter(min_std=1e-6, min_scored=2)
        ),
        update=UpdateConfig(learning_rate=5e-5),
        lora=_LORA,
    )


ALIGN_PRESETS: Final[dict[str, Callable[[], AlignConfig]]] = {
    "nft_edit": nft_edit,
    "hp_edit": hp_edit,
    "flow_grpo_fast": flow_grpo_fast,
    "flow_grpo_full": flow_grpo_full,
    "awm_edit": awm_edit,
    "rwr": rwr,
    "dpo_online": dpo_online,
    "dpo_offline": dpo_offline,
}
DEFAULT_PRESET: Final = "nft_edit"


def align_preset(name: str) -> AlignConfig:
    """Settings by name.

    Raises:
        UnknownNameError: with the nearest name.
    """
    if name not in ALIGN_PRESETS:
        known = sorted(ALIGN_PRESETS)
        raise UnknownNameError(
            f"no preset is called {name!r}{did_you_mean(name, known)}; known: {', '.join(known)}"
        )
    return ALIGN_PRESETS[name]()

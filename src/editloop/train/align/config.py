"""Settings of post-training. `presets` holds named ones."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from editloop.core.config import Config
from editloop.rewards.combination import AnyMultiReward, WeightedSum
from editloop.rewards.groups import AdvantageRule, GroupFilter
from editloop.rewards.maps import AnyRewardMap
from editloop.train.align.monitors import HeldOutConfig
from editloop.train.align.objectives.forward import Awm, Nft, Rwr
from editloop.train.align.objectives.preference import Dgpo, Dpo
from editloop.train.align.objectives.trajectory import Grpo
from editloop.train.align.reward_bus import BusConfig
from editloop.train.align.steppers import Cps, DanceSde, Dpm2, FlowSde, Ode
from editloop.train.sft.config import LoraSettings

AnyObjective: TypeAlias = Annotated[
    Grpo | Nft | Awm | Rwr | Dgpo | Dpo, Field(discriminator="kind")
]
"""``objective.kind`` chooses."""
NoiseStepper: TypeAlias = Annotated[FlowSde | DanceSde | Cps, Field(discriminator="kind")]
Solver: TypeAlias = Annotated[Ode | Dpm2, Field(discriminator="kind")]


class RolloutConfig(Config):
    """How groups are drawn."""

    group_size: int = Field(default=16, ge=2)
    """Images of one case, drawn as one batch."""
    groups: int = Field(default=8, ge=1)
    """Groups a step, over all processes, after filtering."""
    draws: float = Field(default=2.0, ge=1)
    """Groups that may be drawn to get there, as a multiple of `groups`."""
    steps: int = Field(default=6, ge=2)
    """Denoising steps."""
    solver: Solver = Ode()
    """The rule of the steps without noise."""
    noise_stepper: NoiseStepper | None = None
    """The rule of the steps with noise, which trajectory objectives need."""
    window: int | None = Field(default=None, ge=1)
    """How many steps take noise and are trained; None: all but the last."""
    window_start: Literal["random", "sliding"] = "random"
    """``random``: anywhere that begins in the first `window_within` of the schedule; ``sliding``: from noise to picture."""
    window_within: float = Field(default=0.5, gt=0, le=1)
    slide_every: int = Field(default=25, ge=1)
    """Training steps between two moves of a sliding window."""
    equal_noise: bool = False
    """Start all images of a group from the same noise; what comes before the window is then computed once."""
    storage: Literal["float32", "bfloat16", "float16"] = "float32"
    """Precision that stored latents are rounded to, before anything is computed from them."""
    drawn_by: Literal["live", "old"] = "live"
    """Which policy draws."""
    rows: int | None = Field(default=None, ge=1)
    """Most images in one forward pass, halved when memory runs out; None: a group."""


class RewardConfig(Config):
    """From scores to one reward an image."""

    map: AnyRewardMap | None = None
    """Applied to each axis; None takes scores as they are."""
    scale: tuple[float, float] | None = None
    """Worst and best score, for the map; None asks the reward model for its ``scale``."""
    combination: AnyMultiReward = WeightedSum(weights={"overall": 1.0})
    """Which axes count, and how they are joined."""
    advantage: AdvantageRule = AdvantageRule()
    filter: GroupFilter = GroupFilter(min_std=1e-6)


class UpdateConfig(Config):
    """How weights change."""

    learning_rate: float = Field(default=2e-4, gt=0)
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = Field(default=1e-4, ge=0)
    gradient_norm: float = Field(default=1.0, gt=0)
    """Longer gradients are cut to this length."""
    batches: int = Field(default=1, ge=1)
    """Optimiser steps that the groups of a step are spread over."""
    rows: int | None = Field(default=None, ge=1)
    """Most samples in one backward pass, halved when memory runs out; None: as many as a group has. One batch of everything is
    rarely the fastest, and gradients do not depend on it."""
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass instead of keeping them: one more forward pass, much less memory."""
    levels: int = Field(default=2, ge=1)
    """Noise levels a sample, for forward objectives."""
    level_range: tuple[float, float] = (0.15, 0.95)
    """Where they are drawn, stratified."""


class AnchorConfig(Config):
    """The policies beside the live one."""

    old: Literal["live", "slow_start", "late_start"] | float = "live"
    """How the old policy follows the live one: see `anchor.decay_at`."""
    average: float | None = Field(default=None, gt=0, lt=1)
    """Decay of a second average, which evaluation and export use; None uses the live weights."""
    average_every: int = Field(default=8, ge=1)
    """Optimiser steps between two updates of it."""


class CheckConfig(Config):
    """What is tried out before the first step; a failed check stops the run before it costs anything."""

    ratio: bool = True
    """Replaying a rollout gives the log-probabilities that it was drawn with."""
    ratio_share: float = Field(default=1e-3, gt=0)
    """Largest |ratio - 1|, as a share of the clip range."""
    ratio_floor: float = Field(default=1e-6, gt=0)
    """What is allowed in any case: a few roundings of float32."""
    judge: bool = True
    """The source returned as it is must not count as a success, and a blurred result must lose."""
    judge_cases: int = Field(default=8, ge=1)
    """Cases that the judge is tried on."""
    success: float = Field(default=0.75, gt=0, le=1)
    """Reward above which an edit counts as a success, as a share of the reward's range; it has one with a map."""


class AlignConfig(Config):
    """Post-training of an editor.

    Example:
        >>> AlignConfig(steps=10).objective.kind
        'nft'
    """

    steps: int = Field(default=200, ge=1)
    seed: int = 0
    data: Literal["rollouts", "scored"] = "rollouts"
    """``scored`` learns from the scored results that the cases bring along, and draws nothing."""
    objective: AnyObjective = Nft(velocity_kl=1e-3)
    rollout: RolloutConfig = RolloutConfig()
    reward: RewardConfig = RewardConfig()
    update: UpdateConfig = UpdateConfig()
    anchor: AnchorConfig = AnchorConfig()
    lora: LoraSettings | None = LoraSettings(rank=32, alpha=64)
    """None trains every weight of the network."""
    max_staleness: int = Field(default=0, ge=0, le=1)
    """Versions that a group may lag behind; with 1 the next step's groups are drawn while judges are still at work."""
    bus: BusConfig = BusConfig()
    held_out: HeldOutConfig = HeldOutConfig()
    check: CheckConfig = CheckConfig()
    keep_conditions: bool = True
    """Keep encoded conditions in the run folder, for the next session; otherwise in memory alone."""
    checkpoint_every: int = Field(default=10, ge=1)
    keep_checkpoints: int = Field(default=2, ge=1)
    sheet_every: int | None = Field(default=20, ge=1)
    """Steps between two pictures of what is being drawn; None draws none."""
    sheet_groups: int = Field(default=4, ge=1)

    @model_validator(mode="after")
    def _fits_together(self) -> AlignConfig:
        rollout, kind = self.rollout, self.objective.kind
        needed = min(self.reward.filter.min_scored, self.reward.advantage.min_scored)
        if self.data == "rollouts" and rollout.group_size < needed:
            raise ValueError(
                f"rollout.group_size is {rollout.group_size}, but groups with fewer than {needed} scores are dropped"
            )
        if kind == "grpo" and self.data == "scored":
            raise ValueError(
                "grpo trains on its own rollouts; for scored data take dpo, rwr, nft or awm"
            )
        if kind == "grpo" and (
            rollout.noise_stepper is None or not rollout.noise_stepper.stochastic
        ):
            raise ValueError(
                "grpo needs rollout.noise_stepper: flow_sde, dance_sde or cps with eta > 0"
            )
        if kind != "grpo" and rollout.noise_stepper is not None:
            raise ValueError(f"{kind} learns from clean samples; leave rollout.noise_stepper out")
        if rollout.equal_noise and rollout.noise_stepper is None:
            raise ValueError("equal noise without noise_stepper gives equal images: no group")
        if self.lora is not None and self.lora.dropout > 0:
            raise ValueError(
                "lora.dropout must be 0: with it, replaying a rollout is another policy"
            )
        if self.update.batches > rollout.groups:
            raise ValueError("update.batches is more than rollout.groups")
        return self

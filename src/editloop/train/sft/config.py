"""Settings of supervised fine-tuning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

from pydantic import Field

from editloop.core.config import Config
from editloop.core.errors import UnknownNameError
from editloop.core.registry import did_you_mean


class LoraSettings(Config):
    """Low-rank adapters in place of full fine-tuning (arXiv 2106.09685)."""

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=16, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: tuple[str, ...] | None = None
    """Ends of module names that get an adapter; None takes the policy's own list."""


class NoiseSettings(Config):
    """Which noise levels are trained: sigma = sigmoid(mean + std n), n standard normal (arXiv 2403.03206, 3.1)."""

    mean: float = 0.0
    std: float = Field(default=1.0, gt=0)
    shift: float = Field(default=1.0, gt=0)
    """Resolution shift of the same paper's equation 23: sigma becomes shift sigma / (1 + (shift - 1) sigma)."""
    loss_floor: float | None = Field(default=None, ge=0, lt=1)
    """Below this noise level an error of the predicted picture costs no more than at it. Networks that predict the picture
    have a velocity error that grows without bound towards sigma 0 (arXiv 2511.13720). 0 is the plain velocity loss; None takes
    the policy's `loss_floor`, or 0 where it has none."""


class RegionSettings(Config):
    """More weight on what the edit changed (UniWorld-V1, arXiv 2506.03147); lengths in pixels."""

    threshold: int = Field(default=18, ge=0, le=255)
    """A pixel counts as changed when a channel differs by more."""
    closing_radius: int = Field(default=2, ge=0)
    """Holes are closed by a square of side 2 r + 1."""
    smallest_share: float = Field(default=0.3, ge=0, le=1)
    """Connected parts with a smaller share of the changed pixels are noise."""
    growth: Literal["log", "root"] = "log"
    """Weight of a changed cell, with x = all cells / changed cells: log2(x) + 1, or 2^(sqrt(x) - 1)."""
    reject_below: float = Field(default=0.001, ge=0, le=1)
    """Triplets with a smaller changed share are left out of the loss."""
    normalised: bool = False
    """Divide by the mean weight, so that small edits are not louder than large ones."""


class DropoutSettings(Config):
    """How often a sample trains without its words, without its pictures, or without both; at most one of the three.

    The rewards of reward-conditioned training are dropped independently of these.
    """

    words: float = Field(default=0.0, ge=0, le=1)
    pictures: float = Field(default=0.0, ge=0, le=1)
    both: float = Field(default=0.0, ge=0, le=1)
    rewards: float = Field(default=0.0, ge=0, le=1)


class SftConfig(Config):
    """Settings of supervised fine-tuning on triplets.

    Example:
        >>> SftConfig(steps=200, batch_size=32, learning_rate=5e-4).steps
        200
    """

    steps: int = Field(default=1000, ge=1)
    batch_size: int = Field(default=16, ge=1)
    """Triplets an update, over all processes."""
    micro_batch_size: int | None = Field(default=None, ge=1)
    """Triplets that go through the network at once; None takes them all. Bounds the memory, not the result."""
    learning_rate: float = Field(default=1e-4, gt=0)
    rate_scales: dict[str, float] = Field(default_factory=dict)
    """Beginning of parameter names -> factor on their learning rate."""
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: int = Field(default=0, ge=0)
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    weight_decay: float = 1e-2
    gradient_norm: float = Field(default=1.0, gt=0)
    """Longer gradients are cut to this length."""
    ema_decay: float | None = Field(default=None, gt=0, lt=1)
    """Export an exponential moving average of the weights; the decay grows from 0.1 with (1 + n) / (10 + n)."""
    lora: LoraSettings | None = None
    """None trains every weight of the network."""
    bf16: bool = False
    """Run the network under bfloat16 autocast; weights and optimiser stay float32."""
    noise: NoiseSettings = NoiseSettings()
    region: RegionSettings | None = None
    dropout: DropoutSettings = DropoutSettings()
    resize_px: int | None = Field(default=None, ge=8)
    """Bring every picture to this many pixels square; None takes them as they are."""
    flip: bool = False
    """Mirror half of the samples. Wrong where instructions speak of left and right."""
    seed: int = 0
    checkpoint_every: int = Field(default=500, ge=1)
    keep_checkpoints: int = Field(default=2, ge=1)


TOY: Final[dict[str, Any]] = {
    "steps": 300,
    "batch_size": 32,
    "learning_rate": 5e-4,
    "warmup_steps": 20,
    "ema_decay": 0.98,
    "checkpoint_every": 50,
    "noise": NoiseSettings(mean=0.3),
    "region": RegionSettings(closing_radius=0, smallest_share=0, reject_below=0, normalised=True),
}
"""Loss and pace that suit the storybook editor; edits of nothing count too, for they are what rewards tell apart."""


def toy() -> SftConfig:
    """The storybook editor in a few minutes on a CPU."""
    return SftConfig(**TOY)


def bagel_nhr() -> SftConfig:
    """BAGEL-NHR-EDIT (arXiv 2507.14119): LoRA on attention and feed-forward layers; steps were not published."""
    return SftConfig(
        steps=5000,
        batch_size=16,
        learning_rate=2e-5,
        lora=LoraSettings(rank=16, alpha=16, dropout=0.05),
        bf16=True,
    )


def uniworld() -> SftConfig:
    """Full fine-tuning with UniWorld-V1's edit-region weights and optimiser settings (second stage of its released code)."""
    return SftConfig(
        steps=10_000,
        batch_size=128,
        micro_batch_size=4,
        learning_rate=1e-6,
        warmup_steps=5000,
        ema_decay=0.999,
        bf16=True,
        region=RegionSettings(),
        resize_px=512,
    )


SFT_PRESETS: Final[dict[str, Callable[[], SftConfig]]] = {
    "default": SftConfig,
    "toy": toy,
    "bagel_nhr": bagel_nhr,
    "uniworld": uniworld,
}


def sft_preset(name: str) -> SftConfig:
    """Settings by name.

    Raises:
        UnknownNameError: with the nearest name.
    """
    if name not in SFT_PRESETS:
        known = sorted(SFT_PRESETS)
        raise UnknownNameError(
            f"no preset is called {name!r}{did_you_mean(name, known)}; known: {', '.join(known)}"
        )
    return SFT_PRESETS[name]()

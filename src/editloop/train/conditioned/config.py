"""Settings of reward-conditioned training, and the paper's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, get_args

from pydantic import Field, model_validator

from editloop.core.config import Config
from editloop.core.errors import UnknownNameError
from editloop.core.registry import did_you_mean
from editloop.records.formats.reward_edit import NO_FAULT
from editloop.train.examples import TOP_SCORE
from editloop.train.sft.config import TOY, DropoutSettings, SftConfig

Perspective = Literal["following", "preserving", "quality"]


class RewardSettings(Config):
    """What of a reward the editor is told; the switches are the ablations that the paper's reviewers asked for."""

    scores: bool = True
    texts: bool = True
    perspectives: tuple[Perspective, ...] = Field(default=get_args(Perspective), min_length=1)
    plain_none: bool = True
    """Write "None" for texts such as "no noticeable negative aspects", so that training and inference say the same."""
    separator: str = ", "
    """Stands between the three texts; a word-level tokenizer knows commas, not semicolons."""
    rate_scale: float = Field(default=1.0, gt=0)
    """Learning rate of the new layers, as a multiple of the network's."""
    attention_dropout: float = Field(default=0.0, ge=0, lt=1)
    asked_scores: tuple[float, float, float] = (TOP_SCORE, TOP_SCORE, TOP_SCORE)
    """What the policy asks for when it is not told a reward: in rollouts, and in evaluation during alignment."""
    asked_faults: tuple[str, str, str] = (NO_FAULT, NO_FAULT, NO_FAULT)

    @model_validator(mode="after")
    def _something_is_told(self) -> RewardSettings:
        if not (self.scores or self.texts):
            raise ValueError(
                "neither scores nor texts are told; set rewards to null to train without rewards"
            )
        return self


class ConditionedConfig(SftConfig):
    """Supervised fine-tuning with rewards as a condition; `dropout.rewards` is 0 in the paper."""

    rewards: RewardSettings | None = RewardSettings()
    """None trains on the same triplets without their rewards: the baseline of the method."""


def toy() -> ConditionedConfig:
    """The storybook editor in a few minutes on a CPU."""
    return ConditionedConfig(**TOY)


def mrc() -> ConditionedConfig:
    """The released second stage for InstructPix2Pix: 256 px, batch 4 with 4 accumulations, 10,000 steps, whole U-Net.

    The original predicts noise; here the same settings train the velocity of a flow-matching editor.
    """
    return ConditionedConfig(
        steps=10_000,
        batch_size=16,
        micro_batch_size=4,
        learning_rate=5e-5,
        ema_decay=0.9999,
        bf16=True,
        resize_px=256,
        flip=True,
        dropout=DropoutSettings(words=0.05, both=0.05, pictures=0.05),
        rewards=RewardSettings(plain_none=False, separator="; ", attention_dropout=0.1),
    )


CONDITIONED_PRESETS: Final[dict[str, Callable[[], ConditionedConfig]]] = {
    "default": ConditionedConfig,
    "toy": toy,
    "mrc": mrc,
}


def conditioned_preset(name: str) -> ConditionedConfig:
    """Settings by name.

    Raises:
        UnknownNameError: with the nearest name.
    """
    if name not in CONDITIONED_PRESETS:
        known = sorted(CONDITIONED_PRESETS)
        raise UnknownNameError(
            f"no preset is called {name!r}{did_you_mean(name, known)}; known: {', '.join(known)}"
        )
    return CONDITIONED_PRESETS[name]()

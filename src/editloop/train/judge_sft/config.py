"""Settings of a judge's fine-tuning."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from editloop.core.config import Config

Loss = Literal["reply", "expected_score", "both"]


class JudgeSftConfig(Config):
    """Settings of a fine-tuning."""

    loss: Loss = "reply"
    """``reply``: cross-entropy of the reply (ImgEdit-Judge, arXiv 2505.20275). ``expected_score``: squared distance between
    people's score and the expectation over the score's digits, a regression. ``both``: their sum."""
    steps: int = Field(default=1000, ge=1)
    batch: int = Field(default=8, ge=1)
    """Ratings of one update."""
    micro_batch: int | None = Field(default=None, ge=1)
    """Ratings that are in memory at once; the whole batch by default. It changes sums in their last digits only."""
    learning_rate: float = Field(default=1e-4, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    clip_norm: float = Field(default=1.0, gt=0)
    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    gradient_checkpointing: bool = False
    """Compute activations twice and keep few of them: for large models and large images."""
    digits: tuple[int, int] = (1, 5)
    """Ends of the scale, whole numbers of one digit, for the losses over digits."""
    save_every: int = Field(default=100, ge=1)
    """Steps between two checkpoints."""
    seed: int = 0

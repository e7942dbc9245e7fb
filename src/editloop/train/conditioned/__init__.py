"""Reward-conditioned training (MRC, arXiv 2411.04713): learn good and bad edits apart, then ask for good ones."""

from editloop.train.conditioned.config import (
    ConditionedConfig,
    RewardSettings,
    conditioned_preset,
)
from editloop.train.conditioned.policy import RewardedPolicy
from editloop.train.conditioned.run import rewarded_policy, train_conditioned

__all__ = [
    "ConditionedConfig",
    "RewardSettings",
    "RewardedPolicy",
    "conditioned_preset",
    "rewarded_policy",
    "train_conditioned",
]

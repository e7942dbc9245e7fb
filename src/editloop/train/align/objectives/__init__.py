"""Objectives of post-training, in two families.

`trajectory` objectives score the steps of a stochastic rollout and need its stepper; `forward` and `preference`
objectives re-noise the clean sample and need nothing of how it was made. All are pure functions of tensors that return
an `ObjectiveLoss`.
"""

from editloop.train.align.objectives.base import ObjectiveLoss
from editloop.train.align.objectives.forward import Awm, Nft, Rwr
from editloop.train.align.objectives.preference import Dgpo, Dpo
from editloop.train.align.objectives.regression import ForwardObjective, Renoised, Velocities
from editloop.train.align.objectives.trajectory import Grpo, TrajectoryObjective

__all__ = [
    "Awm",
    "Dgpo",
    "Dpo",
    "ForwardObjective",
    "Grpo",
    "Nft",
    "ObjectiveLoss",
    "Renoised",
    "Rwr",
    "TrajectoryObjective",
    "Velocities",
]

"""Objectives of post-training, in two families.

`trajectory` objectives score the steps of a stochastic rollout and need its stepper; `forward` objectives re-noise the
clean sample and need nothing of how it was made. Both are pure functions of tensors that return an `ObjectiveLoss`.
"""

"""Objectives that compare samples with each other: Diffusion-DPO in flow form, and DGPO over whole groups.

Sources: Diffusion-DPO, arXiv 2311.12908, Eq. (14), with velocities in place of noise; DGPO, arXiv 2510.08425.
D_i = ||v - u||^2 - ||v_anchor - u||^2 of sample i, means over elements: below zero where the policy has come closer to it.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from editloop.core.errors import UsageError
from editloop.train.align.objectives.base import squared_distance
from editloop.train.align.objectives.regression import (
    Coefficients,
    Renoised,
    Velocities,
    WeightedRegression,
    required,
    required_advantage,
)


class _Anchored(WeightedRegression):
    """What both share: the anchor that a sample's improvement is measured against."""

    anchor: Literal["reference", "old"] = "reference"
    """`reference`: the model before post-training; `old`: the moving average (online training)."""

    @property
    def uses_old(self) -> bool:
        """Where it is the anchor."""
        return self.anchor == "old"

    @property
    def uses_reference(self) -> bool:
        """Where it is the anchor, or drift from it costs."""
        return self.anchor == "reference" or self.velocity_kl > 0

    def _improvement(self, velocities: Velocities, batch: Renoised) -> Tensor:
        """D, (n,)."""
        anchor = velocities.old if self.anchor == "old" else velocities.reference
        return squared_distance(velocities.new, batch.target) - squared_distance(
            required(anchor, self.anchor), batch.target
        )


class Dpo(_Anchored):
    """Diffusion-DPO: loss = mean over pairs of -log sigmoid(-(beta / 2) (D_winner - D_loser)).

    Pairs come from stored data (offline) or are the best and worst of a group (online). Winner and loser share noise and
    level, else their difference is mostly the noise's.
    """

    kind: Literal["dpo"] = "dpo"
    beta: float = Field(2000.0, gt=0)
    """2,000 offline; 100 online with best against worst of a group."""

    @property
    def feedback(self) -> Literal["advantage", "pairs"]:
        """Pairs."""
        return "pairs"

    def _coefficients(self, velocities: Velocities, batch: Renoised) -> Coefficients:
        winner, loser = _checked_pairs(batch)
        improvement = self._improvement(velocities, batch)
        logits = self.beta / 2 * (improvement[winner] - improvement[loser])
        pull = self.beta / 2 * torch.sigmoid(logits) / len(logits)
        match = torch.zeros_like(improvement)
        match.index_add_(0, winner, pull).index_add_(0, loser, -pull)
        stats = {"margin": -logits.mean(), "accuracy": (logits < 0).to(logits.dtype).mean()}
        return Coefficients(match, None, functional.softplus(logits).mean(), stats)


class Dgpo(_Anchored):
    """Direct group preference optimisation: loss = mean over groups of -log sigmoid(-beta mean_i A_i D_i).

    With two samples of advantage 1 and -1 it is DPO.
    """

    kind: Literal["dgpo"] = "dgpo"
    beta: float = Field(100.0, gt=0)
    """10 to 100 against the reference, 2,000 to 5,000 against a moving average."""

    def _coefficients(self, velocities: Velocities, batch: Renoised) -> Coefficients:
        if batch.groups is None:
            raise UsageError("DGPO needs the group of each sample, none was given")
        advantage = required_advantage(batch)
        _, index = torch.unique(batch.groups, return_inverse=True)
        sizes = torch.bincount(index).to(advantage.dtype)
        share = self.beta * advantage / sizes[index]
        logits = torch.zeros_like(sizes)
        logits.index_add_(0, index, share * self._improvement(velocities, batch).to(sizes.dtype))
        match = torch.sigmoid(logits)[index] * share / len(sizes)
        stats = {"margin": -logits.mean(), "accuracy": (logits < 0).to(logits.dtype).mean()}
        return Coefficients(match, None, functional.softplus(logits).mean(), stats)


def _checked_pairs(batch: Renoised) -> tuple[Tensor, Tensor]:
    """Rows of winners and of losers, each (p,)."""
    if (
        batch.pairs is None
        or batch.pairs.ndim != 2
        or batch.pairs.shape[1] != 2
        or not len(batch.pairs)
    ):
        given = None if batch.pairs is None else tuple(batch.pairs.shape)
        raise UsageError(f"DPO needs pairs of rows, shape (p, 2) with p > 0, got {given}")
    winner, loser = batch.pairs.unbind(1)
    same = torch.equal(batch.noise[winner], batch.noise[loser]) and torch.equal(
        batch.sigma[winner], batch.sigma[loser]
    )
    if not same:
        raise UsageError(
            "winner and loser of a pair must share noise and sigma, or the noise outweighs the preference;"
            " use share_in_pairs"
        )
    return winner, loser

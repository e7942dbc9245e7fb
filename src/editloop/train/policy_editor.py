"""Any policy as an editor: what a training made is used and measured without a detour over the disk."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from editloop.models.roles import EditRequest, EditResult, ModelIdentity
from editloop.train.policy import EditPolicy

ROWS = 64
"""Most requests in one forward pass."""


class PolicyEditor:
    """Plays the editor role with a policy, by Euler steps; requests of one call must have one size.

    Args:
        policy: The editor; a change of its weights shows at once.
        steps: Euler steps from noise to image.
    """

    def __init__(self, policy: EditPolicy, steps: int = 6) -> None:
        self.policy, self.steps = policy, steps

    @property
    def identity(self) -> ModelIdentity:
        """The policy's."""
        return self.policy.identity

    def edit(self, request: EditRequest) -> EditResult:
        """One edit."""
        return self.edit_many([request])[0]

    def edit_many(self, requests: Sequence[EditRequest]) -> list[EditResult]:
        """One result a request; its noise comes from the request's own seed."""
        chunks = [requests[start : start + ROWS] for start in range(0, len(requests), ROWS)]
        return [result for chunk in chunks for result in self._edit(chunk)]

    @torch.no_grad()
    def _edit(self, requests: Sequence[EditRequest]) -> list[EditResult]:
        condition = self.policy.encode(requests)
        shape = self.policy.latent_shape(condition)
        noise = [
            torch.randn(shape, generator=torch.Generator().manual_seed(request.seed))
            for request in requests
        ]
        x = torch.stack(noise).to(next(self.policy.network.parameters()).device)
        sigmas = self.policy.sigmas(self.steps, condition)
        for sigma, following in zip(sigmas[:-1].tolist(), sigmas[1:].tolist(), strict=True):
            level = torch.full((len(requests),), sigma, device=x.device)
            x = x + (following - sigma) * self.policy.velocity(x, level, condition)
        return [EditResult(image) for image in self.policy.decode(x, condition)]

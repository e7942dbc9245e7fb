"""Token by token: seeded sampling row by row, and log-probabilities as they arise.

`generate` of transformers draws a whole batch from one global state, so a row's answer would depend on its neighbours;
and it keeps the scores of the full vocabulary for every token, gigabytes for a long answer. The processor here is the last
word on the scores of a step: it adds Gumbel noise from each row's own generator, after which greedy choice *is* sampling, and
it keeps the few log-probabilities that were asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from editloop.models.vlms.messages import TokenLogprobs


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn; `temperature` 0 is greedy."""

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0


class Decoder:
    """A logits processor of `generate(do_sample=False)`.

    Args:
        sampling: How tokens are drawn, for every row.
        seeds: Of each row.
        top: Alternatives kept at each place; 0 keeps nothing.
    """

    def __init__(self, sampling: Sampling, seeds: Sequence[int], top: int = 0) -> None:
        from transformers import (
            RepetitionPenaltyLogitsProcessor,
            TopKLogitsWarper,
            TopPLogitsWarper,
        )

        self._sampling = sampling
        self._generators = [torch.Generator().manual_seed(seed % 2**63) for seed in seeds]
        self._top = top
        self._chosen: list[torch.Tensor] = []
        self._best: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._warpers: list[Any] = []
        if sampling.repetition_penalty != 1.0:
            self._penalty: Any = RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty)
        else:
            self._penalty = None
        if sampling.top_k > 0:
            self._warpers.append(TopKLogitsWarper(sampling.top_k))
        if sampling.top_p < 1.0:
            self._warpers.append(TopPLogitsWarper(sampling.top_p))

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The scores whose maximum is the token to take."""
        raw = scores.float()
        decided = raw if self._penalty is None else self._penalty(input_ids, raw)
        if self._sampling.temperature > 0:
            decided = decided / self._sampling.temperature
            for warp in self._warpers:
                decided = warp(input_ids, decided)
            decided = decided + self._noise(decided)
        if self._top:
            logprobs = raw.log_softmax(-1)
            self._chosen.append(logprobs.gather(-1, decided.argmax(-1, keepdim=True)).cpu())
            best = logprobs.topk(min(self._top, logprobs.shape[-1]), dim=-1)
            self._best.append((best.values.cpu(), best.indices.cpu()))
        return decided

    def _noise(self, scores: torch.Tensor) -> torch.Tensor:
        """Gumbel noise, drawn on the CPU so that a seed means the same on every device."""
        rows = [torch.rand(scores.shape[-1], generator=row) for row in self._generators]
        uniform = torch.stack(rows).clamp_(min=torch.finfo(torch.float32).tiny)
        return -torch.log(-torch.log(uniform)).to(scores.device)

    def logprobs(
        self, row: int, tokens: Sequence[int], tokenizer: Any
    ) -> tuple[TokenLogprobs, ...]:
        """Log-probabilities of the first `tokens` of a row's answer, under the model's own scores."""
        if not self._top:
            return ()
        places = []
        for step, token in enumerate(tokens):
            values, ids = (kept[row].tolist() for kept in self._best[step])
            top = tuple(
                (tokenizer.decode([other]), value) for other, value in zip(ids, values, strict=True)
            )
            places.append(
                TokenLogprobs(tokenizer.decode([token]), self._chosen[step][row].item(), top)
            )
        return tuple(places)

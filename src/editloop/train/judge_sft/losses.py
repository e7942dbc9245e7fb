"""The two losses of a judge's fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from editloop.core.errors import UsageError
from editloop.train.judge_sft.batch import IGNORED


def reply_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the replies: the mean over rows of the mean over a row's tokens, so that each rating counts alike.

    Args:
        logits: Shape (rows, length, vocabulary).
        labels: Shape (rows, length); `IGNORED` where nothing is learnt.
    """
    given, wanted = logits[:, :-1], labels[:, 1:]
    each = F.cross_entropy(
        given.flatten(0, 1), wanted.flatten(), ignore_index=IGNORED, reduction="none"
    ).view(wanted.shape)
    return (each.sum(dim=1) / (wanted != IGNORED).sum(dim=1)).mean()


def expected_score_loss(
    logits: Tensor,
    marks: Sequence[tuple[int, int, float]],
    tokenizer: Any,
    digits: tuple[int, int],
) -> Tensor:
    """Mean squared distance, in points, between people's score and the expectation over the digits in its place.

    Args:
        logits: Shape (rows, length, vocabulary).
        marks: (row, place of the digit, people's score).
        tokenizer: Says which tokens the digits are.
        digits: The lowest and the highest score.

    Raises:
        UsageError: no reply has a digit to learn from.
    """
    if not marks:
        raise UsageError("no reply holds a score of one digit: use the loss 'reply'")
    low, high = digits
    tokens = [
        tokenizer(str(digit), add_special_tokens=False)["input_ids"][0]
        for digit in range(low, high + 1)
    ]
    rows = torch.tensor([row for row, _, _ in marks], device=logits.device)
    before = torch.tensor([place - 1 for _, place, _ in marks], device=logits.device)
    shares = logits[rows, before][:, tokens].softmax(dim=1)
    values = torch.arange(low, high + 1, dtype=shares.dtype, device=shares.device)
    people = torch.tensor(
        [score for _, _, score in marks], dtype=shares.dtype, device=shares.device
    )
    return F.mse_loss(shares @ values, people)

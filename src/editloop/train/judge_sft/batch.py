"""Questions followed by the replies to learn, as the model takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from editloop.core.errors import UsageError
from editloop.models.vlms.transformers import TransformersVlm
from editloop.train.judge_sft.examples import JudgeExample

IGNORED: Final = -100
"""Label of a place that is not learnt."""


@dataclass(frozen=True, slots=True)
class ReplyBatch:
    """Model inputs, the label of every place, shape (rows, length), and the places of scores.

    Each mark is (row, place, people's score): the token at `place` is a digit of the reply.
    """

    inputs: dict[str, Any]
    labels: Tensor
    marks: tuple[tuple[int, int, float], ...]


def reply_batch(vlm: TransformersVlm, examples: Sequence[JudgeExample]) -> ReplyBatch:
    """Questions are padded on the left and replies on the right, so that all replies begin at one place."""
    inputs = dict(vlm.prepare([example.request() for example in examples]))
    tokenizer = vlm.checkpoint.tokenizer
    shape, prompt = inputs["input_ids"].shape, int(inputs["input_ids"].shape[1])
    end = _end(vlm)
    replies = [
        [*tokenizer(one.reply, add_special_tokens=False)["input_ids"], end] for one in examples
    ]
    longest = max(map(len, replies))
    device = inputs["input_ids"].device
    added = torch.full((len(replies), longest), end, device=device)
    real = torch.zeros((len(replies), longest), dtype=torch.long, device=device)
    for row, reply in enumerate(replies):
        added[row, : len(reply)] = torch.tensor(reply, device=device)
        real[row, : len(reply)] = 1
    labels = torch.full((len(replies), prompt + longest), IGNORED, device=device)
    labels[:, prompt:] = added.masked_fill(real == 0, IGNORED)
    for name, value in list(inputs.items()):
        if isinstance(value, Tensor) and value.shape == shape:
            more = {"input_ids": added, "attention_mask": real}.get(name)
            more = torch.zeros_like(added) if more is None else more
            inputs[name] = torch.cat([value, more.to(value.dtype)], dim=1)
    marks = [
        (row, prompt + digit_place(tokenizer, replies[row], offset, one.reply), score)
        for row, one in enumerate(examples)
        for offset, score in one.digits
    ]
    return ReplyBatch(inputs, labels, tuple(marks))


def digit_place(tokenizer: Any, tokens: Sequence[int], offset: int, text: str) -> int:
    """Place of the token that is the one digit at `offset` of `text`.

    Raises:
        UsageError: the tokenizer does not write that digit as a token of its own.
    """
    start = 0
    for place, token in enumerate(tokens):
        word = tokenizer.decode([token])
        if start == offset and word == text[offset]:
            return place
        start += len(word)
    raise UsageError(
        f"this model's tokenizer does not write the digit at {offset} of {text!r} as a token of its own, so scores cannot be "
        "learnt as expectations: use the loss 'reply'"
    )


def _end(vlm: TransformersVlm) -> int:
    ends = vlm.checkpoint.model.generation_config.eos_token_id
    return int(ends[0] if isinstance(ends, list) else ends)

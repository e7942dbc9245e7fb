"""What goes to a vision-language model and what comes back, whichever adapter carries it.

Example:
    >>> from editloop.models.vlms.messages import VlmRequest
    >>> VlmRequest(("Was the sheep removed? Answer yes or no.",), max_tokens=1).temperature
    0.0
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import ModelCallError

VlmPart: TypeAlias = str | NDArray[np.uint8]
"""One part of a message to a vision-language model: words, or an image (RGB, uint8, shape (h, w, 3))."""


class VlmFinish(StrEnum):
    """How a vision-language model's answer ended. Only `STOP` is a whole answer."""

    STOP = "stop"
    LENGTH = "length"
    """Cut off at the token limit; `VlmReply.text` is what came before."""
    REFUSAL = "refusal"
    """The model declined; `VlmReply.refusal` has its words where it gave any."""
    FILTERED = "filtered"
    """The provider's content filter stopped the answer, or the question."""
    EMPTY = "empty"
    """The model ended without a word."""


@dataclass(frozen=True, slots=True)
class ImageEncoding:
    """How an image is handed to a model: part of what was asked, for a JPEG is another picture than its original.

    Args:
        format: ``png`` keeps every pixel.
        quality: Of JPEG, 1 to 95.
        chroma: Of JPEG; Pillow's own default is ``4:2:0``, which blurs colours.
        max_side: Longer images are scaled down to this many pixels first; None leaves the size.
    """

    format: Literal["png", "jpeg"] = "png"
    quality: int = 95
    chroma: Literal["4:4:4", "4:2:0"] = "4:4:4"
    max_side: int | None = None


@dataclass(frozen=True, slots=True)
class VlmRequest:
    """One question to a vision-language model: an optional system message and one user message.

    Args:
        parts: The user message, in order.
        system: The system message.
        temperature: 0 is greedy; None leaves it to the model, as some official protocols do.
        max_tokens: The longest answer.
        seed: Of sampling, where the model takes one.
        top_logprobs: Alternatives listed for every token of the answer; 0 asks for no log-probabilities.
        sample: Number of the repeat; equal requests with another `sample` are asked again.
        json_schema: Shape that the answer should have. Enforced where the model can, ignored elsewhere: read tolerantly.
        encoding: Of the images; None leaves it to the adapter.
    """

    parts: tuple[VlmPart, ...]
    system: str | None = None
    temperature: float | None = 0.0
    max_tokens: int = 1024
    seed: int | None = None
    top_logprobs: int = 0
    sample: int = 0
    json_schema: dict[str, Any] | None = None
    encoding: ImageEncoding | None = None


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """One token of an answer, its natural log-probability, and the likeliest tokens at its place, best first."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class VlmReply:
    """What a vision-language model answered; a call that failed is a `ModelCallError`, never one of these.

    Tokens, cost and seconds are those of the call that was paid for, also where a kept reply answered (`cached`).
    `cost_usd` is None where no prices are known. `raw` is the reply as received, to be read again later. `tokens` is empty
    where no log-probabilities were asked for or the endpoint gives none.
    """

    text: str
    finish: VlmFinish = VlmFinish.STOP
    refusal: str | None = None
    tokens: tuple[TokenLogprobs, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    seconds: float = 0.0
    cached: bool = False
    raw: str = ""
    model: str = ""
    """The revision that the endpoint says it ran, for example ``gpt-4o-2024-08-06``."""


VlmAnswer: TypeAlias = VlmReply | ModelCallError
"""What became of one of many requests."""

"""Judges of a scripted endpoint, and small edits to show them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from aiohttp import web
from tests.models.vlms.scripted import Call, answer

from editloop.judges.base import JudgeRequest
from editloop.records.taxonomy import EditType

IMGEDIT = "Brief reasoning: seams.\nPrompt Compliance: {}\nVisual Naturalness: {}\nPhysical & Detail Coherence: {}"


def edit(
    shade: int = 90, instruction: str = "add a lamp", edit_type: EditType | None = EditType.ADD
) -> JudgeRequest:
    source = np.full((8, 8, 3), 40, np.uint8)
    return JudgeRequest(
        source, instruction, np.full((8, 8, 3), shade, np.uint8), edit_type=edit_type
    )


def images_of(call: Call) -> int:
    return sum(part["type"] == "image_url" for part in call.body["messages"][-1]["content"])


def by_question(call: Call) -> web.StreamResponse:
    """VIEScore: the source is shown for SC alone."""
    scores = [8, 6] if images_of(call) == 2 else [9, 4]
    return answer(f'{{"score": {scores}, "reasoning": "x"}}')


def digit_with(chances: dict[str, float], written: str) -> web.Response:
    """A reply of one digit with the chances of others in its place."""
    token: dict[str, Any] = {
        "token": written,
        "logprob": math.log(chances[written]),
        "bytes": None,
        "top_logprobs": [
            {"token": one, "logprob": math.log(p), "bytes": None} for one, p in chances.items()
        ],
    }
    return answer(written, logprobs={"content": [token]})

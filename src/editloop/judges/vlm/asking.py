"""A question about one edit as a request to a vision-language model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from editloop.core.errors import ModelCallError
from editloop.judges.base import JudgeRequest
from editloop.judges.readout.expectation import expected_scores
from editloop.judges.rubrics.readings import axes_of
from editloop.judges.rubrics.rubric import ImageRole, Question, Rubric
from editloop.judges.vlm.replies import KeptReply
from editloop.judges.vlm.settings import RubricSettings
from editloop.models.roles import RgbImage
from editloop.models.vlms.messages import VlmAnswer, VlmFinish, VlmPart, VlmRequest

TOP_LOGPROBS: Final = 20
_DIGIT_TOKENS: Final = 16
"""Longest reply to a question that wants one number."""
_NAMES: Final = {"source": "Before", "edited": "After", "first": "Edit A", "second": "Edit B"}
_ENDINGS: Final = {
    VlmFinish.STOP: "stop",
    VlmFinish.LENGTH: "length",
    VlmFinish.REFUSAL: "refusal",
    VlmFinish.FILTERED: "filtered",
    VlmFinish.EMPTY: "empty",
}


def question_request(
    rubric: Rubric,
    question: Question,
    request: JudgeRequest,
    settings: RubricSettings,
    sample: int = 0,
) -> VlmRequest:
    """What is sent. An official prompt goes as the scripts send it: text, images without names, the model's own temperature."""
    return build_request(
        rubric,
        question,
        {"source": request.source, "edited": request.edited},
        request.instruction,
        settings,
        context=request.context,
        references=request.references,
        sample=sample,
    )


def build_request(
    rubric: Rubric,
    question: Question,
    images: dict[ImageRole, RgbImage],
    instruction: str,
    settings: RubricSettings,
    *,
    context: tuple[str, ...] = (),
    references: tuple[RgbImage, ...] = (),
    sample: int = 0,
) -> VlmRequest:
    """The same for any images, those of a pair included."""
    official = question.official is not None
    told = references if question.instruction and not official else ()
    parts: list[VlmPart] = [rubric.text(question, instruction, context, len(told))]
    for role in question.images:
        parts += [images[role]] if official else [f"{_NAMES[role]}:", images[role]]
    for number, reference in enumerate(told, 1):
        parts += [f"Reference image {number}:", reference]
    expects = settings.readout == "expected"
    short = question.reply in ("number", "yes_no")
    return VlmRequest(
        parts=tuple(parts),
        temperature=settings.temperature if official else settings.sampled_at,
        max_tokens=min(settings.max_tokens, _DIGIT_TOKENS) if short else settings.max_tokens,
        seed=settings.seed,
        top_logprobs=TOP_LOGPROBS if expects else 0,
        sample=sample,
    )


def kept_answer(
    question: Question, answer: VlmAnswer, scale: tuple[float, float], sample: int
) -> KeptReply:
    """What came back, as it is kept. An error keeps its message, for a person to read."""
    if isinstance(answer, ModelCallError):
        return KeptReply(
            question=question.name,
            reading=question.reading,
            sample=sample,
            ending="failed",
            text=str(answer)[:1000],
        )
    expected = expected_scores(answer.text, answer.tokens, axes_of(question.reading), scale)
    return KeptReply(
        question=question.name,
        reading=question.reading,
        sample=sample,
        ending=_ENDINGS[answer.finish],
        text=answer.text or answer.refusal or "",
        model=answer.model,
        expected={axis: (one.mean, one.spread, one.mass) for axis, one in expected.items()},
    )


def unreadable(images: Sequence[object]) -> str | None:
    """What is wrong with the first image that is no RGB picture; None when all are."""
    for image in images:
        if not (
            isinstance(image, np.ndarray)
            and image.dtype == np.uint8
            and image.ndim == 3
            and image.shape[2] == 3
            and image.size > 0
        ):
            shape = getattr(image, "shape", type(image).__name__)
            return f"pictures must be uint8 RGB (h, w, 3), got {shape}"
    return None

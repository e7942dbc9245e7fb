"""FakeShield's protocol (ICLR 2025) over any vision-language model: ask, and look for one phrase in the answer.

FakeShield tags the domain of an image, lets a LLaVA-style model explain itself, and segments what it names. The score that
ImgEdit (arXiv 2505.20275) reports needs the second step alone: an image counts as fake unless the answer says that it "has not
been tampered with".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from editloop.core.errors import ModelCallError, UsageError
from editloop.core.ids import content_id
from editloop.models.roles import ForensicReading, ModelIdentity, RgbImage

UNTOUCHED: Final = "has not been tampered with"
TOUCHED: Final = "has been tampered with"
QUESTION: Final = (
    "Look for traces of editing in this picture: edges, light, texture, perspective, resolution, physical sense. Begin "
    f'with one of two sentences, "The image {TOUCHED}." or "The image {UNTOUCHED}.", and then say what you saw.'
)


class FakeShieldQuestion:
    """Spec ``fakeshield:VLM``, for example ``fakeshield:transformers:FOLDER``.

    `ForensicReading.score` is 1 for an answer that says so, 0 for "has not been tampered with", and 0.5 for an answer that says neither,
    which the protocol counts as fake. No answer (a refusal, a failed call) is no reading.
    """

    def __init__(self, spec: str = "") -> None:
        from editloop.models import load_model

        if ":" not in spec:
            raise UsageError(
                f"fakeshield: takes a vision-language model, for example fakeshield:transformers:FOLDER; got {spec!r}"
            )
        self._vlm = load_model("vlm", spec)
        self._spec = spec

    @property
    def identity(self) -> ModelIdentity:
        """Model and question."""
        asked = self._vlm.identity
        return ModelIdentity(
            f"fakeshield:{self._spec}", f"{asked.version}-{content_id(QUESTION)[:8]}"
        )

    def examine(self, images: Sequence[RgbImage]) -> list[ForensicReading | None]:
        """One reading an image."""
        from editloop.models.vlms.messages import VlmFinish, VlmRequest

        requests = [VlmRequest((image, QUESTION), max_tokens=300) for image in images]
        readings: list[ForensicReading | None] = []
        for answer in self._vlm.ask_many(requests):
            usable = not isinstance(answer, ModelCallError) and answer.finish in (
                VlmFinish.STOP,
                VlmFinish.LENGTH,
            )
            readings.append(
                decide(answer.text)
                if usable and not isinstance(answer, ModelCallError) and answer.text.strip()
                else None
            )
        return readings


def decide(answer: str) -> ForensicReading:
    """FakeShield's rule: fake is whatever is not said to be untouched."""
    plain = " ".join(answer.lower().split())
    if UNTOUCHED in plain:
        return ForensicReading(False, 0.0, answer)
    return ForensicReading(True, 1.0 if TOUCHED in plain else 0.5, answer)

"""How a rubric is put to a model and how its replies count."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from editloop.judges.parsing.protocols import Cap
from editloop.judges.parsing.reading import ReadingMode

Readout = Literal["written", "expected"]
Middle = Literal["mean", "median"]

READER_VERSION: Final = "1"
"""Changes whenever the same replies may give other scores."""
REPEAT_TEMPERATURE: Final = 0.7


class RubricSettings(BaseModel):
    """Options of a ``rubric:`` spec.

    Args:
        reading: ``robust``, or ``official``: the published script's rules, slips included.
        repeats: How often each question is asked.
        temperature: Of sampling; by default 0, or 0.7 when a question is asked more than once.
        readout: ``written`` takes the score as written; ``expected`` the expectation over the score tokens where the model
            gives log-probabilities, and the written score where it does not.
        middle: What repeats are merged by.
        cap: ``enforced`` lowers ImgEdit's second and third score to the first.
        max_tokens: Of one reply.
        seed: Of sampling, where the model takes one.
        prompts: A published prompt file to use in place of our words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reading: ReadingMode = ReadingMode.ROBUST
    repeats: int = Field(default=1, ge=1, le=64)
    temperature: float | None = Field(default=None, ge=0, le=2)
    readout: Readout = "written"
    middle: Middle = "mean"
    cap: Cap = "prompt"
    max_tokens: int = Field(default=1024, ge=1)
    seed: int | None = None
    prompts: Path | None = None

    @property
    def sampled_at(self) -> float:
        """The temperature that is asked for."""
        if self.temperature is not None:
            return self.temperature
        return 0.0 if self.repeats == 1 else REPEAT_TEMPERATURE

"""What the oracle says about one edited picture, and the three axes' way into one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BEST: Final = 5.0
WORST: Final = 1.0

FAILURES: Final = (
    "no_op",
    "half_done",
    "wrong_object",
    "wrong_colour",
    "wrong_pattern",
    "wrong_size",
    "wrong_kind",
    "wrong_place",
    "wrong_background",
    "wrong_style",
    "not_the_reference",
    "still_there",
    "not_added",
    "not_done",
    "over_edit",
    "identity_drift",
    "colour_shift",
    "blurred",
    "artefacts",
)
"""Every code that `OracleScore.failure` can hold, the ones that break the instruction first."""


@dataclass(frozen=True, slots=True)
class OracleScore:
    """What a fair, attentive person would answer, on scales from 1 (worst) to 5 (best).

    `instruction`: was everything that was asked for done; `preservation`: did everything else stay; `quality`: is the
    picture clean and sharp. `right` says that nothing is left to complain about; otherwise `failure` is one of `FAILURES`, the
    worst thing wrong, and `text` says it in a few words ("the ball did not turn green"). `text` is "none" for a right edit.
    """

    instruction: float
    preservation: float
    quality: float
    overall: float
    right: bool
    failure: str | None
    text: str


def overall_score(instruction: float, preservation: float, quality: float) -> float:
    """Half-way between the mean of the axes and the worst of them, and never above the instruction axis.

    A mean alone would let a clean, untouched picture pass for a fair edit; the cap is the rule that ImgEdit's rubrics state
    (arXiv 2505.20275: no score exceeds the first), and the pull to the worst axis gives a perfect edit that also changed
    another object 3 at most, as its UGE rubric asks. Continuous, and monotone in each axis.
    """
    axes = (instruction, preservation, quality)
    return min(instruction, (min(axes) + sum(axes) / 3.0) / 2.0)

"""Judges of the storybook world: trained networks of a few hundred thousand weights that see pixels and words only.

``world:base-scorer`` learnt from synthetic flaws and never saw a rating; ``world:calibrated-scorer`` is the same network with a
read-out fitted to 100 labels a task (HP-Scorer's way); ``world:tiny-judge`` learnt from many ratings (ImgEdit-Judge's way);
``world:held-out-judge`` learnt from other people's, and watches trainings without ever being their reward.
"""

from __future__ import annotations

from editloop.judges.calibrate.calibration import Calibration
from editloop.judges.calibrate.judge import CalibratedJudge
from editloop.judges.storybook.judge import StorybookJudge
from editloop.models.storybook.judge_shape import WEIGHTS_FOLDER


def base_scorer() -> StorybookJudge:
    """Knows what broken pictures look like, not how much people mind."""
    return StorybookJudge("base-scorer")


def calibrated_scorer() -> CalibratedJudge:
    """The base scorer on people's scale, task by task."""
    fitted = (WEIGHTS_FOLDER / "calibrated-scorer.json").read_text(encoding="utf-8")
    return CalibratedJudge(
        "world:calibrated-scorer", base_scorer(), Calibration.model_validate_json(fitted)
    )


def tiny_judge() -> StorybookJudge:
    """Trained on many ratings: reward and validator."""
    return StorybookJudge("tiny-judge")


def held_out_judge() -> StorybookJudge:
    """Trained apart from the tiny judge, on other raters: for monitors alone."""
    return StorybookJudge("held-out-judge")


__all__ = [
    "CalibratedJudge",
    "StorybookJudge",
    "base_scorer",
    "calibrated_scorer",
    "held_out_judge",
    "tiny_judge",
]

"""How every arm is measured: the same held-out cases, the oracle, and a judge that no training saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from editloop.core.seeds import derive_seed
from editloop.judges.base import JudgeRequest
from editloop.judges.storybook import StorybookJudge
from editloop.models.roles import BatchEditor, EditRequest, RgbImage
from editloop.world.cases import Case
from editloop.world.oracle import score_edit
from editloop.world.render import render

AXES = ("instruction", "preservation", "quality", "overall", "right", "held_out_judge")
"""What is measured on every case: the oracle's scores (1 to 5), whether the edit is fully right (0 or 1), the held-out
judge's mean expected score (1 to 5)."""


class Measurement(BaseModel):
    """Scores of one editor, and its pictures for the report."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    scores: dict[str, list[float]]
    failures: tuple[str | None, ...]
    images: tuple[RgbImage, ...]

    def mean(self, axis: str) -> float:
        """Mean over the cases."""
        return float(np.mean(self.scores[axis]))


def edit_request(case: Case, seed: int, size: int = 32) -> EditRequest:
    """What an editor is asked; the noise is the case's own, so that editors meet it equally."""
    return EditRequest(
        image=render(case.source, size),
        instruction=case.instruction,
        seed=derive_seed(seed, case.id),
        references=tuple(render(scene, size) for scene in case.references),
        context=case.context,
    )


def judge_request(case: Case, request: EditRequest, edited: RgbImage) -> JudgeRequest:
    """The triplet as a judge sees it."""
    return JudgeRequest(
        source=request.image,
        instruction=case.instruction,
        edited=edited,
        references=request.references,
        context=case.context,
    )


def measure(
    editor: BatchEditor, cases: Sequence[Case], held_out_judge: StorybookJudge, *, seed: int = 0
) -> Measurement:
    """Edit every case once and score the results."""
    requests = [edit_request(case, seed) for case in cases]
    images = [result.image for result in editor.edit_many(requests)]
    return score_images(cases, requests, images, held_out_judge)


def score_images(
    cases: Sequence[Case],
    requests: Sequence[EditRequest],
    images: Sequence[RgbImage],
    held_out_judge: StorybookJudge,
) -> Measurement:
    """Score pictures that are already made."""
    verdicts = [score_edit(case, image) for case, image in zip(cases, images, strict=True)]
    judged = held_out_judge.expected_scores(
        [request.image for request in requests],
        images,
        [request.instruction for request in requests],
        [request.references[0] if request.references else None for request in requests],
        [request.context for request in requests],
    ).mean(axis=1)
    scores = {
        "instruction": [v.instruction for v in verdicts],
        "preservation": [v.preservation for v in verdicts],
        "quality": [v.quality for v in verdicts],
        "overall": [v.overall for v in verdicts],
        "right": [float(v.right) for v in verdicts],
        "held_out_judge": [float(value) for value in judged],
    }
    return Measurement(
        scores=scores, failures=tuple(v.failure for v in verdicts), images=tuple(images)
    )

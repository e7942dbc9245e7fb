"""What a judge is fine-tuned on, and a draw that is balanced over tasks and scores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from editloop.models.vlms.messages import VlmRequest


@dataclass(frozen=True, slots=True)
class JudgeExample:
    """One rated edit as a question and the reply that people would give.

    Args:
        request: The rubric's question with its images.
        reply: The reply to learn; for the loss ``expected_score`` it begins with the score's digit.
        score: People's score on the scale of the digits, fractions allowed.
        task: Kind of edit.
    """

    request: VlmRequest
    reply: str
    score: float
    task: str = ""


def balanced_rows(
    examples: Sequence[JudgeExample], count: int, rng: np.random.Generator
) -> list[int]:
    """Places of `count` examples: each task equally often, and within a task each whole score equally often.

    ImgEdit-Judge (arXiv 2505.20275) balances its 200,000 ratings so: people's scores crowd at the top, and a judge trained on
    them as they come learns to say a high number.
    """
    cells: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, example in enumerate(examples):
        cells[example.task][round(example.score)].append(place)
    tasks = sorted(cells)
    rows = []
    for _ in range(count):
        task = cells[tasks[rng.integers(len(tasks))]]
        scores = sorted(task)
        own = task[scores[rng.integers(len(scores))]]
        rows.append(own[rng.integers(len(own))])
    return rows

"""What a judge is fine-tuned on, and a draw that is balanced over tasks and scores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from editloop.models.vlms.messages import VlmRequest


@dataclass(frozen=True, slots=True)
class JudgeExample:
    """One rated edit as a question and the reply that people would give.

    Args:
        request: Makes the rubric's question; it opens the images, so that only those of a batch are in memory.
        reply: The reply to learn.
        score: People's score on the rubric's scale, fractions allowed: draws are balanced over it.
        task: Kind of edit.
        digits: Where the score of an axis stands in `reply` as one digit, and people's score there, fractions allowed; what
            the loss ``expected_score`` learns. Empty where scores are no single digits.
    """

    request: Callable[[], VlmRequest]
    reply: str
    score: float
    task: str = ""
    digits: tuple[tuple[int, float], ...] = ()


class BalancedDraw:
    """Draws examples so that each task comes equally often, and within a task each whole score.

    ImgEdit-Judge (arXiv 2505.20275) balances its 200,000 ratings so: people's scores crowd at the top, and a judge trained on
    them as they come learns to say a high number.
    """

    def __init__(self, examples: Sequence[JudgeExample]) -> None:
        cells: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for place, example in enumerate(examples):
            cells[example.task][round(example.score)].append(place)
        self._cells = [
            [own for _, own in sorted(scores.items())] for _, scores in sorted(cells.items())
        ]

    def rows(self, count: int, rng: np.random.Generator) -> list[int]:
        """Places of `count` examples, with repetition."""
        rows = []
        for _ in range(count):
            scores = self._cells[rng.integers(len(self._cells))]
            own = scores[rng.integers(len(scores))]
            rows.append(own[rng.integers(len(own))])
        return rows

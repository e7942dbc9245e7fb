"""Simulated people who score edited pictures: they see what the oracle sees, and answer as people do.

A rater differs from the oracle in the ways that the literature on human ratings describes: a constant leaning (bias), how hard
failures are punished (severity), how much the overall impression colours every single answer (halo), what counts most (weights),
plain inconsistency (noise), and now and then an answer given without looking (lapse). `rater_panel` draws people whose agreement
resembles NHR's annotators (arXiv 2507.14119: Spearman between raters .64 on the instruction, .41 on looks).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from editloop.core.errors import UsageError
from editloop.core.seeds import derive_seed, generator
from editloop.records.rating import Rating
from editloop.world.oracle.verdicts import BEST, WORST, OracleScore

RatingScale: TypeAlias = Literal["1-5", "0-5"]
"""ImgEdit and NHR ask for 1 to 5, Multi-Reward as Condition and HP-Edit for 0 to 5."""

AXES: Final = ("instruction", "preservation", "quality", "overall")
"""What a rater is asked, in this order."""

_LOWEST: Final[dict[RatingScale, float]] = {"1-5": 1.0, "0-5": 0.0}
_AXIS_NOISE: Final = {"instruction": 1.0, "preservation": 1.2, "quality": 1.5, "overall": 1.0}
"""Looks are judged less consistently than whether something was done."""


@dataclass(frozen=True, slots=True)
class Rater:
    """One person.

    Args:
        name: Unique in a panel.
        bias: Points added to every answer; positive is lenient.
        severity: Factor on the distance from perfect: 1.2 makes a 3 a 2.6.
        noise: Standard deviation of an answer about the instruction, in points.
        weights: Share of instruction, preservation and quality in the overall impression; they sum to 1.
        halo: Share of the overall impression in every answer, 0 to 1.
        lapse: Probability of an answer given without looking.
    """

    name: str
    bias: float = 0.0
    severity: float = 1.0
    noise: float = 0.5
    weights: tuple[float, float, float] = (0.5, 0.25, 0.25)
    halo: float = 0.2
    lapse: float = 0.02

    def __post_init__(self) -> None:
        if abs(sum(self.weights) - 1.0) > 1e-6 or min(self.weights) < 0.0:
            raise UsageError(f"weights of rater {self.name!r} must be shares, got {self.weights}")
        if not (0.0 <= self.halo <= 1.0 and 0.0 <= self.lapse <= 1.0):
            raise UsageError(f"halo and lapse of rater {self.name!r} must lie in 0 to 1")
        if self.noise < 0.0 or self.severity <= 0.0:
            raise UsageError(f"rater {self.name!r} needs noise >= 0 and severity > 0")


def rater_panel(count: int, seed: int) -> tuple[Rater, ...]:
    """`count` different people; the first n of a larger panel with the same seed are the same people."""
    return tuple(_person(number, seed) for number in range(count))


def impression(rater: Rater, score: OracleScore) -> float:
    """The overall impression of a rater without noise, 1 to 5: axes by weight, pulled to the oracle's capped overall."""
    axes = (score.instruction, score.preservation, score.quality)
    weighted = sum(weight * axis for weight, axis in zip(rater.weights, axes, strict=True))
    return 0.5 * (min(weighted, score.instruction + 1.0) + score.overall)


def rate(
    rater: Rater,
    score: OracleScore,
    rng: np.random.Generator,
    *,
    scale: RatingScale = "1-5",
    step: float = 1.0,
) -> dict[str, float]:
    """The answers of one person about one picture.

    Args:
        rater: Who answers.
        score: What there is to see.
        rng: Draws noise and lapses.
        scale: Ends of the scale that people were offered.
        step: 1.0 for whole points, 0.5 for halves.

    Returns:
        A score on `scale` for each of `AXES`.
    """
    whole = impression(rater, score)
    seen = (score.instruction, score.preservation, score.quality, whole)
    noise = rng.normal(0.0, 1.0, len(AXES))
    looked_away = rng.random() < rater.lapse
    anything = rng.uniform(WORST, BEST, len(AXES))
    answers = {}
    for place, axis in enumerate(AXES):
        felt = (1.0 - rater.halo) * seen[place] + rater.halo * whole
        felt = BEST - rater.severity * (BEST - felt)
        felt += rater.bias + rater.noise * _AXIS_NOISE[axis] * float(noise[place])
        answers[axis] = _on_scale(float(anything[place]) if looked_away else felt, scale, step)
    return answers


def rate_many(
    raters: Sequence[Rater],
    scores: Mapping[str, OracleScore],
    seed: int,
    *,
    raters_per_item: int | None = None,
    scale: RatingScale = "1-5",
    step: float = 1.0,
) -> list[Rating]:
    """Answers of a panel about many pictures.

    Every answer depends on (seed, item, rater) alone, so more items or more raters leave earlier answers as they were.

    Args:
        raters: The panel.
        scores: What there is to see, by item.
        seed: Of the whole study.
        raters_per_item: How many of the panel see each item, drawn anew for each; None for all.
        scale: Ends of the scale.
        step: 1.0 for whole points, 0.5 for halves.

    Raises:
        UsageError: more raters per item than the panel has, or fewer than one.
    """
    wanted = len(raters) if raters_per_item is None else raters_per_item
    if not 1 <= wanted <= len(raters):
        raise UsageError(f"{wanted} raters an item, but the panel has {len(raters)}")
    rows = []
    for item, score in scores.items():
        seen_by = sorted(raters, key=lambda rater: derive_seed(seed, item, rater.name, "drawn"))
        for rater in seen_by[:wanted]:
            rng = generator(seed, item, rater.name)
            answers = rate(rater, score, rng, scale=scale, step=step)
            rows += [Rating(item, rater.name, axis, value) for axis, value in answers.items()]
    return rows


def _person(number: int, seed: int) -> Rater:
    rng = generator(seed, "rater", number)
    first, second, third = rng.dirichlet((10.0, 5.0, 5.0)).tolist()
    return Rater(
        name=f"rater-{number:02d}",
        bias=float(rng.normal(0.0, 0.35)),
        severity=float(np.exp(rng.normal(0.0, 0.15))),
        noise=float(rng.uniform(0.45, 0.9)),
        weights=(first, second, third),
        halo=float(rng.uniform(0.05, 0.35)),
        lapse=float(rng.uniform(0.0, 0.04)),
    )


def _on_scale(felt: float, scale: RatingScale, step: float) -> float:
    """A felt score (1 to 5, unbounded) as the nearest answer that `scale` and `step` offer."""
    lowest = _LOWEST[scale]
    position = (felt - WORST) / (BEST - WORST) * (BEST - lowest) + lowest
    return float(np.clip(round(position / step) * step, lowest, BEST))

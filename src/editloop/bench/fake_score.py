"""Fake score: the share of edited images that a forensic detector flags, beside what it flags of untouched ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from editloop.bench.contamination import NamedImage
from editloop.core.errors import BadInputError, StoreError, UsageError
from editloop.core.images import decode_image
from editloop.core.stats import Interval, wilson_interval
from editloop.models.roles import ForensicDetector, RgbImage

RESAMPLES: Final = 2000
_BATCH: Final = 16


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the comparison."""

    flagged: int
    scores: Sequence[float]
    undecided: int
    """Replies that say neither and count as fake."""
    unread: Sequence[str]
    """Images that could not be read, and images without an answer."""

    @property
    def share(self) -> Interval | None:
        """Flagged of those with a reading."""
        return wilson_interval(self.flagged, len(self.scores)) if self.scores else None


@dataclass(frozen=True, slots=True)
class FakeScore:
    """The result.

    `edited.share` is the published figure (recall with fake as the positive class; lower is harder to spot). It says nothing
    without `untouched.share`: a detector that flags everything has a recall of 1. `auc` is the chance that an edited image has
    the higher score of a random pair; .5 is guessing.
    """

    detector: str
    version: str
    edited: Side
    untouched: Side | None
    auc: Interval | None


def fake_score(
    detector: ForensicDetector,
    edited: Iterable[NamedImage],
    untouched: Iterable[NamedImage] = (),
    *,
    seed: int = 0,
    progress: Callable[[str, int], None] | None = None,
) -> FakeScore:
    """Let `detector` look at both sides.

    Args:
        detector: Any of the role ``forensic``.
        edited: Outputs of an editor, or targets of a data set.
        untouched: Photographs, best the sources of the same edits.
        seed: Of the interval of the AUC.
        progress: Told which side, and how many are done.

    Raises:
        UsageError: the detector read none of the edited images.
    """
    one = _side(detector, "edited", edited, progress)
    other = _side(detector, "untouched", untouched, progress)
    if not one.scores:
        first = f"; the first: {one.unread[0]}" if one.unread else ": there are none"
        raise UsageError(f"the detector read none of the edited images{first}")
    identity = detector.identity
    return FakeScore(
        identity.name,
        identity.version,
        one,
        other if other.scores or other.unread else None,
        auc_interval(one.scores, other.scores, seed) if other.scores else None,
    )


def _side(
    detector: ForensicDetector,
    name: str,
    images: Iterable[NamedImage],
    progress: Callable[[str, int], None] | None,
) -> Side:
    scores: list[float] = []
    unread: list[str] = []
    flagged = undecided = done = 0

    def look(batch: list[tuple[str, RgbImage]]) -> None:
        nonlocal flagged, undecided, done
        readings = detector.examine([pixels for _, pixels in batch])
        for (label, _), reading in zip(batch, readings, strict=True):
            if reading is None:
                unread.append(f"{label}: no reading")
                continue
            scores.append(reading.score)
            flagged += reading.fake
            undecided += reading.score == 0.5
        done += len(batch)
        if progress is not None:
            progress(name, done)

    waiting: list[tuple[str, RgbImage]] = []
    for image in images:
        try:
            waiting.append((image.name, decode_image(image.read()).pixels))
        except (BadInputError, StoreError) as error:
            unread.append(f"{image.name}: {error}")
        if len(waiting) == _BATCH:
            look(waiting)
            waiting = []
    if waiting:
        look(waiting)
    return Side(flagged, scores, undecided, unread)


def auc_interval(positive: Sequence[float], negative: Sequence[float], seed: int = 0) -> Interval:
    """Area under the ROC curve, ties counting half, with a percentile bootstrap interval over images of both sides."""
    first, second = np.asarray(positive, np.float64), np.asarray(negative, np.float64)
    rng = np.random.default_rng(seed)
    draws = [
        _auc(rng.choice(first, len(first)), rng.choice(second, len(second)))
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(_auc(first, second), float(low), float(high))


def _auc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")
    equal = np.searchsorted(ordered, positive, "right") - below
    return float((below + equal / 2).mean() / len(negative))


def as_json(found: FakeScore) -> dict[str, Any]:
    """For ``--json``."""
    return {
        "detector": found.detector,
        "version": found.version,
        "fake_score": list(found.edited.share) if found.edited.share else None,
        "edited": _side_json(found.edited),
        "untouched": _side_json(found.untouched) if found.untouched else None,
        "auc": list(found.auc) if found.auc else None,
    }


def _side_json(side: Side) -> dict[str, Any]:
    return {
        "flagged": side.flagged,
        "n_read": len(side.scores),
        "n": len(side.scores) + len(side.unread),
        "share": list(side.share) if side.share else None,
        "undecided": side.undecided,
        "unread": list(side.unread),
    }

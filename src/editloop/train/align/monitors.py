"""What reward hacking looks like before people see it: lost detail, grids, changes where none were asked, and a judge that disagrees.

The four pictures' figures need no model. The held-out monitor compares the reward that is trained on with a judge that is not:
when the first rises and the second falls, training stops or is pulled back to the reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from editloop.core.config import Config
from editloop.core.images import encode_jpeg
from editloop.models.roles import EditRequest, RgbImage

GRID_PERIODS: Final = (8, 16)
"""Pixels between the lines of the grids that patch-based decoders and networks leave behind."""
JPEG_QUALITY: Final = 90


def picture_figures(
    requests: Sequence[EditRequest], images: Sequence[RgbImage]
) -> dict[str, float]:
    """Means over the pictures.

    Returns:
        ``edge_energy`` (mean absolute difference of neighbouring grey levels, 0..255), ``jpeg_bits_per_pixel``,
        ``grid_8`` and ``grid_16`` (see `grid_energy`), and, where a request has a mask and sizes agree,
        ``unchanged_difference`` (mean absolute difference from the source outside it, 0..255).
    """
    figures: dict[str, float] = {
        "edge_energy": float(np.mean([edge_energy(image) for image in images])),
        "jpeg_bits_per_pixel": float(np.mean([jpeg_bits_per_pixel(image) for image in images])),
    }
    for period in GRID_PERIODS:
        figures[f"grid_{period}"] = float(np.mean([grid_energy(image, period) for image in images]))
    outside = [
        apart
        for request, image in zip(requests, images, strict=True)
        if (apart := unchanged_difference(request, image)) is not None
    ]
    if outside:
        figures["unchanged_difference"] = float(np.mean(outside))
    return figures


def edge_energy(image: RgbImage) -> float:
    """Mean absolute difference of horizontal and vertical neighbours, grey levels 0..255: falls with blur."""
    grey = _grey(image)
    down, right = np.abs(np.diff(grey, axis=0)), np.abs(np.diff(grey, axis=1))
    return float((down.sum() + right.sum()) / max(1, down.size + right.size))


def jpeg_bits_per_pixel(image: RgbImage) -> float:
    """Size as JPEG of quality 90: falls with lost detail, rises with noise."""
    height, width = image.shape[:2]
    return 8.0 * len(encode_jpeg(image, quality=JPEG_QUALITY)) / float(height * width)


def grid_energy(image: RgbImage, period: int) -> float:
    """Share of the edges' power that repeats every `period` pixels, in [0, 1].

    Absolute differences are summed along each axis; in the spectrum of that profile, the power at the harmonics of
    ``1 / period`` is set against all power but the mean. Edges without a pattern give about ``period / side``. A picture smaller
    than two periods gives 0.
    """
    grey = _grey(image)
    shares = []
    for axis in (0, 1):
        profile = np.abs(np.diff(grey, axis=axis)).sum(axis=1 - axis)
        profile = profile[: len(profile) // period * period]
        if len(profile) < 2 * period:
            continue
        power = np.abs(np.fft.rfft(profile - profile.mean())) ** 2
        harmonics = power[:: len(profile) // period][1:]
        shares.append(float(harmonics.sum() / power.sum()) if power.sum() > 1e-9 else 0.0)
    return float(np.mean(shares)) if shares else 0.0


def unchanged_difference(request: EditRequest, image: RgbImage) -> float | None:
    """Mean absolute difference from the source where nothing should change; None without a mask or at another size."""
    if request.mask is None or request.mask.all() or image.shape != request.image.shape:
        return None
    apart = np.abs(image.astype(np.int16) - request.image.astype(np.int16))
    return float(apart[~request.mask].mean())


class HeldOutConfig(Config):
    """When the held-out judge is asked, and what follows when it disagrees."""

    every: int = 10
    """Steps between two evaluations."""
    window: int = 3
    """Evaluations that must agree on the direction; the mean of this many is compared with the best before them."""
    tolerance: float = 0.02
    """Fall of the held-out mean that counts, as a share of its first absolute value."""
    action: Literal["stop", "raise_kl", "log"] = "raise_kl"
    kl_factor: float = 4.0
    """What the weight of the velocity KL is multiplied by; a weight of 0 becomes `kl_floor`."""
    kl_floor: float = 1e-3
    kl_raises: int = 3
    """After this many raises, a further disagreement stops training."""


@dataclass
class HeldOutMonitor:
    """Follows the reward trained on and the held-out score at the same steps."""

    config: HeldOutConfig
    steps: list[int] = field(default_factory=list)
    train: list[float] = field(default_factory=list)
    held_out: list[float] = field(default_factory=list)
    raises: int = 0
    judged_from: int = 0
    """Evaluations before this one are not looked at again: an alarm starts a new stretch."""

    def add(
        self, step: int, train: float, held_out: float
    ) -> Literal["none", "stop", "raise_kl", "log"]:
        """Take in one evaluation and say what should follow."""
        self.steps.append(step)
        self.train.append(train)
        self.held_out.append(held_out)
        if not self._disagrees():
            return "none"
        self.judged_from = len(self.steps) - 1
        if self.config.action != "raise_kl":
            return self.config.action
        self.raises += 1
        return "stop" if self.raises > self.config.kl_raises else "raise_kl"

    def as_json(self) -> dict[str, Any]:
        """The state that a checkpoint keeps."""
        return {
            "steps": list(self.steps),
            "train": list(self.train),
            "held_out": list(self.held_out),
            "raises": self.raises,
            "judged_from": self.judged_from,
        }

    @classmethod
    def from_json(cls, config: HeldOutConfig, state: dict[str, Any]) -> HeldOutMonitor:
        """What `as_json` gave."""
        return cls(config, **state)

    def _disagrees(self) -> bool:
        """Whether over the last `window` evaluations the reward rose above, and the held-out judge fell below, what they were.

        A reward that is not known (NaN) counts as risen.
        """
        window = self.config.window
        train, held_out = self.train[self.judged_from :], self.held_out[self.judged_from :]
        if len(train) < window + 1:
            return False
        before = int(np.argmax(held_out[:-window]))
        margin = self.config.tolerance * max(abs(self.held_out[0]), 1e-6)
        fell = np.mean(held_out[-window:]) < held_out[before] - margin
        rose = not np.mean(train[-window:]) <= train[before]
        return bool(fell and rose)


def score_figures(values: Sequence[float]) -> dict[str, float]:
    """Mean, standard deviation and quantiles of rewards; empty for none."""
    if not values:
        return {}
    array = np.asarray(values, dtype=np.float64)
    low, middle, high = np.quantile(array, [0.1, 0.5, 0.9]).tolist()
    return {
        "mean": float(array.mean()),
        "std": float(array.std()),
        "q10": low,
        "q50": middle,
        "q90": high,
    }


def _grey(image: RgbImage) -> NDArray[np.float64]:
    weights = np.array([0.299, 0.587, 0.114])
    grey: NDArray[np.float64] = image.astype(np.float64) @ weights
    return grey

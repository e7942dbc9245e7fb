"""A baseline without weights: camera noise is alike all over a photograph, and an edited region often has another.

The idea of Mahdian and Saic (Image and Vision Computing 27, 2009, doi 10.1016/j.imavis.2009.02.001): the noise level of each block
from the diagonal detail of a wavelet step, and how far the blocks disagree. How well it does is measured
(`benchmarks/forensic_baseline.py`): it finds smoothed or pasted regions in noisy pictures, and no better than guessing what a
generative tool changed in photographs that were saved as JPEG afterwards. It is the floor that a detector has to beat.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from editloop.models.roles import ForensicReading, ModelIdentity, RgbImage

BLOCK: Final = 16
"""Side of a block in the half-size detail picture: 32 pixels of the image."""
THRESHOLD: Final = 2.9
"""Above it an image counts as fake: the 95th percentile of 224 untouched photographs (`benchmarks/forensic_baseline.py`)."""
_GAUSS: Final = 0.6745
_LEAST: Final = 0.05
"""Floor of a block's noise in grey levels: flat blocks of a rendered picture have none."""


class NoiseInconsistency:
    """Spec ``embedded:noise``. `ForensicReading.score` is the spread of the blocks' log noise levels, 0 for none."""

    identity = ModelIdentity("embedded:noise", "1", "Apache-2.0")

    def examine(self, images: Sequence[RgbImage]) -> list[ForensicReading | None]:
        """None for an image that is too small to have four blocks."""
        return [self._one(image) for image in images]

    def _one(self, image: RgbImage) -> ForensicReading | None:
        levels = block_noise(image)
        if levels.size < 4:
            return None
        low, high = np.quantile(np.log(np.maximum(levels, _LEAST)), [0.25, 0.75])
        score = float(high - low) / 1.349
        text = f"noise of {levels.size} blocks, spread {score:.3f} (threshold {THRESHOLD})"
        return ForensicReading(score > THRESHOLD, score, text)


def block_noise(image: RgbImage) -> NDArray[np.float64]:
    """Noise level of every block in grey levels, from the Haar diagonal detail: median of its size over 0.6745."""
    grey = image.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    height, width = (side // 2 * 2 for side in grey.shape)
    grey = grey[:height, :width]
    detail = (grey[::2, ::2] - grey[::2, 1::2] - grey[1::2, ::2] + grey[1::2, 1::2]) / 2
    rows, columns = detail.shape[0] // BLOCK, detail.shape[1] // BLOCK
    cut = np.abs(detail[: rows * BLOCK, : columns * BLOCK])
    blocks = cut.reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3).reshape(-1, BLOCK * BLOCK)  # fmt: skip
    levels: NDArray[np.float64] = np.median(blocks, axis=1) / _GAUSS if len(blocks) else np.zeros(0)
    return levels

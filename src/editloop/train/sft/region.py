"""More loss where the edit is: a small edit is a few per cent of a picture, and as much of a plain mean.

UniWorld-V1 (arXiv 2506.03147) marks the changed pixels, cleans the mark, brings it to the latent's cells and weighs them by
log2(all cells / changed cells) + 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from editloop.core.errors import UsageError
from editloop.models.roles import Mask, RgbImage
from editloop.train.sft.config import RegionSettings


def changed_pixels(source: RgbImage, target: RgbImage, settings: RegionSettings) -> Mask:
    """The changed region of a pair of one size, with holes closed and small parts dropped; bool (h, w).

    Raises:
        UsageError: when the sizes differ.
    """
    if source.shape != target.shape:
        raise UsageError(
            f"source and target differ in size ({source.shape} and {target.shape}); set resize_px to weigh regions"
        )
    difference = np.abs(source.astype(np.int16) - target.astype(np.int16)).max(-1)
    return _large_parts(
        _closed(difference > settings.threshold, settings.closing_radius), settings.smallest_share
    )


def region_weights(
    sources: Sequence[RgbImage],
    targets: Sequence[RgbImage],
    latent_shape: tuple[int, ...],
    settings: RegionSettings,
) -> tuple[Tensor, Tensor]:
    """Weights that broadcast over latents, and which pairs are worth learning from.

    Args:
        sources: Pictures before the edit.
        targets: Pictures after it, of the same sizes.
        latent_shape: (channels, h, w), or (tokens, channels) with the tokens in rows of the picture.
        settings: Thresholds.

    Returns:
        float32 (n, 1, h, w) or (n, tokens, 1), 1 outside the edit; bool (n,), False where next to nothing changed.
    """
    weights, kept = [], []
    for source, target in zip(sources, targets, strict=True):
        mask = changed_pixels(source, target, settings)
        kept.append(bool(mask.mean() >= settings.reject_below))
        height, width = _grid(latent_shape, mask.shape)
        pixels = torch.from_numpy(mask).float()[None, None]
        weights.append(_cell_weights(F.adaptive_max_pool2d(pixels, (height, width)), settings))
    stacked = torch.cat(weights)
    if len(latent_shape) == 2:
        stacked = stacked.flatten(2).transpose(1, 2)
    return stacked, torch.tensor(kept)


def _cell_weights(cells: Tensor, settings: RegionSettings) -> Tensor:
    ratio = cells.numel() / max(1.0, float(cells.sum()))
    weight = math.log2(ratio) + 1 if settings.growth == "log" else 2 ** (math.sqrt(ratio) - 1)
    weights = torch.where(cells > 0, weight, 1.0)
    return weights / weights.mean() if settings.normalised else weights


def _grid(latent_shape: tuple[int, ...], size: tuple[int, ...]) -> tuple[int, int]:
    if len(latent_shape) == 3:
        return latent_shape[1], latent_shape[2]
    tokens, (height, width) = latent_shape[0], size
    rows = max(1, round(math.sqrt(tokens * height / width)))
    if tokens % rows:
        raise UsageError(
            f"{tokens} latent tokens do not lie on a grid of a {width} x {height} picture; use a size that divides evenly"
        )
    return rows, tokens // rows


def _closed(mask: Mask, radius: int) -> Mask:
    """Dilation, then erosion, by a square; nothing erodes from the picture's border."""
    pixels = torch.from_numpy(mask).float()[None, None]
    side = 2 * radius + 1
    grown = F.max_pool2d(pixels, side, stride=1, padding=radius)
    shrunk = -F.max_pool2d(-grown, side, stride=1, padding=radius)
    return (shrunk[0, 0] > 0).numpy()


def _large_parts(mask: Mask, smallest_share: float) -> Mask:
    labels = connected_parts(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    keep = sizes >= max(1.0, smallest_share * sizes.sum())
    kept: Mask = keep[labels]
    return kept


def connected_parts(mask: Mask) -> NDArray[np.int64]:
    """Numbers the 4-connected parts of a mask from 1 on, 0 outside; int64 (h, w).

    Runs of a row are joined with the runs they touch in the row above, by union-find: the cost grows with the number of
    runs, and nothing but NumPy is needed.
    """
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, starts = np.nonzero(edges == 1)
    stops = np.nonzero(edges == -1)[1]
    parents = list(range(len(rows)))

    def root(run: int) -> int:
        while parents[run] != run:
            parents[run] = parents[parents[run]]
            run = parents[run]
        return run

    above = 0
    for run in range(len(rows)):
        while above < run and (
            rows[above] < rows[run] - 1
            or (rows[above] == rows[run] - 1 and stops[above] <= starts[run])
        ):
            above += 1
        other = above
        while other < run and rows[other] == rows[run] - 1 and starts[other] < stops[run]:
            parents[root(other)] = root(run)
            other += 1
    labels = np.zeros(mask.shape, np.int64)
    numbers: dict[int, int] = {}
    for run, (row, start, stop) in enumerate(zip(rows, starts, stops, strict=True)):
        labels[row, start:stop] = numbers.setdefault(root(run), len(numbers) + 1)
    return labels

"""Pictures of what a run is drawing: a row a group, the source first, then results with their rewards."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from editloop.models.roles import RgbImage
from editloop.train.align.rewarding import Rewarder, ScoredGroup

TILE_PX = 128
TEXT_PX = 18
MOST_RESULTS = 8
_INK, _PAPER = "#23211d", "#f6f4ee"


def draw_sheet(groups: Sequence[ScoredGroup], rewarder: Rewarder, path: Path) -> Path:
    """Write a sheet as PNG; images beyond the first `MOST_RESULTS` of a group are left out."""
    rewards = rewarder.rewards([group.scores for group in groups])
    shown = min(MOST_RESULTS, max(len(group.scores) for group in groups))
    height = TILE_PX + 2 * TEXT_PX
    sheet = Image.new("RGB", ((shown + 1) * TILE_PX, len(groups) * height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    for row, group in enumerate(groups):
        case, top = group.trajectory.case, row * height
        draw.text((4, top + 2), case.request.instruction[:120], _INK, font)
        sheet.paste(_tile(case.request.image), (0, top + TEXT_PX))
        draw.text((4, top + TEXT_PX + TILE_PX), "source", _INK, font)
        for column, image in enumerate(group.trajectory.images[:shown]):
            left, reward = (column + 1) * TILE_PX, rewards[row, column]
            sheet.paste(_tile(image), (left, top + TEXT_PX))
            text = f"{reward:.3f}" if np.isfinite(reward) else "unscored"
            draw.text((left + 4, top + TEXT_PX + TILE_PX), text, _INK, font)
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())
    return path


def _tile(image: RgbImage) -> Image.Image:
    """Small pictures keep hard pixels, large ones are averaged."""
    small = max(image.shape[:2]) < TILE_PX
    filter_ = Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
    return Image.fromarray(np.ascontiguousarray(image)).resize((TILE_PX - 4, TILE_PX - 4), filter_)

"""Ratings that a tiny model can learn: the lighter the edited picture, the better people like it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from editloop.core.images import encode_png


def write_ratings(folder: Path, photographs: int = 20, **changes: object) -> Path:
    """One edit a photograph, three raters on a scale of 1 to 5, as `editloop rate` exports them."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(photographs):
        score = 1 + number % 5
        for name, tone in (("source", 8 * number), ("edited", 50 * score + number % 3)):
            picture = np.full((28, 28, 3), tone, np.uint8)
            picture[:4, :4] = number
            (folder / f"{name}{number}.png").write_bytes(encode_png(picture))
        lines.append(
            {
                "uid": f"e{number}",
                "instruction": "make it brighter",
                "source": f"source{number}.png",
                "edited": f"edited{number}.png",
                "scale": [1, 5],
                "ratings": [{"rater": name, "overall": score} for name in "abc"],
            }
            | changes
        )
    path = folder / "ratings.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path

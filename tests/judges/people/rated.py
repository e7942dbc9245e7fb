"""Small files of rated edits, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tests.judges.pictures import textured

from editloop.core.images import encode_png


def write_rated(folder: Path, count: int = 6, raters: int = 3) -> Path:
    """`count` edits of a meadow: a red square of growing size, liked the better the larger it is."""
    folder.mkdir(parents=True, exist_ok=True)
    meadow = textured()[:96, :96]
    (folder / "source.png").write_bytes(encode_png(meadow))
    lines = []
    for number in range(count):
        edited = meadow.copy()
        edited[20 : 24 + 8 * number, 20 : 24 + 8 * number] = (200, 30, 30)
        (folder / f"edited{number}.png").write_bytes(encode_png(edited))
        lines.append(
            {
                "uid": f"e{number}",
                "img_id": number // 2,
                "instruction": "add a red box",
                "source": "source.png",
                "edited": f"edited{number}.png",
                "kind": "addition",
                "ratings": [
                    {"rater": f"r{r}", "overall": min(10, number + r), "quality": 10 - number}
                    for r in range(raters)
                ],
            }
        )
    path = folder / "ratings.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def noise(seed: int, n: int) -> np.ndarray:
    """Standard normal numbers."""
    return np.random.default_rng(seed).normal(size=n)

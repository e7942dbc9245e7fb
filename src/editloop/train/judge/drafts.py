"""The drafts that go with the cases of a pool, drawn once and kept on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from editloop.core.ids import content_id
from editloop.models.storybook.judge_draft import draft_version, packaged_drafter
from editloop.train.judge.pool import Pool


def pool_drafts(pool: Pool, folder: Path) -> NDArray[np.uint8]:
    """What the packaged editor drafts for each case, uint8 (cases, h, w, 3), from `folder` where it was drawn before."""
    path = folder / f"drafts-{draft_version()}-{content_id(pool.case_ids)[:12]}.npy"
    if path.exists():
        return np.asarray(np.load(path, allow_pickle=False))
    references = [
        picture if given else None
        for picture, given in zip(pool.references, pool.has_reference.tolist(), strict=True)
    ]
    drawn = np.stack(
        packaged_drafter().drafts(list(pool.sources), pool.instructions, references, pool.contexts)
    )
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npy")
    np.save(part, drawn)
    part.replace(path)
    return drawn

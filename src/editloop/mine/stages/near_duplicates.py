"""Near-duplicates by perceptual hash: of each group of look-alikes the best photograph stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from editloop.engine.stage import Dropped, Kept, Scope, Stage, StageConfig
from editloop.mine.scene import Photo


class NearDuplicatesConfig(StageConfig):
    """How alike is too alike."""

    max_distance: int = 6
    """Bits of 64 that may differ between near-duplicates."""


class NearDuplicates(Stage[Photo, Photo, NearDuplicatesConfig]):
    """Compares every pair of photographs (64-bit hashes: 10,000 photographs take about a second)."""

    name: ClassVar[str] = "near_duplicates"
    version: ClassVar[str] = "1"
    scope: ClassVar[Scope] = Scope.ALL
    input = Photo
    output = Photo
    reasons: tuple[str, ...] = ("near_duplicate",)

    def run(self, records: Sequence[Photo]) -> Sequence[Kept[Photo] | Dropped]:
        """Best quality first; a photograph stays unless it is close to one that stayed."""
        import numpy as np

        order = sorted(range(len(records)), key=lambda i: (-records[i].quality, records[i].id))
        hashes = np.array([int(r.phash, 16) for r in records], dtype=np.uint64)
        kept: list[int] = []
        outcomes: dict[int, Kept[Photo] | Dropped] = {}
        for index in order:
            distances = np.bitwise_count(hashes[kept] ^ hashes[index])
            near = int(distances.argmin()) if kept else -1
            if kept and distances[near] <= self.config.max_distance:
                twin = records[kept[near]]
                outcomes[index] = Dropped(
                    "near_duplicate",
                    f"looks like {twin.origin.name}",
                    {"distance": float(distances[near])},
                )
            else:
                kept.append(index)
                outcomes[index] = Kept((records[index],))
        return [outcomes[i] for i in range(len(records))]

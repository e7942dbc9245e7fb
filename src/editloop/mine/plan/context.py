"""What every planner may look at: all scenes, the donors and backgrounds they offer, and seeded choices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

from editloop.mine.plan.candidates import is_donor
from editloop.mine.scene import Donor, Region, Scene

T = TypeVar("T")


@dataclass(frozen=True)
class PlanContext:
    """The whole corpus as a planner sees it."""

    run_seed: int
    scenes: Sequence[Scene]
    cutouts: tuple[Donor, ...] = field(default=())
    views: tuple[tuple[str, Donor], ...] = field(default=())

    @classmethod
    def of(cls, scenes: Sequence[Scene], run_seed: int) -> PlanContext:
        """Collect the donors of all scenes."""
        cutouts = tuple(_cutout(s, r) for s in scenes for r in s.regions if is_donor(r))
        views = tuple(
            (s.view, Donor(photo_id=s.id, origin=s.photo.origin, image=s.photo.image))
            for s in scenes
            if s.view
        )
        return cls(run_seed=run_seed, scenes=scenes, cutouts=cutouts, views=views)

    def ranked(self, items: Iterable[T], *words: str, key: str = "") -> list[T]:
        """`items` in an order drawn from the run seed and `words`.

        Each item's place depends on itself alone (rendezvous hashing), so one more photograph in the corpus leaves the
        order of the others, and with it most tasks, as they were.
        """

        def draw(item: T) -> str:
            name = getattr(item, key) if key else item
            text = "\x1f".join([str(self.run_seed), *words, str(name)])
            return sha256(text.encode()).hexdigest()

        return sorted(items, key=draw)

    def others(self, scene: Scene, *words: str) -> list[Donor]:
        """Cut-outs from other photographs, in seeded order."""
        return self.ranked(
            (d for d in self.cutouts if d.photo_id != scene.id), scene.id, *words, key="photo_id"
        )


def _cutout(scene: Scene, region: Region) -> Donor:
    return Donor(
        photo_id=scene.id,
        origin=scene.photo.origin,
        image=scene.photo.image,
        matte=region.matte,
        box=region.box,
        label=region.label,
        category=region.category,
    )

"""From facts to cases: every instruction that a photograph allows, and a choice that is even over photographs and categories."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from editloop.bench.building.facts import PhotoFacts, Thing, apart
from editloop.core.seeds import derive_seed, generator
from editloop.records.taxonomy import EditType

TEXTURE: Final = "texture"
"""Real-Edit's type of its own; the other kinds are edit types."""
ANIMALS: Final = frozenset(
    {"bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"}
)
WHOLE: Final = frozenset({EditType.STYLE, EditType.TONE, EditType.RELIGHT, EditType.ADD})
"""Kinds that need no object."""
CLEAR_SCENE: Final = 3
"""Most objects in a photograph that something is added to (ImgEdit-Bench adds to clean scenes)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One instruction on one photograph; `category` is the object it speaks of, or the photograph's own."""

    photo: PhotoFacts
    kind: str
    category: str
    instruction: str


def candidates(photo: PhotoFacts, kind: str, seed: int) -> Iterator[Candidate]:
    """Every instruction of one kind that `photo` allows, words drawn by the seed."""
    if kind in WHOLE:
        if kind != EditType.ADD or photo.crowd <= CLEAR_SCENE:
            yield _candidate(photo, kind, photo.category, seed)
        return
    if kind == EditType.COMPOSE:
        for first, second in _pairs(photo.things):
            yield _candidate(photo, kind, first.label, seed, first, second)
        return
    for thing in photo.things:
        if kind == EditType.ACTION and thing.label not in ANIMALS | {"person"}:
            continue
        if kind in (EditType.ADJUST, TEXTURE) and thing.label in ANIMALS | {"person"}:
            continue
        if kind in (EditType.BACKGROUND, EditType.BOKEH) and thing is not photo.things[0]:
            continue
        yield _candidate(photo, kind, thing.label, seed, thing)


def choose(
    photos: Sequence[PhotoFacts], quotas: Mapping[str, int], seed: int = 0
) -> tuple[list[Candidate], dict[str, int]]:
    """Fill the quotas evenly: the rarest category and the photograph used least go first, ties in an order of the seed.

    Args:
        photos: To choose from.
        quotas: Kind -> cases wanted.
        seed: Of words and ties.

    Returns:
        The cases, and by how many each kind fell short.
    """
    used: Counter[str] = Counter()
    chosen: list[Candidate] = []
    short: dict[str, int] = {}
    for kind, quota in sorted(quotas.items(), key=lambda row: (row[0] in WHOLE, row[0])):
        pool = [one for photo in photos for one in candidates(photo, kind, seed)]
        order = {one: derive_seed(seed, kind, one.photo.name, one.instruction) for one in pool}
        taken: Counter[str] = Counter()
        here: Counter[str] = Counter()

        def rank(
            one: Candidate,
            taken: Counter[str] = taken,
            here: Counter[str] = here,
            order: Mapping[Candidate, int] = order,
        ) -> tuple[int, int, int, int]:
            name = one.photo.name
            return here[name], taken[one.category], used[name], order[one]

        for _ in range(min(quota, len(pool))):
            best = min(pool, key=rank)
            pool.remove(best)
            taken[best.category] += 1
            here[best.photo.name] += 1
            used[best.photo.name] += 1
            chosen.append(best)
        if quota > taken.total():
            short[kind] = quota - taken.total()
    return chosen, short


def even_photos(photos: Sequence[PhotoFacts], count: int, seed: int = 0) -> list[PhotoFacts]:
    """`count` photographs, no category more often than it must be."""
    left = sorted(photos, key=lambda photo: derive_seed(seed, "photo", photo.name))
    taken: Counter[str] = Counter()
    found: list[PhotoFacts] = []
    for _ in range(min(count, len(left))):
        best = min(left, key=lambda photo: taken[photo.category])
        left.remove(best)
        taken[best.category] += 1
        found.append(best)
    return found


def _candidate(
    photo: PhotoFacts,
    kind: str,
    category: str,
    seed: int,
    thing: Thing | None = None,
    other: Thing | None = None,
) -> Candidate:
    rng = generator(seed, "words", photo.name, kind, category)
    table = _wordings()[kind]
    news = table.get("new", [""])
    if kind == EditType.ACTION and thing is not None:
        news = _wordings()["poses"]["person" if thing.label == "person" else "animal"]
    words = str(rng.choice(table["words"])).format(
        it=f"the {thing.label}" if thing else "",
        other=f"the {other.label}" if other else "",
        new=str(rng.choice(news)),
        side=photo.room,
    )
    return Candidate(photo, kind, category, words)


def _pairs(things: Sequence[Thing]) -> Iterator[tuple[Thing, Thing]]:
    for first in things:
        for second in things:
            living = second.label in ANIMALS | {"person"}
            if first is not second and not living and apart(first, second):
                yield first, second


@cache
def _wordings() -> dict[str, Any]:
    return tomllib.loads(
        files("editloop.bench.building").joinpath("wordings.toml").read_text("utf-8")
    )

"""What is in a photograph, as far as a benchmark's instructions need it: single named objects, and where there is room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from editloop.core.errors import BadInputError
from editloop.core.images import decode_image, hamming, perceptual_hash, read_image_file
from editloop.models.roles import Detection, Detector, RgbImage, Tagger

ENDINGS: Final = (".jpg", ".jpeg", ".png", ".webp")
LEAST_SCORE: Final = 0.5
LEAST_AREA: Final = 0.01
MOST_AREA: Final = 0.6
"""Of an object that is edited, as shares of the image (ImgEdit, arXiv 2505.20275)."""
ALIKE_BITS: Final = 6
SIDES: Final = ("left", "middle", "right")


@dataclass(frozen=True, slots=True)
class Thing:
    """An object that its label names without doubt: the only one of its kind."""

    label: str
    area: float
    box: tuple[float, float, float, float]
    """Left, top, right, bottom as shares of the image."""


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """What the models say of one photograph.

    Args:
        path: The file.
        name: Path inside its folder.
        things: Objects that may be edited, the largest first.
        crowd: Objects found in all, kinds that occur several times included.
        category: Label of the largest object, else the tagger's first class: what photographs are balanced by.
        room: Third of the image (left, middle, right) with the fewest objects in it.
    """

    path: Path
    name: str
    things: tuple[Thing, ...]
    crowd: int
    category: str
    room: str


def read_photos(
    folder: Path,
    detector: Detector,
    tagger: Tagger,
    *,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[PhotoFacts], Counter[str]]:
    """Facts of every photograph below `folder`, and why others were left out (reason -> count).

    Near-duplicates (perceptual hash) are left out: two cases on one scene count twice.
    """
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())[:limit]  # fmt: skip
    found: list[PhotoFacts] = []
    hashes: list[int] = []
    dropped: Counter[str] = Counter()
    for place, path in enumerate(paths):
        try:
            pixels = decode_image(read_image_file(path)).pixels
        except BadInputError as error:
            dropped[error.reason] += 1
            continue
        phash = perceptual_hash(pixels)
        if any(hamming(phash, other) <= ALIKE_BITS for other in hashes):
            dropped["near_duplicate"] += 1
            continue
        hashes.append(phash)
        found.append(facts_of(path, path.relative_to(folder).as_posix(), pixels, detector, tagger))
        if progress is not None:
            progress(place + 1, len(paths))
    return found, dropped


def facts_of(
    path: Path, name: str, pixels: RgbImage, detector: Detector, tagger: Tagger
) -> PhotoFacts:
    """What the models say of one photograph."""
    detections = detector.detect(pixels, threshold=LEAST_SCORE)
    height, width = pixels.shape[:2]
    things = single_things(detections, width, height)
    if things:
        category = things[0].label
    elif detections:
        category = Counter(d.label for d in detections).most_common(1)[0][0]
    else:
        category = tagger.tags([pixels], top=1)[0][0].label
    return PhotoFacts(path, name, things, len(detections), category, _room(detections, width))


def single_things(detections: Iterable[Detection], width: int, height: int) -> tuple[Thing, ...]:
    """Objects whose label occurs once and whose size an edit can handle."""
    rows = list(detections)
    counts = Counter(d.label for d in rows)
    found = [
        Thing(
            d.label,
            d.box.area / (width * height),
            (d.box.left / width, d.box.top / height, d.box.right / width, d.box.bottom / height),
        )
        for d in rows
        if counts[d.label] == 1
    ]
    fit = [thing for thing in found if LEAST_AREA < thing.area <= MOST_AREA]
    return tuple(sorted(fit, key=lambda thing: -thing.area))


def apart(first: Thing, second: Thing) -> bool:
    """Whether two boxes do not touch, so that two edits do not meet."""
    return (
        first.box[2] <= second.box[0]
        or second.box[2] <= first.box[0]
        or first.box[3] <= second.box[1]
        or second.box[3] <= first.box[1]
    )


def _room(detections: Sequence[Detection], width: int) -> str:
    counts = Counter(
        SIDES[min(2, int(3 * (d.box.left + d.box.right) / (2 * width)))] for d in detections
    )
    return min(SIDES, key=lambda side: counts[side])

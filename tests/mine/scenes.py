"""Small hand-made scenes."""

from __future__ import annotations

from typing import Any

from editloop.core.ids import sha256_hex
from editloop.mine.scene import ColourOption, Photo, Region, Scene
from editloop.models.nouns import category_of
from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Origin
from editloop.records.record import Box


def reference(name: str, width: int = 1000, height: int = 800) -> ImageRef:
    return ImageRef(sha256=sha256_hex(name.encode()), width=width, height=height)


def photo(name: str, **changes: Any) -> Photo:
    values: dict[str, Any] = {
        "id": name,
        "image": reference(name),
        "origin": Origin(name=name),
        "quality": 0.8,
        "sharpness": 0.3,
        "phash": f"{abs(hash(name)) % 2**64:016x}",
    }
    return Photo(**(values | changes))


def region(key: str = "r0", label: str = "car", **changes: Any) -> Region:
    values: dict[str, Any] = {
        "key": key,
        "label": label,
        "category": category_of(label) if label else "",
        "box": Box(left=100, top=300, right=400, bottom=600),
        "box_frac": 0.11,
        "mask_frac": 0.08,
        "score": 0.7,
        "similarity": 0.8,
        "salient": True,
        "matte": reference(f"matte of {key}"),
        "crispness": 0.95,
        "recolours": (ColourOption(colour="blue", share=0.6),),
    }
    return Region(**(values | changes))


def scene(name: str, *regions: Region, **changes: Any) -> Scene:
    values: dict[str, Any] = {
        "id": name,
        "photo": photo(name),
        "regions": regions,
        "tones": ("sepia", "golden_hour"),
        "styles": ("watercolour", "pencil_sketch"),
    }
    return Scene(**(values | changes))

"""What the look-alike search finds and what it mistakes, on photographs of your own.

    python benchmarks/look_alikes.py PHOTOS --limit 80

Every photograph is changed in ways that copies on the web are changed; a pair of a photograph and its changed copy should be
found, a pair of two different photographs should not. The table gives both shares with Wilson intervals for several
thresholds of the 64-bit hash, and the same for cosines of the tagger's profile where its weights are there.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from editloop.bench.contamination import tag_profile
from editloop.core.errors import BadInputError, PrerequisiteError
from editloop.core.images import decode_image, perceptual_hash, read_image_file
from editloop.core.stats import wilson_interval
from editloop.models import load_model


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def cropped(picture: Image.Image, share: float) -> Image.Image:
    width, height = picture.size
    dx, dy = round(width * share), round(height * share)
    return picture.crop((dx, dy, width - dx, height - dy))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG 50": lambda p: jpeg(p, 50),
    "half the size": lambda p: p.resize((p.width // 2, p.height // 2)),
    "brighter by 20 %": lambda p: ImageEnhance.Brightness(p).enhance(1.2),
    "grey": lambda p: p.convert("L").convert("RGB"),
    "mirrored": lambda p: p.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "2 % cropped all round": lambda p: cropped(p, 0.02),
    "8 % cropped all round": lambda p: cropped(p, 0.08),
}
BITS = (4, 6, 8, 10, 12)
COSINES = (0.9, 0.95, 0.98, 0.99)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("photos", type=Path)
    options.add_argument("--limit", type=int, default=80)
    asked = options.parse_args()
    pictures = []
    for path in sorted(p for p in asked.photos.rglob("*") if p.is_file()):
        try:
            pictures.append(Image.fromarray(decode_image(read_image_file(path)).pixels))
        except BadInputError:
            continue
        if len(pictures) == asked.limit:
            break
    pixels = [np.asarray(p) for p in pictures]
    hashes = np.array([perceptual_hash(p) for p in pixels], np.uint64)
    mirrored = np.array([perceptual_hash(np.ascontiguousarray(p[:, ::-1])) for p in pixels], np.uint64)  # fmt: skip
    upper = np.triu_indices(len(pixels), 1)
    apart = np.minimum(
        np.bitwise_count(hashes[:, None] ^ hashes), np.bitwise_count(hashes[:, None] ^ mirrored)
    )[upper]
    print(f"{len(pixels)} photographs, {len(apart)} pairs of different ones\n")
    header = " | ".join(f"<= {bits} bits" for bits in BITS)
    print(f"| found | {header} |\n|---|{'---|' * len(BITS)}")
    changed = {name: [np.asarray(change(p)) for p in pictures] for name, change in CHANGES.items()}
    for name, copies in changed.items():
        near = np.array([perceptual_hash(p) for p in copies], np.uint64)
        distances = np.minimum(np.bitwise_count(near ^ hashes), np.bitwise_count(near ^ mirrored))
        print(f"| {name} | {' | '.join(share(distances <= bits) for bits in BITS)} |")
    print(f"| different photographs | {' | '.join(share(apart <= bits) for bits in BITS)} |")
    try:
        embed = tag_profile(load_model("tagger", "embedded:conse"))
        vectors = embed(pixels)
    except PrerequisiteError as error:
        print(f"\nno tagger: {error}")
        return
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    print(
        f"\n| found | {' | '.join(f'cosine >= {c}' for c in COSINES)} |\n|---|{'---|' * len(COSINES)}"
    )
    for name, copies in changed.items():
        near = embed(copies)
        cosines = (near / np.linalg.norm(near, axis=1, keepdims=True) * vectors).sum(axis=1)
        print(f"| {name} | {' | '.join(share(cosines >= c) for c in COSINES)} |")
    others = (vectors @ vectors.T)[upper]
    print(f"| different photographs | {' | '.join(share(others >= c) for c in COSINES)} |")


def share(hits: np.ndarray) -> str:
    found = wilson_interval(int(hits.sum()), len(hits))
    return f"{100 * found.value:.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}]"


if __name__ == "__main__":
    main()

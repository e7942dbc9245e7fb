"""Does a training set hold images of a benchmark? Look-alikes by perceptual hash, and by what a tagger sees in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError, StoreError, UsageError
from editloop.core.images import decode_image, perceptual_hash
from editloop.core.stats import Interval, wilson_interval
from editloop.models.roles import RgbImage

MAX_DISTANCE: Final = 8
"""Bits of 64 that may differ: see `benchmarks/look_alikes.py` for what this finds and what it mistakes."""
MIN_SIMILARITY: Final = 0.98
"""Cosine of two embeddings from which on they count as alike."""
_BATCH: Final = 64


@dataclass(frozen=True, slots=True)
class NamedImage:
    """An image of a training set or benchmark, read when it is needed.

    Args:
        name: For people: key and part.
        words: The instruction that goes with it, for "same image, same words".
        read: Gives its encoded bytes.
    """

    name: str
    words: str
    read: Callable[[], bytes]


class Embed(Protocol):
    """Turns images into vectors."""

    def __call__(self, images: Sequence[RgbImage]) -> NDArray[np.float32]:
        """Shape (images, dimensions)."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A benchmark image and the training image that is most like it.

    `distance` counts differing bits of 64, mirrored images included; `similarity` is the embeddings' cosine.
    """

    bench: NamedImage
    train: NamedImage
    distance: int
    mirrored: bool
    similarity: float | None
    same_words: bool
    by: str
    """``hash``, ``embedding`` or both, joined by a plus."""


@dataclass(frozen=True, slots=True)
class Contamination:
    """What was compared and what was found, closest pairs first.

    `share` is the share of benchmark images with a look-alike by hash, with its Wilson interval.
    """

    bench_images: int
    train_images: int
    unreadable: Sequence[str]
    pairs: Sequence[Pair]
    share: Interval
    by_embedding: int
    embedding: str
    max_distance: int
    min_similarity: float


@dataclass(frozen=True, slots=True)
class Described:
    """Images as they are compared."""

    images: Sequence[NamedImage]
    hashes: NDArray[np.uint64]
    mirrored: NDArray[np.uint64]
    vectors: NDArray[np.float32] | None
    unreadable: Sequence[str]


def find_contamination(
    bench: Iterable[NamedImage],
    train: Iterable[NamedImage],
    *,
    embed: Embed | None = None,
    embedding: str = "",
    max_distance: int = MAX_DISTANCE,
    min_similarity: float = MIN_SIMILARITY,
    progress: Callable[[str, int], None] | None = None,
) -> Contamination:
    """Compare every benchmark image with every training image.

    Args:
        bench: Source images of the benchmark.
        train: Images of the training set.
        embed: For the second comparison; None leaves it out.
        embedding: Name and version of the embedder.
        max_distance: Bits of 64 that may differ.
        min_similarity: Cosine from which on images count as alike.
        progress: Told which side is read, and how many are done.

    Raises:
        UsageError: a side has no readable image.
    """
    ours = describe_images("benchmark", bench, embed, progress)
    theirs = describe_images("training set", train, embed, progress)
    pairs: dict[int, Pair] = {}
    for place in range(len(ours.images)):
        found = _best(ours, theirs, place, max_distance, min_similarity)
        if found is not None:
            pairs[place] = found
    ordered = sorted(pairs.values(), key=lambda p: (p.distance, -(p.similarity or 0), p.bench.name))
    hit = sum("hash" in pair.by for pair in ordered)
    return Contamination(
        bench_images=len(ours.images),
        train_images=len(theirs.images),
        unreadable=[*ours.unreadable, *theirs.unreadable],
        pairs=ordered,
        share=wilson_interval(hit, len(ours.images)),
        by_embedding=sum("embedding" in pair.by for pair in ordered),
        embedding=embedding if embed is not None else "",
        max_distance=max_distance,
        min_similarity=min_similarity,
    )


def describe_images(
    side: str,
    images: Iterable[NamedImage],
    embed: Embed | None,
    progress: Callable[[str, int], None] | None = None,
) -> Described:
    """Hashes, hashes of the mirrored image, and embeddings; pixels are never kept.

    Raises:
        UsageError: none can be read.
    """
    kept: list[NamedImage] = []
    hashes: list[int] = []
    mirrored: list[int] = []
    vectors: list[NDArray[np.float32]] = []
    unreadable: list[str] = []
    waiting: list[RgbImage] = []
    for image in images:
        try:
            pixels = decode_image(image.read()).pixels
        except (BadInputError, StoreError) as error:
            unreadable.append(f"{image.name}: {error}")
            continue
        kept.append(image)
        hashes.append(perceptual_hash(pixels))
        mirrored.append(perceptual_hash(np.ascontiguousarray(pixels[:, ::-1])))
        if embed is not None:
            waiting.append(pixels)
            if len(waiting) == _BATCH:
                vectors.append(embed(waiting))
                waiting = []
        if progress is not None:
            progress(side, len(kept))
    if not kept:
        first = f"; the first: {unreadable[0]}" if unreadable else ""
        raise UsageError(f"the {side} has no image that can be read{first}")
    if embed is not None and waiting:
        vectors.append(embed(waiting))
    return Described(
        kept,
        np.array(hashes, np.uint64),
        np.array(mirrored, np.uint64),
        _unit(np.concatenate(vectors)) if vectors else None,
        unreadable,
    )


def _best(
    ours: Described, theirs: Described, place: int, max_distance: int, min_similarity: float
) -> Pair | None:
    plain = np.bitwise_count(theirs.hashes ^ ours.hashes[place])
    turned = np.bitwise_count(theirs.hashes ^ ours.mirrored[place])
    distances = np.minimum(plain, turned)
    near = int(distances.argmin())
    by = ["hash"] if distances[near] <= max_distance else []
    similarity = None
    if ours.vectors is not None and theirs.vectors is not None:
        cosines = theirs.vectors @ ours.vectors[place]
        if not by:
            near = int(cosines.argmax())
        similarity = float(cosines[near])
        if similarity >= min_similarity:
            by.append("embedding")
    if not by:
        return None
    first, second = ours.images[place], theirs.images[near]
    return Pair(
        first,
        second,
        int(distances[near]),
        bool(turned[near] < plain[near]),
        similarity,
        bool(first.words) and _plain(first.words) == _plain(second.words),
        "+".join(by),
    )


def tag_profile(tagger: Any) -> Embed:
    """Embeddings from a tagger: square roots of class probabilities, whose cosine is the overlap of two distributions."""

    def embed(images: Sequence[RgbImage]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = np.sqrt(tagger.probabilities(images))
        return found

    return embed


def as_json(found: Contamination) -> dict[str, Any]:
    """For ``--json``."""
    return {
        "bench_images": found.bench_images,
        "train_images": found.train_images,
        "alike_by_hash": round(found.share.value * found.bench_images),
        "share": list(found.share),
        "alike_by_embedding": found.by_embedding,
        "embedding": found.embedding or None,
        "max_distance": found.max_distance,
        "min_similarity": found.min_similarity,
        "pairs": [
            {
                "bench": pair.bench.name,
                "train": pair.train.name,
                "distance": pair.distance,
                "mirrored": pair.mirrored,
                "similarity": pair.similarity,
                "same_words": pair.same_words,
                "by": pair.by,
            }
            for pair in found.pairs
        ],
        "unreadable": list(found.unreadable),
    }


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


def _plain(words: str) -> str:
    return " ".join(words.lower().strip(" .!").split())

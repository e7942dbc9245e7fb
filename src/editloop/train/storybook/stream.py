"""The base editor's training data: an endless, seeded stream of deliberately imperfect triplets.

InstructPix2Pix and the open editors after it were trained on machine-made triplets of which a good part is wrong. The stream
imitates that with the world's corruptors, so that filtering, reward conditions and alignment have something to win.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset

from editloop.core.seeds import derive_seed
from editloop.models.roles import RgbImage
from editloop.models.storybook.pipeline import blank_image
from editloop.models.storybook.text import with_context
from editloop.world.cases import Case
from editloop.world.imperfect import FLAW_SHARES, imperfect_target
from editloop.world.render import render
from editloop.world.sampling import describe, sample_case, sample_scene

IMAGE_SIZE = 32
DRAWING_SHARE = 0.12
"""Share of text-to-image samples in the stream, in the long run."""
FIRST_DRAWING_SHARE = 0.7
"""At the beginning: a drawing teaches up to four objects at once, an edit one, and big editors draw before they edit, too."""
REFERENCE_SIZE = IMAGE_SIZE


class Triplet(NamedTuple):
    """One training sample; `flaw` is None for a right edit, `case` for a drawing."""

    source: RgbImage
    reference: RgbImage
    target: RgbImage
    text: str
    flaw: str | None
    case: Case | None


def reference_picture(case: Case) -> RgbImage:
    """What a `visual` instruction refers to, or the blank picture."""
    if case.references:
        return render(case.references[0], REFERENCE_SIZE)
    return blank_image(REFERENCE_SIZE)


def imperfect_edit(rng: np.random.Generator, shares: Mapping[str, float] = FLAW_SHARES) -> Triplet:
    """An editing triplet that carries a flaw with the probabilities of `shares`."""
    case = sample_case(rng)
    return _triplet(case, *imperfect_target(case, rng, IMAGE_SIZE, shares))


def right_edit(rng: np.random.Generator) -> Triplet:
    """An editing triplet without a flaw."""
    case = sample_case(rng)
    return _triplet(case, render(case.target, IMAGE_SIZE), None)


def _triplet(case: Case, target: RgbImage, flaw: str | None) -> Triplet:
    text = with_context(case.instruction, case.context)
    source = render(case.source, IMAGE_SIZE)
    return Triplet(source, reference_picture(case), target, text, flaw, case)


def drawing(rng: np.random.Generator) -> Triplet:
    """A text-to-image sample: nothing, a description, the picture."""
    scene = sample_scene(rng)
    blank = blank_image(IMAGE_SIZE)
    picture = render(scene, IMAGE_SIZE)
    return Triplet(blank, blank, picture, describe(scene, rng), None, None)


def drawing_share(index: int, lessons: int) -> float:
    """Share of drawings in batch number `index`: falls to its final value over the first `lessons` batches."""
    left = max(0.0, 1 - index / lessons) if lessons else 0.0
    return DRAWING_SHARE + (FIRST_DRAWING_SHARE - DRAWING_SHARE) * left


def batch_of(
    seed: int, index: int, size: int, lessons: int = 0, flawed_from: int = 0
) -> list[Triplet]:
    """Batch number `index` of the stream, the same wherever and whenever it is made.

    Edits carry flaws from batch `flawed_from` on; `lessons` as `drawing_share`.
    """
    rng = np.random.default_rng(derive_seed(seed, "storybook-base", index))
    share = drawing_share(index, lessons)
    edit = imperfect_edit if index >= flawed_from else right_edit
    return [drawing(rng) if rng.random() < share else edit(rng) for _ in range(size)]


class TripletBatches(IterableDataset[tuple[NDArray[np.uint8], list[str]]]):
    """Batches from number `start` on, for a `DataLoader`; pixels are (batch, 3, h, w, 3): source, reference, target."""

    def __init__(
        self,
        seed: int,
        batch_size: int,
        start: int,
        stop: int,
        lessons: int = 0,
        flawed_from: int = 0,
    ) -> None:
        self.seed, self.batch_size, self.start, self.stop = seed, batch_size, start, stop
        self.lessons, self.flawed_from = lessons, flawed_from

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], list[str]]]:
        worker = torch.utils.data.get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for index in range(self.start + first, self.stop, step):
            batch = batch_of(self.seed, index, self.batch_size, self.lessons, self.flawed_from)
            pixels = np.stack([np.stack([t.source, t.reference, t.target]) for t in batch])
            yield pixels, [triplet.text for triplet in batch]


def imperfect_triplets(
    seed: int, count: int, shares: Mapping[str, float] = FLAW_SHARES
) -> list[Triplet]:
    """Editing triplets as the stream has them, from a part of it that the base editor never saw."""
    rng = np.random.default_rng(derive_seed(seed, "imperfect-triplets"))
    return [imperfect_edit(rng, shares) for _ in range(count)]

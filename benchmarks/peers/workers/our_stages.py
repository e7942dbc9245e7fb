"""Stages of ours that do what the peers are asked to do, in a module that worker processes can import."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from editloop.core.ids import content_id, sha256_hex
from editloop.core.images import perceptual_hash
from editloop.core.seeds import generator
from editloop.engine import Dropped, Kept, Lane, RemoteStage, Scope, Stage, StageConfig
from editloop.records.image_ref import ImageRef
from peers.workers import kernels
from peers.workers import rows as work


class Picture(BaseModel):
    """A JPEG on disk, known by its bytes."""

    model_config = ConfigDict(frozen=True)

    id: str
    path: str


class SmallPicture(Picture):
    """With its perceptual hash and the small version."""

    hash: int
    small: ImageRef


class ShrinkConfig(StageConfig):
    """Which set of kernels."""

    kernel: str


class Shrink(Stage[Picture, SmallPicture, ShrinkConfig]):
    """Decode, resize, hash, encode and store, in threads."""

    name = "shrink"
    version = "1"
    lane = Lane.THREAD
    batch_size = 16
    input = Picture
    output = SmallPicture

    def run(self, records: Sequence[Picture]) -> list[Kept[SmallPicture] | Dropped]:
        """One small picture for each."""
        return [Kept((self._shrink(record),)) for record in records]

    def _shrink(self, record: Picture) -> SmallPicture:
        made = kernels.KERNELS[self.config.kernel](kernels.read(record.path))
        small = self.context.save_bytes(made.jpeg, kernels.SIDE, kernels.SIDE, "image/jpeg")
        return SmallPicture(id=record.id, path=record.path, hash=made.hash, small=small)


class ShrinkInProcess(Shrink):
    """The same in worker processes."""

    name = "shrink_process"
    lane = Lane.PROCESS


class Inspect(Stage[SmallPicture, SmallPicture, StageConfig]):
    """Lets through what is not a single flat colour."""

    name = "inspect"
    version = "1"
    input = SmallPicture
    output = SmallPicture
    reasons = ("flat",)

    def run(self, records: Sequence[SmallPicture]) -> list[Kept[SmallPicture] | Dropped]:
        """Kept unchanged, or dropped."""
        return [Kept((record,)) if record.hash else Dropped("flat") for record in records]


LANES: dict[str, type[Shrink]] = {"thread": Shrink, "process": ShrinkInProcess}


def pictures(folder: str) -> Iterator[Picture]:
    """The JPEGs of a folder."""
    for path in kernels.paths(folder):
        yield Picture(id=content_id("picture", sha256_hex(kernels.read(path))), path=path)


class Item(BaseModel):
    """A numbered row."""

    model_config = ConfigDict(frozen=True)

    id: str
    number: int


def items(count: int) -> Iterator[Item]:
    """`count` numbered rows."""
    for number in range(count):
        yield Item(id=content_id("item", number), number=number)


class Call(RemoteStage[Item, Item, StageConfig]):
    """Waits as a model call would, two at a time, and leaves a line in the log."""

    name = "call"
    version = "1"
    input = Item
    output = Item
    concurrency = 2

    async def call(self, record: Item) -> Kept[Item] | Dropped:
        """The row unchanged."""
        work.note(record.number)
        await asyncio.sleep(float(os.environ["CALL_SECONDS"]))
        return Kept((record,))


class Swallow(Stage[Item, Item, StageConfig]):
    """Raises on every hundredth row."""

    name = "swallow"
    version = "1"
    input = Item
    output = Item

    def run(self, records: Sequence[Item]) -> list[Kept[Item] | Dropped]:
        """The rows unchanged.

        Raises:
            ValueError: on a poisoned row.
        """
        for record in records:
            work.swallow(record.number)
        return [Kept((record,)) for record in records]


class Sketch(Item):
    """A small picture of a number."""

    picture: ImageRef
    hash: str = ""


class Draw(Stage[Item, Sketch, StageConfig]):
    """Makes a picture of noise of 64 x 64 pixels."""

    name = "draw"
    version = "1"
    lane = Lane.THREAD
    input = Item
    output = Sketch

    def run(self, records: Sequence[Item]) -> list[Kept[Sketch] | Dropped]:
        """One picture for each."""
        return [Kept((self._draw(record),)) for record in records]

    def _draw(self, record: Item) -> Sketch:
        random = generator(self.context.run_seed, record.id, self.name)
        pixels = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        return Sketch(id=record.id, number=record.number, picture=self.context.save(pixels))


class HashSketch(Stage[Sketch, Sketch, StageConfig]):
    """Loads the picture and hashes it."""

    name = "hash"
    version = "1"
    lane = Lane.THREAD
    input = Sketch
    output = Sketch

    def run(self, records: Sequence[Sketch]) -> list[Kept[Sketch] | Dropped]:
        """With the hash."""
        return [Kept((self._hashed(record),)) for record in records]

    def _hashed(self, record: Sketch) -> Sketch:
        code = perceptual_hash(self.context.load(record.picture))
        return record.model_copy(update={"hash": f"{code:016x}"})


class NineInTen(Stage[Sketch, Sketch, StageConfig]):
    """Drops every tenth."""

    name = "nine_in_ten"
    version = "1"
    input = Sketch
    output = Sketch
    reasons = ("tenth",)

    def run(self, records: Sequence[Sketch]) -> list[Kept[Sketch] | Dropped]:
        """Kept unchanged, or dropped."""
        return [Dropped("tenth") if r.number % 10 == 0 else Kept((r,)) for r in records]


class Halve(Stage[Sketch, Sketch, StageConfig]):
    """Stores the picture again at half the size, in a worker process."""

    name = "halve"
    version = "1"
    lane = Lane.PROCESS
    input = Sketch
    output = Sketch

    def run(self, records: Sequence[Sketch]) -> list[Kept[Sketch] | Dropped]:
        """With the smaller picture."""
        return [Kept((self._halved(record),)) for record in records]

    def _halved(self, record: Sketch) -> Sketch:
        small = np.ascontiguousarray(self.context.load(record.picture)[::2, ::2])
        return record.model_copy(update={"picture": self.context.save(small)})


class Distinct(Stage[Sketch, Sketch, StageConfig]):
    """Looks at all records at once, as the search for near-duplicates does."""

    name = "distinct"
    version = "1"
    scope = Scope.ALL
    input = Sketch
    output = Sketch
    reasons = ("same_hash",)

    def run(self, records: Sequence[Sketch]) -> list[Kept[Sketch] | Dropped]:
        """The first of every hash."""
        firsts: dict[str, str] = {}
        for record in records:
            firsts.setdefault(record.hash, record.id)
        return [
            Kept((record,)) if firsts[record.hash] == record.id else Dropped("same_hash")
            for record in records
        ]


class Number(Stage[Sketch, Sketch, StageConfig]):
    """Passes everything on."""

    name = "number"
    version = "1"
    input = Sketch
    output = Sketch

    def run(self, records: Sequence[Sketch]) -> list[Kept[Sketch] | Dropped]:
        """Kept unchanged."""
        return [Kept((record,)) for record in records]


def sketching(*, whole: bool) -> list[Stage[Any, Any, Any]]:
    """Five stages over all local lanes; with `whole` the last one waits for every record."""
    config = StageConfig()
    last = Distinct(config) if whole else Number(config)
    return [Draw(config), HashSketch(config), NineInTen(config), Halve(config), last]

"""Small stages that the engine tests run, some of them in worker processes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from editloop.core.errors import ModelCallError
from editloop.core.ids import content_id
from editloop.core.seeds import generator
from editloop.engine.stage import (
    Dropped,
    Kept,
    Lane,
    RemoteStage,
    Scope,
    Stage,
    StageConfig,
)
from editloop.records.image_ref import ImageRef


class Word(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    text: str


class Drawing(Word):
    picture: ImageRef


class NoConfig(StageConfig):
    pass


class CallLog(StageConfig):
    """Where a stage writes down each record that it really worked on, and what it appends."""

    path: str = ""
    suffix: str = "!"


def pause() -> None:
    """Take the time that the environment says, which is no part of a stage's key."""
    time.sleep(float(os.environ.get("TOY_PAUSE_S", "0")))


def word(number: int) -> Word:
    return Word(id=content_id("word", number), text=f"word {number}")


def words(count: int) -> list[Word]:
    return [word(number) for number in range(count)]


def note(path: str, line: str) -> None:
    if path:
        with Path(path).open("a") as file:
            file.write(line + "\n")


def calls(path: Path) -> Counter[str]:
    return Counter(path.read_text().split("\n")[:-1]) if path.exists() else Counter()


class Shout(Stage[Word, Word, CallLog]):
    name = "shout"
    version = "1"
    input = Word
    output = Word

    def run(self, records: Sequence[Word]) -> list[Kept[Word] | Dropped]:
        for record in records:
            note(self.config.path, f"shout {record.text}")
            pause()
        return [
            Kept((r.model_copy(update={"text": r.text.upper() + self.config.suffix}),))
            for r in records
        ]


class ShoutInThread(Shout):
    name = "shout_thread"
    lane = Lane.THREAD
    batch_size = 4


class ShoutInProcess(Shout):
    name = "shout_process"
    lane = Lane.PROCESS
    batch_size = 4


class Leave(Stage[Word, Word, NoConfig]):
    """Leaves words alone, but for those that hold `changed`."""

    name = "leave"
    version = "1"
    input = Word
    output = Word
    changed = "nothing"

    def run(self, records: Sequence[Word]) -> list[Kept[Word] | Dropped]:
        return [
            Kept((r.model_copy(update={"text": r.text + "2"}),))
            if self.changed in r.text
            else Kept((r,))
            for r in records
        ]


class Even(Stage[Word, Word, NoConfig]):
    """Lets records with an even last digit pass untouched."""

    name = "even"
    version = "1"
    input = Word
    output = Word
    reasons = ("odd",)

    def run(self, records: Sequence[Word]) -> list[Kept[Word] | Dropped]:
        return [
            Kept((r,))
            if int("".join(filter(str.isdigit, r.text)) or 0) % 2 == 0
            else Dropped("odd", "not even", {"length": float(len(r.text))}, r)
            for r in records
        ]


class Twice(Stage[Word, Word, NoConfig]):
    name = "twice"
    version = "1"
    input = Word
    output = Word

    def run(self, records: Sequence[Word]) -> list[Kept[Word] | Dropped]:
        return [
            Kept(tuple(Word(id=content_id(r.id, n), text=f"{r.text} {n}") for n in "ab"))
            for r in records
        ]


class Poisoned(StageConfig):
    every: int = 100


class Poison(Stage[Word, Word, Poisoned]):
    """Raises on every n-th word."""

    name = "poison"
    version = "1"
    input = Word
    output = Word

    def run(self, records: Sequence[Word]) -> list[Kept[Word] | Dropped]:
        for record in records:
            if int(record.text.split()[1].rstrip("!")) % self.config.every == 0:
                raise RuntimeError(f"cannot swallow {record.text}")
        return [Kept((record,)) for record in records]


class Crash(Stage[Word, Word, Poisoned]):
    """Kills its own process on every n-th word."""

    name = "crash"
    version = "1"
    lane = Lane.PROCESS
    batch_size = 8
    input = Word
    output = Word

    def run(self, records: Sequence[Word]) -> list[Kept[Word] | Dropped]:
        for record in records:
            if int(record.text.split()[1]) % self.config.every == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return [Kept((record,)) for record in records]


class Draw(Stage[Word, Drawing, CallLog]):
    """Stores a small random picture for each word."""

    name = "draw"
    version = "1"
    lane = Lane.PROCESS
    batch_size = 4
    input = Word
    output = Drawing

    def run(self, records: Sequence[Word]) -> list[Kept[Drawing] | Dropped]:
        outcomes: list[Kept[Drawing] | Dropped] = []
        for record in records:
            note(self.config.path, f"draw {record.text}")
            pause()
            random = generator(self.context.run_seed, record.id, self.name)
            pixels = random.integers(0, 255, (24, 16, 3), dtype=np.uint8)
            drawing = Drawing(id=record.id, text=record.text, picture=self.context.save(pixels))
            outcomes.append(Kept((drawing,)))
        return outcomes


class DrawInline(Draw):
    name = "draw_inline"
    lane = Lane.INLINE


class Look(Stage[Drawing, Drawing, NoConfig]):
    """Reads the picture that an earlier stage stored."""

    name = "look"
    version = "1"
    lane = Lane.PROCESS
    batch_size = 4
    input = Drawing
    output = Drawing
    reasons = ("dark",)

    def run(self, records: Sequence[Drawing]) -> list[Kept[Drawing] | Dropped]:
        return [
            Kept((r,)) if self.context.load(r.picture).mean() > 10 else Dropped("dark")
            for r in records
        ]


class DrawnEven(Even):
    name = "drawn_even"
    input = Drawing
    output = Drawing


class FirstHalf(Stage[Word, Word, NoConfig]):
    """Keeps the half with the lower ids."""

    name = "first_half"
    version = "1"
    scope = Scope.ALL
    input = Word
    output = Word
    reasons = ("second_half",)

    def run(self, records: Sequence[Word]) -> list[Kept[Word] | Dropped]:
        middle = len(records) // 2
        return [Kept((r,)) if n < middle else Dropped("second_half") for n, r in enumerate(records)]


class Ask(RemoteStage[Word, Word, CallLog]):
    name = "ask"
    version = "1"
    concurrency = 16
    input = Word
    output = Word
    in_flight = 0
    peak = 0

    async def call(self, record: Word) -> Kept[Word] | Dropped:
        type(self).in_flight += 1
        type(self).peak = max(type(self).peak, self.in_flight)
        await asyncio.sleep(0.01)
        type(self).in_flight -= 1
        note(self.config.path, f"ask {record.text}")
        if record.text.endswith(" 13"):
            raise ModelCallError("the endpoint is unlucky")
        return Kept((record.model_copy(update={"text": record.text + "?"}),))


class Measured(Word):
    length: float


class NotFinite(Stage[Word, Measured, NoConfig]):
    name = "not_finite"
    version = "1"
    input = Word
    output = Measured

    def run(self, records: Sequence[Word]) -> list[Kept[Measured] | Dropped]:
        return [Kept((Measured(id=r.id, text=r.text, length=float("nan")),)) for r in records]


class Measure(Stage[Measured, Measured, NoConfig]):
    name = "measure"
    version = "1"
    input = Measured
    output = Measured

    def run(self, records: Sequence[Measured]) -> list[Kept[Measured] | Dropped]:
        return [Kept((record,)) for record in records]

"""distilabel's local pipeline. Its steps read annotations as objects, so they are not postponed here."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts, StepInput, step

from peers.workers import rows as work
from peers.workers.protocol import Clock, serve


@step(inputs=["text"], outputs=["text"])
def Tidy(inputs: StepInput) -> Any:  # noqa: N802 - the decorator makes a class of it
    yield [work.tidy(row) for row in inputs]


@step(inputs=["text"], outputs=["words"])
def Count(inputs: StepInput) -> Any:  # noqa: N802
    yield [work.count(row) for row in inputs]


@step(inputs=["text", "words"], outputs=["score"])
def Rate(inputs: StepInput) -> Any:  # noqa: N802
    yield [work.rate(row) for row in inputs]


@step(inputs=["number"], outputs=["done"])
def Swallow(inputs: StepInput) -> Any:  # noqa: N802
    for row in inputs:
        work.swallow(row["number"])
    yield [{**row, "done": True} for row in inputs]


@step(inputs=["number"], outputs=["done"])
def Call(inputs: StepInput) -> Any:  # noqa: N802
    for row in inputs:
        work.slow_call(row["number"])
    yield [{**row, "done": True} for row in inputs]


def rows(count: int, batch: int, scratch: str) -> dict[str, Any]:
    """The three stages in batches of a size."""
    made = work.make_rows(count)
    clock = Clock()
    with Pipeline("rows", cache_dir=Path(scratch, "cache")) as pipeline:
        load = LoadDataFromDicts(data=made, batch_size=batch)
        stages = [kind(input_batch_size=batch) for kind in (Tidy, Count, Rate)]
        load >> stages[0] >> stages[1] >> stages[2]
    data = pipeline.run(use_cache=False)["default"]["train"]
    seconds = clock.seconds()
    work.check(sum(data["score"]), count)
    return {"records": count, "seconds": seconds, "version": version("distilabel")}


def calls(count: int, scratch: str) -> dict[str, Any]:
    """Rows with a slow call each, on a cache that an earlier run may have begun."""
    numbers = [{"number": number} for number in range(count)]
    with Pipeline("calls", cache_dir=Path(scratch, "cache")) as pipeline:
        LoadDataFromDicts(data=numbers) >> Call(input_batch_size=50)
    data = pipeline.run(use_cache=True)["default"]["train"]
    return {"numbers": [int(number) for number in data["number"]], "digest": ""}


def poison(count: int, scratch: str) -> dict[str, Any]:
    """Rows of which every hundredth raises, in the default batches of 50."""
    numbers = [{"number": number} for number in range(count)]
    with Pipeline("poison", cache_dir=Path(scratch, "cache")) as pipeline:
        LoadDataFromDicts(data=numbers) >> Swallow()
    data = pipeline.run(use_cache=False)["default"]["train"]
    return {"good": sum(bool(done) for done in data["done"]), "explained": 0}


if __name__ == "__main__":
    serve(rows=rows, calls=calls, poison=poison)

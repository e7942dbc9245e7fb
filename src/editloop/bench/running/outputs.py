"""Outputs of a benchmark run as files in the official layout: looked for before judging, written after editing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from editloop.bench.running.coverage import Coverage, check_outputs, turn_key
from editloop.bench.running.items import BenchItem
from editloop.bench.running.request import BenchRequest
from editloop.core.errors import UsageError
from editloop.core.ids import sha256_hex
from editloop.engine import RunResult
from editloop.store.runs import write_atomically

Lost = dict[tuple[str, int], tuple[str, str]]
"""Key and run -> outcome and reason."""


def check_folders(request: BenchRequest, items: Sequence[BenchItem]) -> list[Coverage]:
    """What the folders of outputs hold, one a run.

    Raises:
        UsageError: something is missing and that was not allowed.
    """
    found = [
        check_outputs(folder, [item for item in items if item.run == run], request.images_folder)
        for run, folder in enumerate(request.outputs)
    ]
    gaps = [one for one in found if not one.complete]
    if gaps and not request.allow_missing:
        raise UsageError(
            "; ".join(one.sentence() for one in gaps)
            + ". No judge was asked. Complete or rename the outputs, or add --allow-missing to judge those that are there"
        )
    return found


def with_outputs(
    items: Sequence[BenchItem], coverage: Sequence[Coverage]
) -> tuple[list[BenchItem], Lost]:
    """The items all of whose outputs are there, and the others with what is wrong."""
    there: list[BenchItem] = []
    absent: Lost = {}
    for item in items:
        checked = coverage[item.run]
        keys = [turn_key(item, turn) for turn in range(1, len(item.outputs) + 1)]
        gap = next((key for key in keys if key not in checked.found), None)
        if gap is None:
            hashes = tuple(checked.found[key] for key in keys)
            there.append(item.model_copy(update={"output_sha256": hashes}))
        else:
            why = checked.damaged.get(gap, "no_output")
            absent[item.key, item.run] = ("absent", f"output: {why}")
    return there, absent


def write_outputs(
    request: BenchRequest,
    items: Sequence[BenchItem],
    edited: Sequence[BenchItem],
    result: RunResult,
) -> list[Coverage]:
    """The outputs in the official layout, so that published scripts can score them too; checked as a folder would be.

    Of a dialogue that ended early the turns before its end are written as well.
    """
    refused = [row.record for row in result.rejected() if isinstance(row.record, BenchItem)]
    for item in (*edited, *refused):
        _write(request, item, result)
    folders = [request.out / "outputs" / f"run-{run}" for run in range(request.passes)]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    return [
        replace(
            check_outputs(
                folder, [item for item in items if item.run == run], request.images_folder
            ),
            resized=_resized(item for item in edited if item.run == run),
        )
        for run, folder in enumerate(folders)
    ]


def _write(request: BenchRequest, item: BenchItem, result: RunResult) -> None:
    made = item.turn_images if item.turns else (item.edited,) if item.edited else ()
    for name, image in zip(item.outputs, made, strict=False):
        path = request.out / "outputs" / f"run-{item.run}" / name
        if not (path.is_file() and sha256_hex(path.read_bytes()) == image.sha256):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, result.image_bytes(image.sha256))


def _resized(edited: Iterable[BenchItem]) -> dict[str, str]:
    """Key -> the size that an endpoint returned, where the output has another."""
    found = {}
    for item in edited:
        came = tuple(int(item.facts.get(f"returned_{side}", 0)) for side in ("width", "height"))
        if item.edited and any(came) and came != (item.edited.width, item.edited.height):
            found[item.key] = f"{came[0]}x{came[1]} to {item.edited.width}x{item.edited.height}"
    return found

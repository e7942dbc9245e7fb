"""One case in one run, as it passes from source to edit to verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from editloop.bench.cases import BenchCase
from editloop.bench.tasks.base import IMAGE_ENDINGS
from editloop.core.errors import BadInputError
from editloop.core.ids import content_id, sha256_hex
from editloop.core.images import read_image_file
from editloop.records.image_ref import ImageRef
from editloop.records.verdict import Verdict

PLANS_FILE: Final = "storybook_cases.jsonl"
"""Beside the cases of a benchmark made from the storybook world: key -> the true scenes, for oracle and true-target editor."""


class BenchItem(BaseModel):
    """One case in one run.

    Args:
        id: Hash of the task, the case, the source's bytes and the run.
        key: Of the case.
        run: From 0; every run has seeds of its own.
        group: Edit type.
        instruction: What the editor is asked.
        image: Source, relative to the folder of images.
        source_sha256: Of the source's bytes.
        output: Name of the output in the official layout.
        output_sha256: Of its bytes, where a folder of outputs is scored; empty where an editor makes it.
        plan: The storybook case as JSON, where the benchmark has one; no judge but the oracle sees it.
        source: The source in the run folder.
        edited: The output in the run folder.
        facts: What the editor said of its work, for example the size that an endpoint returned.
        verdict: The judge's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    key: str
    run: int
    group: str
    instruction: str
    image: str
    source_sha256: str
    output: str
    output_sha256: str = ""
    plan: str = ""
    source: ImageRef | None = None
    edited: ImageRef | None = None
    facts: dict[str, float] = {}
    verdict: Verdict | None = None


def output_name(task: str, case: BenchCase) -> str:
    """Where the published scripts look for the output of a case, relative to the folder of one run."""
    if task == "gedit":
        return f"{case.group}/{case.language or 'en'}/{case.key.rpartition('/')[2]}.png"
    if task == "real-edit":
        image, _, place = case.key.rpartition("#")
        return f"{Path(image).stem}_{place}.png"
    return f"{case.key}.png"


def source_name(task: str, case: BenchCase, images: Path) -> str:
    """The source image of a case, relative to `images`.

    GEdit-Bench's rows hold pixels and no names; its script writes each source beside the output as ``KEY_SRCIMG.png``.
    """
    if task != "gedit":
        return case.image
    beside = Path(output_name(task, case))
    names = [
        f"{beside.with_suffix('')}_SRCIMG.png",
        *(f"{case.image}{ending}" for ending in ("", *IMAGE_ENDINGS)),
    ]
    return next((name for name in names if (images / name).is_file()), names[0])


def items_of(
    task: str,
    cases: Sequence[BenchCase],
    images: Path,
    runs: int,
    plans: Mapping[str, str],
) -> tuple[list[BenchItem], dict[str, str]]:
    """Every case in every run, and why a source cannot be used (key -> reason)."""
    hashes: dict[str, str] = {}
    problems: dict[str, str] = {}
    where = {case.key: source_name(task, case, images) for case in cases}
    for image in dict.fromkeys(where.values()):
        try:
            hashes[image] = sha256_hex(read_image_file(images / image)) if image else ""
        except BadInputError as error:
            problems[image] = error.reason
    items = [
        BenchItem(
            id=content_id("bench item", task, case.key, hashes[where[case.key]], run),
            key=case.key,
            run=run,
            group=case.group,
            instruction=" ".join(case.instructions),
            image=where[case.key],
            source_sha256=hashes[where[case.key]],
            output=output_name(task, case),
            plan=plans.get(case.key, ""),
        )
        for run in range(runs)
        for case in cases
        if hashes.get(where[case.key])
    ]
    reasons = {
        case.key: problems.get(where[case.key], "no_source_named")
        for case in cases
        if not hashes.get(where[case.key])
    }
    return items, reasons

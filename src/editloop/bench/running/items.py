"""One case in one run, as it passes from source to edit to verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from editloop.bench.cases import BenchCase
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
    verdict: Verdict | None = None


def output_name(task: str, case: BenchCase) -> str:
    """Where the published scripts look for the output of a case, relative to the folder of one run."""
    if task == "gedit":
        return f"{case.group}/{case.language or 'en'}/{case.key.rpartition('/')[2]}.png"
    if task == "real-edit":
        image, _, place = case.key.rpartition("#")
        return f"{Path(image).stem}_{place}.png"
    return f"{case.key}.png"


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
    for image in dict.fromkeys(case.image for case in cases):
        try:
            hashes[image] = sha256_hex(read_image_file(images / image)) if image else ""
        except BadInputError as error:
            problems[image] = error.reason
    items = [
        BenchItem(
            id=content_id("bench item", task, case.key, hashes[case.image], run),
            key=case.key,
            run=run,
            group=case.group,
            instruction=" ".join(case.instructions),
            image=case.image,
            source_sha256=hashes[case.image],
            output=output_name(task, case),
            plan=plans.get(case.key, ""),
        )
        for run in range(runs)
        for case in cases
        if hashes.get(case.image)
    ]
    reasons = {
        case.key: problems.get(case.image, "no_source_named")
        for case in cases
        if not hashes.get(case.image)
    }
    return items, reasons

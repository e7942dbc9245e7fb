"""One case in one run, as it passes from source to edit to verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
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


DIALOGUES: Final = "multi-turn"
"""The benchmark whose cases have several turns."""


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
        references: Images that the instruction refers to, relative to the folder of images.
        reference_sha256: Of their bytes.
        turns: Instructions of a dialogue, in order; empty for a single edit.
        outputs: Names of the outputs in the official layout, one a turn.
        output_sha256: Of their bytes, where a folder of outputs is scored; empty where an editor makes them.
        plans: The storybook case as JSON, one a turn, where the benchmark has them; no judge but the oracle sees them.
        source: The source in the run folder.
        reference_images: The references in the run folder.
        edited: The output in the run folder, of a dialogue that of the last turn.
        turn_images: The outputs of a dialogue, one for each turn that was made.
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
    references: tuple[str, ...] = ()
    reference_sha256: tuple[str, ...] = ()
    turns: tuple[str, ...] = ()
    outputs: tuple[str, ...]
    output_sha256: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    source: ImageRef | None = None
    reference_images: tuple[ImageRef, ...] = ()
    edited: ImageRef | None = None
    turn_images: tuple[ImageRef, ...] = ()
    facts: dict[str, float] = {}
    verdict: Verdict | None = None


def output_names(task: str, case: BenchCase) -> tuple[str, ...]:
    """The outputs of a case: one, or of a dialogue ``KEY_1.png``, ``KEY_2.png``, ... as the rating page looks for them."""
    if task == DIALOGUES:
        turns = range(1, len(case.instructions) + 1)
        return tuple(turn_name(case.key, turn) for turn in turns)
    return (output_name(task, case),)


def turn_name(key: str, turn: int) -> str:
    """The output of one turn of a dialogue, from 1."""
    return f"{key}_{turn}.png"


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
    plans: Mapping[str, tuple[str, ...]],
) -> tuple[list[BenchItem], dict[str, str]]:
    """Every case in every run, and why a source or reference cannot be used (key -> reason)."""
    sources = {case.key: source_name(task, case, images) for case in cases}
    hashes, problems = _hashes(
        images, [name for case in cases for name in (sources[case.key], *case.references)]
    )
    items, reasons = [], {}
    for case in cases:
        names = (sources[case.key], *case.references)
        if any(leaves_folder(name) for name in output_names(task, case)):
            reasons[case.key] = "unsafe_key"
            continue
        bad = next((name for name in names if name not in hashes), None)
        if bad is not None:
            which = "reference: " if bad != names[0] else ""
            reasons[case.key] = which + problems.get(bad, "no_source_named")
            continue
        found = tuple(hashes[name] for name in names)
        items += [
            _item(task, case, run, names, found, plans.get(case.key, ())) for run in range(runs)
        ]
    return sorted(items, key=lambda item: item.run), reasons


def _item(
    task: str,
    case: BenchCase,
    run: int,
    names: tuple[str, ...],
    hashes: tuple[str, ...],
    plans: tuple[str, ...],
) -> BenchItem:
    return BenchItem(
        id=content_id("bench item", task, case.key, *hashes, run),
        key=case.key,
        run=run,
        group=case.group,
        instruction=" ".join(case.instructions),
        image=names[0],
        source_sha256=hashes[0],
        references=names[1:],
        reference_sha256=hashes[1:],
        turns=case.instructions if task == DIALOGUES else (),
        outputs=output_names(task, case),
        plans=plans,
    )


def leaves_folder(name: str) -> bool:
    """Whether a file of this name would lie outside its folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts


def _hashes(images: Path, names: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Name -> SHA-256 of the files that can be read, and why the others cannot."""
    hashes, problems = {}, {}
    for name in dict.fromkeys(name for name in names if name):
        try:
            hashes[name] = sha256_hex(read_image_file(images / name))
        except BadInputError as error:
            problems[name] = error.reason
    return hashes, problems

"""What is to be run: options, cases and source images, looked at before anything is spent."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from editloop.bench.cases import BenchCase
from editloop.bench.replies import Replies
from editloop.bench.running.editors import shown_editor
from editloop.bench.running.items import DIALOGUES, PLANS_FILE, BenchItem, items_of
from editloop.bench.scoring import Scoring, cases_of
from editloop.bench.tasks import load_task
from editloop.bench.tasks.base import Request, Task
from editloop.core.errors import UsageError

PAPERS: Final = {"imgedit": "imgedit", "uge": "imgedit", "gedit": "gedit", "real-edit": "real_edit", "realpref": "hp_edit"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """What is to be run.

    Args:
        task: Name of the benchmark.
        cases: Official file of its cases.
        judge: Spec of the judge, or ``world:oracle``; empty for dialogues that people judge.
        out: Run folder; the same folder again goes on.
        editor: Spec of the editor; empty where `outputs` are given.
        outputs: A folder of images in the official layout for each run.
        images: Folder of the source images; that of the cases by default.
        runs: How often every case is edited, each time with other seeds.
        seed: Of all seeds.
        limit: Take about so many cases, evenly over the groups.
        allow_missing: Judge what is there although outputs are missing.
        editor_name: Name in tables.
        scoring: How replies are read.
        protocols: Protocols to read replies by.
        workers: Threads and processes.
    """

    task: str
    cases: Path
    judge: str
    out: Path
    editor: str = ""
    outputs: tuple[Path, ...] = ()
    images: Path | None = None
    runs: int = 1
    seed: int = 0
    limit: int | None = None
    allow_missing: bool = False
    editor_name: str = ""
    scoring: Scoring = field(default_factory=Scoring)
    protocols: tuple[str, ...] = ("robust", "official")
    workers: int | None = None

    @property
    def passes(self) -> int:
        """Runs in all: the folders of outputs, or the runs asked for."""
        return len(self.outputs) or self.runs

    @property
    def paper(self) -> str:
        """Whose names of edit types the benchmark uses."""
        return PAPERS.get(self.task, "imgedit")

    @property
    def images_folder(self) -> Path:
        """Where sources lie."""
        if self.images is not None:
            return self.images
        return self.cases.resolve() if self.cases.is_dir() else self.cases.resolve().parent

    @property
    def name(self) -> str:
        """Of the editor in tables."""
        return self.editor_name or shown_editor(self.editor) or self.outputs[0].name


def prepare(
    request: BenchRequest,
) -> tuple[Task, list[BenchCase], list[BenchItem], dict[tuple[str, int], tuple[str, str]]]:
    """Read the cases and their sources; nothing is spent.

    Raises:
        UsageError: neither or both of editor and outputs are given, or no source image is there.
    """
    if bool(request.editor) == bool(request.outputs):
        raise UsageError(
            "give either --editor SPEC, who makes the outputs, or --outputs FOLDER, where they are: got "
            + ("both" if request.editor else "neither")
        )
    if not request.judge and request.task != DIALOGUES:
        raise UsageError(
            "give --judge SPEC, for example world:tiny-judge or rubric:imgedit@openai:MODEL"
        )
    task = load_task(request.task)
    case_set = cases_of(task, request.cases)
    chosen = task.chosen(
        Request(
            Replies({}), case_set, language=request.scoring.language, subset=request.scoring.subset
        )
    )
    cases = _limited(chosen, request.limit)
    items, problems = items_of(
        task.name, cases, request.images_folder, request.passes, read_plans(request.cases)
    )
    if not items:
        first = next(iter(cases), None)
        raise UsageError(
            f"none of {len(cases)} source images is in {request.images_folder}"
            + (f" (looked for {first.image!r} first)" if first else "")
            + ": name their folder with --images"
        )
    if problems and not request.allow_missing:
        key, reason = next(iter(problems.items()))
        raise UsageError(
            f"{len(problems)} of {len(cases)} cases have no usable source or reference image in {request.images_folder} (first: case "
            f"{key}: {reason}): complete the folder, or add --allow-missing to run the others"
        )
    lost = {
        (key, run): ("absent", f"source: {reason}")
        for key, reason in problems.items()
        for run in range(request.passes)
    }
    return task, cases, items, lost


def read_plans(cases: Path) -> dict[str, tuple[str, ...]]:
    """Key -> storybook case as JSON, one a turn, where the benchmark was made from that world."""
    folder = cases.resolve() if cases.is_dir() else cases.resolve().parent
    path = folder / PLANS_FILE
    if not path.is_file():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return {
        row["key"]: tuple(
            json.dumps(case, sort_keys=True) for case in row.get("turns") or [row["case"]]
        )
        for row in rows
    }


def _limited(cases: Sequence[BenchCase], limit: int | None) -> list[BenchCase]:
    """The first cases of every group in turn, in the order of the file."""
    if limit is None or limit >= len(cases):
        return list(cases)
    ranks: defaultdict[str, int] = defaultdict(int)
    order = []
    for place, case in enumerate(cases):
        order.append((ranks[case.group], place))
        ranks[case.group] += 1
    return [cases[place] for place in sorted(place for _, place in sorted(order)[:limit])]

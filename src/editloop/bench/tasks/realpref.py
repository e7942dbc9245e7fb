"""RealPref-Bench (HP-Edit, arXiv 2604.19406): eight tasks of about 200 cases, one HP-Score of 0 to 5 a case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from editloop.bench.cases import BenchCase, CaseSet, read_rows
from editloop.bench.results import ItemScore
from editloop.bench.tasks.base import Cap, Task, of_readings
from editloop.bench.tasks.custom import KEYS_OF_GROUP, KEYS_OF_IMAGE, KEYS_OF_WORDS, first_of
from editloop.bench.tasks.imgedit import value_as_score
from editloop.core.errors import UsageError
from editloop.judges.parsing.protocols import read_hp_scorer
from editloop.records.taxonomy import PAPER_NAMES, from_paper_name, paper_name


class RealPrefBench(Task):
    """HP-Score a task and overall. The set was announced and not released, nor any script: the robust reading alone."""

    name = "realpref"
    title = "RealPref-Bench"
    version = "1"
    groups = tuple(names[0] for names in PAPER_NAMES["hp_edit"].values())
    scales: ClassVar[Mapping[str, tuple[float, float]]] = {"score": (0.0, 5.0)}
    protocols = ("robust",)

    def read_cases(self, path: Path) -> CaseSet:
        """Rows with a key, a task, an instruction and an image: JSON (list or key -> row), JSON lines or CSV."""
        cases: dict[str, BenchCase] = {}
        dropped = Counter[str]()
        for key, row in read_rows(path):
            task = first_of(row, KEYS_OF_GROUP)
            if key is None or not task:
                dropped["no key or task"] += 1
                continue
            if key in cases:
                dropped["a key that stands there twice"] += 1
                continue
            cases[key] = BenchCase(
                key,
                _task_name(task),
                (first_of(row, KEYS_OF_WORDS),),
                first_of(row, KEYS_OF_IMAGE) or key,
            )
        if not cases:
            raise UsageError(
                f"{path} holds no cases of RealPref-Bench: expected rows with key, task, instruction and image"
            )
        return CaseSet(tuple(cases.values()), dropped)

    def robust_item(self, case: BenchCase, texts: Sequence[str], cap: Cap) -> ItemScore:
        """One score."""
        del cap  # a single score has nothing to cap
        return of_readings(
            case, [read_hp_scorer(text) for text in texts], value_as_score, self.headline
        )


def _task_name(task: str) -> str:
    """The paper's name of a task that may be called by ours."""
    for known, names in PAPER_NAMES["hp_edit"].items():
        if task.lower().replace("_", " ") in (known.value, *(name.lower() for name in names)):
            return names[0]
    try:
        return paper_name("hp_edit", from_paper_name("imgedit", task)) or task
    except KeyError:
        return task

"""Every setting of the recipe `realpref`, and its stages in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from editloop.engine.result import RunResult
from editloop.engine.stage import Stage
from editloop.mine.base_recipe import MiningRecipe, refuse_photos
from editloop.mine.costs import (
    SMALL_PNG_BYTES,
    TINY_JUDGE_SECONDS,
    TINY_PICTURE_SECONDS,
    StageCost,
)
from editloop.mine.realpref.stages import (
    CATEGORY,
    DropSolved,
    DropSolvedConfig,
    TryOnce,
    TryOnceConfig,
)
from editloop.mine.storybook import GROUP_SIZE, CaseGroup, case_groups
from editloop.records.record import EditRecord
from editloop.records.taxonomy import paper_name


class RealPrefRecipe(MiningRecipe):
    """RealPref-50K (HP-Edit, arXiv 2604.19406): cases for post-training that the editor does not solve yet."""

    title: ClassVar[str] = "Cases that the editor does not solve yet"
    input_name: ClassVar[str] = "groups of cases"

    recipe: Literal["realpref"] = "realpref"
    cases: int = Field(default=1024, ge=1)
    """Cases in D, before any is dropped."""
    try_once: TryOnceConfig = TryOnceConfig()
    drop_solved: DropSolvedConfig = DropSolvedConfig()

    def stages(self) -> list[Stage[Any, Any, Any]]:
        """The pipeline."""
        return [TryOnce(self.try_once), DropSolved(self.drop_solved)]

    def inputs(self, photos: Path | None = None, limit: int | None = None) -> Sequence[CaseGroup]:
        """Storybook cases, even over tasks and object categories."""
        refuse_photos(photos, self.recipe)
        return case_groups(self.cases, limit)

    @property
    def model_specs(self) -> tuple[tuple[str, str], ...]:
        """Editor and scorer."""
        return (("editor", self.try_once.editor), ("scorer", self.drop_solved.scorer))

    @property
    def costs(self) -> tuple[StageCost, ...]:
        """Seconds as measured with the tiny models on one core; how many cases are solved depends on the editor alone."""
        seconds, stored = TINY_PICTURE_SECONDS * GROUP_SIZE, 2 * SMALL_PNG_BYTES * GROUP_SIZE
        return (
            StageCost("try_once", seconds, GROUP_SIZE, stored),
            StageCost("drop_solved", TINY_JUDGE_SECONDS, 1, 0),
        )

    def facts(self, result: RunResult, records: Sequence[EditRecord]) -> dict[str, JsonValue]:
        """Sizes of D and D-dagger, and of both by task and by object category."""
        solved = [
            reject.record for reject in result.rejected() if isinstance(reject.record, EditRecord)
        ]
        every = [*records, *solved]
        return {
            "cases_before": len(every),
            "cases_after": len(records),
            "tasks_before": _counted(map(_task, every)),
            "tasks_after": _counted(map(_task, records)),
            "categories_before": _counted(map(_category, every)),
            "categories_after": _counted(map(_category, records)),
        }


def _task(record: EditRecord) -> str:
    return paper_name("hp_edit", record.edit_type) or record.edit_type.value


def _category(record: EditRecord) -> str:
    return str(record.provenance.steps[0].parameters.get(CATEGORY))


def _counted(names: Iterable[str]) -> dict[str, JsonValue]:
    return dict(sorted(Counter(names).items()))

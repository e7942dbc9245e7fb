"""Every setting of the recipe `rewardedit`, and its stages in order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, JsonValue

from editloop.engine.result import RunResult
from editloop.engine.stage import Stage, StageConfig
from editloop.mine.base_recipe import MiningRecipe, refuse_photos
from editloop.mine.costs import SMALL_PNG_BYTES, TINY_JUDGE_SECONDS, StageCost
from editloop.mine.rewardedit.stages import (
    RECIPE,
    ImportConfig,
    ImportTriplets,
    MakeImperfect,
    Perspectives,
    PerspectivesConfig,
)
from editloop.mine.storybook import GROUP_SIZE, case_groups
from editloop.records.formats import read_dataset
from editloop.records.formats.reward_edit import AXES
from editloop.records.record import EditRecord


class RewardEditRecipe(MiningRecipe):
    """RewardEdit-20K (arXiv 2411.04713): imperfect triplets and a judge's rewards for them."""

    title: ClassVar[str] = "Imperfect triplets with rewards"
    input_name: ClassVar[str] = "groups of triplets"

    recipe: Literal["rewardedit"] = "rewardedit"
    triplets: int = Field(default=1000, ge=1)
    """Storybook triplets to make."""
    dataset: str | None = None
    """Folder of an existing data set, whose triplets are judged instead."""
    perspectives: PerspectivesConfig = PerspectivesConfig()

    def stages(self) -> list[Stage[Any, Any, Any]]:
        """The pipeline."""
        first: Stage[Any, Any, Any] = MakeImperfect(StageConfig())
        if self.dataset is not None:
            first = ImportTriplets(ImportConfig(dataset=self.dataset))
        return [first, Perspectives(self.perspectives)]

    def inputs(self, photos: Path | None = None, limit: int | None = None) -> Sequence[BaseModel]:
        """Storybook cases, or the records of a data set."""
        refuse_photos(photos, self.recipe)
        if self.dataset is not None:
            return list(islice(read_dataset(Path(self.dataset)), limit))
        return case_groups(self.triplets, limit)

    @property
    def model_specs(self) -> tuple[tuple[str, str], ...]:
        """The judge."""
        return (("judge", self.perspectives.judge),)

    @property
    def costs(self) -> tuple[StageCost, ...]:
        """Seconds as measured on one core with a tiny judge; the pictures of an imported data set are not counted."""
        if self.dataset is not None:
            first = StageCost("import_triplets", 0.001, 1, 0)
        else:
            seconds, stored = 0.004 * GROUP_SIZE, 2 * SMALL_PNG_BYTES * GROUP_SIZE
            first = StageCost("make_imperfect", seconds, GROUP_SIZE, stored)
        return (first, StageCost("perspectives", TINY_JUDGE_SECONDS, 1, 0))

    def facts(self, result: RunResult, records: Sequence[EditRecord]) -> dict[str, JsonValue]:
        """Mean scores, and how many planted flaws there are."""
        del result
        verdicts = [record.verdict for record in records if record.verdict]
        means: dict[str, JsonValue] = {}
        for axis in AXES:
            scores = [verdict.axes[axis] for verdict in verdicts if axis in verdict.axes]
            means[axis] = round(sum(scores) / len(scores), 3) if scores else None
        flawed = sum(
            step.parameters.get("flaw") is not None
            for record in records
            for step in record.provenance.steps
            if record.provenance.recipe == RECIPE
        )
        return {"mean_rewards": means, "planted_flaws": flawed}

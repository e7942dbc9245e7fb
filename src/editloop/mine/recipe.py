"""The mining recipe `photos`: ImgEdit's pipeline (arXiv 2505.20275) with embedded models, stage by stage.

file -> source filter -> near-duplicates -> objects, mattes, names -> plan -> edit and words -> verify -> assemble
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel

from editloop.core.errors import UsageError
from editloop.core.registry import Registry
from editloop.engine.stage import Stage, StageConfig
from editloop.mine.base_recipe import MiningRecipe
from editloop.mine.costs import PHOTOS_COSTS, StageCost
from editloop.mine.photos import photo_files, sample_files, unique
from editloop.mine.scene import PhotoFile
from editloop.mine.stages.assemble import Assemble
from editloop.mine.stages.edit import Edit, EditConfig
from editloop.mine.stages.near_duplicates import NearDuplicates, NearDuplicatesConfig
from editloop.mine.stages.objects import Objects, ObjectsConfig
from editloop.mine.stages.plan_edits import UNAVAILABLE, PlanConfig, PlanEdits
from editloop.mine.stages.source_filter import SourceFilter, SourceFilterConfig
from editloop.mine.stages.verify import Verify, VerifyConfig

TIME_SHARES = {"source_filter": 0.012, "objects": 0.584, "edit": 0.326, "verify": 0.077}
"""Usual share of the stages in the run time, for the time left (measured by `benchmarks/recipe_stages.py`)."""
SPEC_ASSETS = {
    "embedded:nanodet": "nanodet",
    "embedded:isnet": "isnet",
    "embedded:conse": "efficientnet-lite0",
    "embedded:brisque": "brisque",
}
"""Embedded model -> the asset that holds its weights."""


class PhotosRecipe(MiningRecipe):
    """Every setting of the recipe, stage by stage; ``--set edit.editor=...`` changes one from the command line."""

    title: ClassVar[str] = "Edit triplets mined from photographs"
    input_name: ClassVar[str] = "photographs"

    recipe: Literal["photos"] = "photos"
    seed: int = 0
    source_filter: SourceFilterConfig = SourceFilterConfig()
    near_duplicates: NearDuplicatesConfig = NearDuplicatesConfig()
    objects: ObjectsConfig = ObjectsConfig()
    plan: PlanConfig = PlanConfig()
    edit: EditConfig = EditConfig()
    verify: VerifyConfig = VerifyConfig()

    def stages(self) -> list[Stage[Any, Any, Any]]:
        """The pipeline."""
        return [
            SourceFilter(self.source_filter),
            NearDuplicates(self.near_duplicates),
            Objects(self.objects),
            PlanEdits(self.plan),
            Edit(self.edit),
            Verify(self.verify),
            Assemble(StageConfig()),
        ]

    def inputs(self, photos: Path | None, limit: int | None) -> Sequence[PhotoFile]:
        """The files of a folder, or the sample photographs.

        Raises:
            UsageError: when there are none.
        """
        files = list(unique(photo_files(photos) if photos else sample_files()))
        if not files:
            raise UsageError(f"{photos} holds no files; give a folder of photographs")
        return files[:limit]

    def label(self, record: BaseModel) -> str:
        """The file's name."""
        return record.origin.name if isinstance(record, PhotoFile) else super().label(record)

    @property
    def unavailable(self) -> Mapping[str, str]:
        """Edit types that need a learned editor."""
        return UNAVAILABLE

    @property
    def costs(self) -> tuple[StageCost, ...]:
        """Measured for photographs."""
        return PHOTOS_COSTS

    @property
    def time_shares(self) -> dict[str, float]:
        """Stage name -> usual share of the run time."""
        return TIME_SHARES

    @property
    def asset_names(self) -> tuple[str, ...]:
        """The assets to fetch before the first photograph."""
        return tuple(SPEC_ASSETS[spec] for _, spec in self.model_specs if spec in SPEC_ASSETS)

    @property
    def model_specs(self) -> tuple[tuple[str, str], ...]:
        """Role and spec of every model that the recipe uses."""
        return (
            ("quality", self.source_filter.quality_model),
            ("detector", self.objects.detector),
            ("segmenter", self.objects.segmenter),
            ("tagger", self.objects.tagger),
        )


RECIPES = Registry[type[MiningRecipe]]("recipe")
"""Mining recipes by name."""

RECIPES.add("photos", PhotosRecipe)
RECIPES.add("nhr", "editloop.mine.nhr.recipe:NhrRecipe")
RECIPES.add("rewardedit", "editloop.mine.rewardedit.recipe:RewardEditRecipe")
RECIPES.add("realpref", "editloop.mine.realpref.recipe:RealPrefRecipe")


def recipe_named(name: str) -> type[MiningRecipe]:
    """The recipe called `name`.

    Raises:
        UnknownNameError: with the nearest name.
    """
    return RECIPES.get(name)

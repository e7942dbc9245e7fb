"""The mining recipe `photos`: ImgEdit's pipeline (arXiv 2505.20275) with embedded models, stage by stage.

file -> source filter -> near-duplicates -> objects, mattes, names -> plan -> edit and words -> verify -> assemble
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from editloop.engine.stage import Stage, StageConfig
from editloop.mine.stages.assemble import Assemble
from editloop.mine.stages.edit import Edit, EditConfig
from editloop.mine.stages.near_duplicates import NearDuplicates, NearDuplicatesConfig
from editloop.mine.stages.objects import Objects, ObjectsConfig
from editloop.mine.stages.plan_edits import PlanConfig, PlanEdits
from editloop.mine.stages.source_filter import SourceFilter, SourceFilterConfig
from editloop.mine.stages.verify import Verify, VerifyConfig


class PhotosRecipe(BaseModel):
    """Every setting of the recipe, stage by stage; ``--set edit.editor=...`` changes one from the command line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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

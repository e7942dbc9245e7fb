"""Scene -> tasks: candidate rules, donors and a fair share of every edit type (ImgEdit's step 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from editloop.engine.stage import Dropped, Kept, Scope, Stage, StageConfig
from editloop.mine.plan import multiple, single
from editloop.mine.plan.context import PlanContext
from editloop.mine.scene import EditTask, Scene

PLANNERS: Mapping[str, tuple[single.Planner, ...]] = {
    "remove": (single.plan_remove,),
    "add": (single.plan_add,),
    "replace": (single.plan_replace,),
    "adjust": (single.plan_recolour, single.plan_retexture),
    "background": (single.plan_background,),
    "extract": (single.plan_extract,),
    "style": (single.plan_style,),
    "tone": (single.plan_tone,),
    "relight": (single.plan_relight,),
    "bokeh": (single.plan_bokeh,),
    "compose": (multiple.plan_compose,),
    "visual": (single.plan_visual,),
    "content_memory": (multiple.plan_content_memory,),
    "content_understanding": (multiple.plan_content_understanding,),
    "version_backtracking": (multiple.plan_version_backtracking,),
}
"""Edit type -> the planners that propose it."""

UNAVAILABLE = {
    "action": "a changed pose needs a generator or video frames; nothing embedded makes either",
    "person": "retouching faces needs a learned editor; nothing embedded is one",
    "text": "rewriting text needs a generator that draws letters; nothing embedded does",
}
"""Edit types that this recipe cannot make, with the reason."""


class PlanConfig(StageConfig):
    """How many edits of which types a photograph gets."""

    types: tuple[str, ...] = tuple(PLANNERS)
    per_type: dict[str, int] = Field(
        default={"remove": 2, "adjust": 2, "replace": 2, "visual": 2, "add": 3, "background": 2}
    )
    """Most tasks a planner may give one photograph; 1 for types that are not listed."""


class PlanEdits(Stage[Scene, EditTask, PlanConfig]):
    """Sees all scenes at once, because an edit may borrow an object or a view from another photograph."""

    name: ClassVar[str] = "plan_edits"
    version: ClassVar[str] = "3"
    scope: ClassVar[Scope] = Scope.ALL
    input = Scene
    output = EditTask
    reasons: tuple[str, ...] = ("nothing_to_edit",)

    def run(self, records: Sequence[Scene]) -> Sequence[Kept[EditTask] | Dropped]:
        """The tasks of every scene."""
        context = PlanContext.of(records, self.context.run_seed)
        outcomes: list[Kept[EditTask] | Dropped] = []
        for scene in records:
            tasks = self._tasks(scene, context)
            outcomes.append(
                Kept(tasks)
                if tasks
                else Dropped("nothing_to_edit", "no rule found anything to edit")
            )
        return outcomes

    def _tasks(self, scene: Scene, context: PlanContext) -> tuple[EditTask, ...]:
        chosen: dict[str, EditTask] = {}
        for kind in self.config.types:
            limit = self.config.per_type.get(kind, 1)
            for planner in PLANNERS[kind]:
                for task in planner(scene, context)[:limit]:
                    chosen[task.id] = task
        return tuple(chosen.values())

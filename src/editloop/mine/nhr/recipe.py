"""Every setting of the recipe `nhr`, and its stages in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from editloop.engine.result import RunResult
from editloop.engine.stage import Stage, StageConfig
from editloop.mine.base_recipe import MiningRecipe, refuse_photos
from editloop.mine.costs import (
    SMALL_PNG_BYTES,
    TINY_JUDGE_SECONDS,
    TINY_PICTURE_SECONDS,
    StageCost,
)
from editloop.mine.nhr.augmentation import Compose, ComposeConfig, Invert
from editloop.mine.nhr.consistency import BackwardConsistency, ConsistencyConfig, JudgeDerived
from editloop.mine.nhr.drawing import DrawConfig, DrawSources, GateConfig, PlausibilityGate
from editloop.mine.nhr.filters import LowLevelCheck, LowLevelConfig, SoftFilter, SoftFilterConfig
from editloop.mine.nhr.prompts import storybook_prompts
from editloop.mine.nhr.records import ScenePrompt
from editloop.mine.nhr.selection import SelectBest
from editloop.mine.nhr.tries import TryEdits, TryEditsConfig
from editloop.mine.nhr.validation import (
    PickThresholds,
    Validate,
    ValidateConfig,
    minimums_of,
)
from editloop.records.record import EditRecord


class PromptsConfig(StageConfig):
    """What is drawn and edited."""

    count: int = Field(default=30, ge=1)
    """Scene prompts."""
    edits: int = Field(default=4, ge=1)
    """Edits a prompt."""


class NhrRecipe(MiningRecipe):
    """NHR-Edit's mining (arXiv 2507.14119); ``--set draw.images=4`` changes one setting from the command line."""

    title: ClassVar[str] = "Edit triplets mined without people"
    input_name: ClassVar[str] = "scene prompts"

    recipe: Literal["nhr"] = "nhr"
    seed: int = 0
    prompts: PromptsConfig = PromptsConfig()
    draw: DrawConfig = DrawConfig()
    gate: GateConfig = GateConfig()
    tries: TryEditsConfig = TryEditsConfig()
    soft_filter: SoftFilterConfig = SoftFilterConfig()
    low_level: LowLevelConfig = LowLevelConfig()
    validator: ValidateConfig = ValidateConfig()
    compose: ComposeConfig = ComposeConfig()
    consistency: ConsistencyConfig = ConsistencyConfig()
    order: Literal["filter_first", "compose_first"] = "filter_first"
    """Backward consistency before composition, as in the paper's algorithm, or after it, as in its table of volumes."""

    def stages(self) -> list[Stage[Any, Any, Any]]:
        """The pipeline."""
        picking = [PickThresholds(self.validator)] if self.validator.is_picked else []
        composing: list[Stage[Any, Any, Any]] = [Compose(self.compose)]
        consistency: list[Stage[Any, Any, Any]] = [
            JudgeDerived(self.consistency),
            BackwardConsistency(self.consistency),
        ]
        return [
            DrawSources(self.draw),
            PlausibilityGate(self.gate),
            TryEdits(self.tries),
            SoftFilter(self.soft_filter),
            LowLevelCheck(self.low_level),
            Validate(self.validator),
            *picking,
            SelectBest(StageConfig()),
            Invert(StageConfig()),
            *(consistency + composing if self.order == "filter_first" else composing + consistency),
        ]

    def inputs(self, photos: Path | None = None, limit: int | None = None) -> Sequence[ScenePrompt]:
        """The scene prompts; sources are drawn, so there are no photographs to give."""
        refuse_photos(photos, self.recipe)
        count = self.prompts.count if limit is None else min(limit, self.prompts.count)
        return list(storybook_prompts(self.seed, count, self.prompts.edits))

    @property
    def model_specs(self) -> tuple[tuple[str, str], ...]:
        """Role and spec of every model that the recipe uses."""
        return (
            ("generator", self.draw.generator),
            ("gate", self.gate.gate),
            ("editor", self.tries.editor),
            ("soft judge", self.soft_filter.judge),
            ("validator", self.validator.judge),
            ("consistency judge", self.consistency.judge),
        )

    @property
    def costs(self) -> tuple[StageCost, ...]:
        """Seconds as measured with the tiny models on one core; shares that pass as in the paper's table of volumes."""
        images, tries = self.draw.images, self.prompts.edits * self.tries.tries
        if self.tries.budget is not None:
            tries = min(tries, self.tries.budget)
        picture, judge, stored = TINY_PICTURE_SECONDS, TINY_JUDGE_SECONDS, SMALL_PNG_BYTES
        cost = {
            "draw_sources": StageCost("draw_sources", images * picture, images, images * stored),
            "gate": StageCost("gate", 0.015, 0.44, 0),
            "try_edits": StageCost("try_edits", tries * picture, tries, tries * stored),
            "soft_filter": StageCost("soft_filter", judge, 0.43, 0),
            "low_level": StageCost("low_level", 0.001, 0.97, 0),
            "validate": StageCost("validate", judge, 1 if self.validator.is_picked else 0.368, 0),
            "pick_thresholds": StageCost("pick_thresholds", 1e-5, 0.368, 0),
            "select_best": StageCost("select_best", 1e-5, 0.69, 0),
            "invert": StageCost("invert", 2e-4, 1.949, 0),
            "judge_derived": StageCost("judge_derived", judge, 1, 0),
            "backward_consistency": StageCost("backward_consistency", 1e-5, 0.869, 0),
            "compose": StageCost("compose", 2e-4, 1.307, 0),
        }
        return tuple(cost[stage.name] for stage in self.stages())

    def facts(self, result: RunResult, records: Sequence[EditRecord]) -> dict[str, JsonValue]:
        """Triplets by the way they were made, and what they were measured by."""
        del result
        operations = Counter(record.operation.value for record in records)
        least = next((least for least in map(minimums_of, records) if least), None)
        measured: dict[str, JsonValue] = dict(least._asdict()) if least else {}
        return {"by_operation": dict(sorted(operations.items())), "least_scores": measured}

"""What every mining recipe is: settings, stages, inputs, and what the command line says about them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, JsonValue

from editloop.core.errors import UsageError
from editloop.engine.result import RunResult
from editloop.engine.stage import Stage
from editloop.mine.costs import StageCost, estimate
from editloop.records.record import EditRecord


class MiningRecipe(BaseModel, ABC):
    """Base of recipes: a configuration whose fields are the settings, stage by stage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: ClassVar[str]
    """Heading of the report."""
    input_name: ClassVar[str]
    """What goes in, in the plural."""
    seed: int = 0

    @abstractmethod
    def stages(self) -> list[Stage[Any, Any, Any]]:
        """The pipeline."""

    @abstractmethod
    def inputs(self, photos: Path | None, limit: int | None) -> Sequence[BaseModel]:
        """What goes in.

        Args:
            photos: Folder that the command line named.
            limit: Most inputs.

        Raises:
            UsageError: when the folder holds nothing to mine, or the recipe takes none.
        """

    @property
    @abstractmethod
    def model_specs(self) -> tuple[tuple[str, str], ...]:
        """Role and spec of every model that the recipe uses."""

    @property
    @abstractmethod
    def costs(self) -> tuple[StageCost, ...]:
        """What one record costs in each stage with these settings."""

    @property
    def asset_names(self) -> tuple[str, ...]:
        """The assets to fetch before the first input."""
        return ()

    @property
    def time_shares(self) -> dict[str, float]:
        """Stage name -> usual share of the run time."""
        lines = estimate(1000, self.costs)
        whole = sum(line.cpu_seconds for line in lines) or 1.0
        return {line.stage: line.cpu_seconds / whole for line in lines[:-1]}

    @property
    def unavailable(self) -> Mapping[str, str]:
        """Edit types that cannot be made, with the reason."""
        return {}

    def label(self, record: BaseModel) -> str:
        """How the report calls an input that never became a triplet."""
        return str(getattr(record, "id", record))

    def facts(self, result: RunResult, records: Sequence[EditRecord]) -> dict[str, JsonValue]:
        """Figures of a finished run that this recipe adds to the summary and to the report."""
        del result, records
        return {}


def refuse_photos(photos: Path | None, recipe: str) -> None:
    """For recipes that draw their own pictures.

    Raises:
        UsageError: when the command line named a folder of photographs.
    """
    if photos is not None:
        raise UsageError(f"the recipe {recipe} draws its own pictures: leave out --photos {photos}")

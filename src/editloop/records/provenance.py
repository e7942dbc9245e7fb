"""Where a record came from: photograph, licence, and every model, version, prompt and seed on the way."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, JsonValue


class Origin(BaseModel):
    """Where a source image came from; `name` is a file name or a data set key, never an absolute path."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    collection: str = ""
    licence: str = ""
    author: str = ""
    url: str = ""


class Step(BaseModel):
    """One stage that touched the record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    version: str
    model: str | None = None
    model_version: str | None = None
    prompt_hash: str | None = None
    seed: int | None = None
    parameters: dict[str, JsonValue] = {}


class Provenance(BaseModel):
    """The whole history of one record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    recipe_version: str
    run_seed: int
    origin: Origin
    steps: tuple[Step, ...] = ()

    def with_step(self, step: Step) -> Provenance:
        """A copy with `step` appended."""
        return self.model_copy(update={"steps": (*self.steps, step)})

"""What is settled before anything runs: that the stages fit together, and what names their results."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, JsonValue

from editloop.core.errors import StageError
from editloop.core.ids import content_id
from editloop.engine.stage import Lane, RemoteStage, Scope, Stage

_DECLARED = ("name", "version", "input", "output")


def check_pipeline(stages: Sequence[Stage[Any, Any, Any]]) -> None:
    """Check that every stage takes what the one before it gives.

    Raises:
        StageError: naming the first misfit.
    """
    if not stages:
        raise StageError("a pipeline needs at least one stage")
    for stage in stages:
        _check_declarations(stage)
    for before, after in itertools.pairwise(stages):
        if not issubclass(before.output, after.input):
            raise StageError(
                f"stage {after.name!r} takes {after.input.__name__}, "
                f"but {before.name!r} before it gives {before.output.__name__}"
            )


def _check_declarations(stage: Stage[Any, Any, Any]) -> None:
    cls = type(stage)
    missing = [name for name in _DECLARED if not hasattr(cls, name)]
    if missing:
        raise StageError(f"stage {cls.__qualname__} does not declare {', '.join(missing)}")
    for kind in (cls.input, cls.output):
        if "id" not in kind.model_fields or kind.model_fields["id"].annotation is not str:
            raise StageError(f"stage {cls.name!r}: {kind.__name__} needs a field `id: str`")
    if (cls.lane is Lane.REMOTE) != isinstance(stage, RemoteStage):
        raise StageError(f"stage {cls.name!r}: the remote lane and `RemoteStage` belong together")
    if cls.lane is Lane.REMOTE and cls.scope is Scope.ALL:
        raise StageError(f"stage {cls.name!r}: a remote stage sees one record at a time, not all")
    if cls.batch_size < 1:
        raise StageError(
            f"stage {cls.name!r}: batch_size is {cls.batch_size}, it must be at least 1"
        )


def stage_facts(stage: Stage[Any, Any, Any], run_seed: int) -> dict[str, JsonValue]:
    """Everything that names a stage's results: a change here, and only here, makes it run again."""
    return {
        "name": stage.name,
        "version": stage.version,
        "scope": stage.scope.value,
        "config": stage.config.model_dump(mode="json"),
        "models": dict(stage.model_versions),
        "output": [stage.output.__name__, *sorted(stage.output.model_fields)],
        "run_seed": run_seed,
    }


def stage_key(facts: dict[str, JsonValue]) -> str:
    """The stage key."""
    return content_id("stage", facts)


def labels(stages: Sequence[Stage[Any, Any, Any]]) -> list[str]:
    """Names to count under: the stage's own, numbered where it stands twice in the pipeline."""
    seen: Counter[str] = Counter()
    names = []
    for stage in stages:
        seen[stage.name] += 1
        names.append(stage.name if seen[stage.name] == 1 else f"{stage.name}#{seen[stage.name]}")
    return names


def check_inputs(stage: Stage[Any, Any, Any], records: Sequence[BaseModel]) -> None:
    """Check records that enter the pipeline.

    Raises:
        StageError: when one is not what the first stage takes.
    """
    for kind in {type(record) for record in records}:
        if not issubclass(kind, stage.input):
            raise StageError(
                f"stage {stage.name!r} takes {stage.input.__name__}, the input has a {kind.__name__}"
            )

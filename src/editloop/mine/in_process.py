"""Stages that would run in worker processes, run in this one: for studies and tests that have their models open already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from editloop.engine.stage import Lane, Stage


def in_this_process(stages: Sequence[Stage[Any, Any, Any]]) -> list[Stage[Any, Any, Any]]:
    """The same stages with the process lane replaced by the inline lane; results and stage keys stay the same."""
    return [
        _inline(type(stage))(stage.config) if stage.lane is Lane.PROCESS else stage
        for stage in stages
    ]


def _inline(kind: type[Stage[Any, Any, Any]]) -> type[Stage[Any, Any, Any]]:
    return type(kind.__name__, (kind,), {"lane": Lane.INLINE, "__module__": kind.__module__})

"""Runs stages over records: typed, resumable, one bad record at a time."""

from editloop.engine.counts import ProgressCallback, RunProgress, StageCounts
from editloop.engine.result import Rejected, RunResult
from editloop.engine.runner import run_pipeline
from editloop.engine.stage import (
    Dropped,
    Failed,
    Kept,
    Lane,
    RemoteStage,
    Scope,
    Stage,
    StageConfig,
    StageContext,
)

__all__ = [
    "Dropped",
    "Failed",
    "Kept",
    "Lane",
    "ProgressCallback",
    "Rejected",
    "RemoteStage",
    "RunProgress",
    "RunResult",
    "Scope",
    "Stage",
    "StageConfig",
    "StageContext",
    "StageCounts",
    "run_pipeline",
]

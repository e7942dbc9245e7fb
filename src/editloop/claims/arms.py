"""Arms: one training or measurement with one seed, done once and kept on disk."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from editloop.claims.rows import ScoreTable
from editloop.core.errors import RunInterruptedError
from editloop.core.ids import content_id


class CurvePoint(BaseModel):
    """One look at an editor during its training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    rollouts: int
    cpu_seconds: float
    reward: float | None = None
    oracle: float
    held_out_judge: float
    right: float


class ArmResult(BaseModel):
    """What an arm leaves: scores a case and what it cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arm: str
    seed: int
    scores: dict[str, list[float]]
    """Axis -> a score for every case, in the order of the cases."""
    cpu_seconds: float
    counts: dict[str, float] = {}
    curve: tuple[CurvePoint, ...] = ()
    editor: str | None = None
    """Where the trained editor lies, relative to the claims folder."""


class OutOfTimeError(RunInterruptedError):
    """The hours that were asked for are used up; another run goes on from here."""


class ArmStore:
    """Keeps arms by the content of their settings, so that a second run computes only what is new.

    Args:
        folder: Where the results lie.
        hours: Wall time after which no further arm is begun; None for no limit.
        announce: Told about each arm that is computed.
    """

    def __init__(
        self, folder: Path, hours: float | None, announce: Callable[[str], None] = lambda _: None
    ) -> None:
        self.folder = folder
        self._deadline = None if hours is None else time.monotonic() + 3600 * hours
        self._announce = announce
        (folder / "arms").mkdir(parents=True, exist_ok=True)

    def result(
        self, arm: str, seed: int, settings: Any, compute: Callable[[Path], ArmResult]
    ) -> ArmResult:
        """The arm's result: from disk, or computed now; `compute` gets a folder of its own.

        Raises:
            OutOfTimeError: when it would have to be computed and the time is up.
        """
        key = content_id("arm", arm, seed, settings)[:16]
        folder = self.folder / "arms" / f"{arm.replace('/', '-')}-s{seed}-{key}"
        path = folder / "result.json"
        if path.exists():
            return ArmResult.model_validate_json(path.read_bytes())
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise OutOfTimeError(f"no time left for arm {arm}, seed {seed}: run again to go on")
        folder.mkdir(parents=True, exist_ok=True)
        self._announce(f"{arm}, seed {seed}")
        result = compute(folder)
        (folder / "settings.json").write_text(json.dumps(settings, indent=1, sort_keys=True))
        partial = folder / f"result.{os.getpid()}.json"
        partial.write_text(result.model_dump_json())
        partial.replace(path)
        return result


def score_table(results: list[ArmResult], axis: str) -> ScoreTable:
    """Scores of one axis, shape (seeds, cases)."""
    return np.array([result.scores[axis] for result in results], np.float64)

"""Arms: one training or measurement with one seed, done once and kept on disk."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from editloop.claims.rows import ScoreTable
from editloop.core.errors import RunInterruptedError
from editloop.core.ids import content_id

RESULT_NAME: Final = "result.json"


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

    def oracle_at(self, cost: Literal["cpu_seconds", "rollouts"], spent: float) -> float:
        """The oracle's score after so much of `cost` was spent: a straight line between two looks, the last look after the end."""
        costs = [float(getattr(point, cost)) for point in self.curve]
        return float(np.interp(spent, costs, [point.oracle for point in self.curve]))


class OutOfTimeError(RunInterruptedError):
    """The hours that were asked for are used up; another run goes on from here."""


class ArmStore:
    """Keeps arms by the content of their settings, so that a second run computes only what is new.

    Args:
        folder: Where the results lie.
        hours: Wall time after which no further arm is begun; None for no limit.
        announce: Told about each arm that is computed.

    Attributes:
        used: Folder -> result of every arm that was asked for.
    """

    def __init__(
        self, folder: Path, hours: float | None, announce: Callable[[str], None] = lambda _: None
    ) -> None:
        self.folder = folder
        self._deadline = None if hours is None else time.monotonic() + 3600 * hours
        self._announce = announce
        self.used: dict[Path, ArmResult] = {}
        (folder / "arms").mkdir(parents=True, exist_ok=True)

    def result(
        self,
        arm: str,
        seed: int,
        settings: Any,
        compute: Callable[[Path], ArmResult],
        *,
        needed: bool = False,
    ) -> ArmResult:
        """The arm's result: from disk, or computed now. A process waits for an arm that another one is computing.

        Args:
            arm: Its name.
            seed: Of its training.
            settings: Everything that bears on the result.
            compute: Gets a folder of its own.
            needed: Compute it even when the time is up.

        Raises:
            OutOfTimeError: when it would have to be computed and the time is up.
        """
        folder = self.arm_folder(arm, seed, settings)
        path = folder / RESULT_NAME
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            if not path.exists():
                if self.hours_left() == 0 and not needed:
                    raise OutOfTimeError(
                        f"no time left for arm {arm}, seed {seed}: run again to go on"
                    )
                self._announce(f"{arm}, seed {seed}")
                _keep(compute(folder), settings, path)
        self.used[folder] = ArmResult.model_validate_json(path.read_bytes())
        return self.used[folder]

    def arm_folder(self, arm: str, seed: int, settings: Any) -> Path:
        """Where an arm with these settings lies, whether it is there or not."""
        key = content_id("arm", arm, seed, settings)[:16]
        return self.folder / "arms" / f"{arm.replace('/', '-')}-s{seed}-{key}"

    def hours_left(self) -> float | None:
        """Until no further arm is begun; None for no limit."""
        if self._deadline is None:
            return None
        return max(0.0, self._deadline - time.monotonic()) / 3600


def _keep(result: ArmResult, settings: Any, path: Path) -> None:
    settings_text = json.dumps(settings, indent=1, sort_keys=True)
    (path.parent / "settings.json").write_text(settings_text, "utf-8")
    partial = path.with_suffix(".new")
    partial.write_text(result.model_dump_json(), "utf-8")
    partial.replace(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time; the lock ends with its holder."""
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def score_table(results: list[ArmResult], axis: str) -> ScoreTable:
    """Scores of one axis, shape (seeds, cases)."""
    return np.array([result.scores[axis] for result in results], np.float64)

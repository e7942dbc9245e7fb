"""The log of a training: one JSON line an update, and no line twice after a resume."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StepReport:
    """One update."""

    step: int
    """Counted from 1."""
    loss: float
    """Mean over the samples that were learned from."""
    gradient_norm: float
    """Before clipping."""
    learning_rate: float
    samples: int
    """Triplets seen so far, this update's included."""
    rejected: int
    """Triplets of this update that were left out because next to nothing changed."""
    seconds: float
    """Time of training so far, over all sessions."""
    samples_per_second: float
    """Of this update."""


class TrainingLog:
    """Appends reports to a file.

    Args:
        path: JSON lines; what an interrupted session wrote after its last checkpoint is cut off.
        step: The update that training goes on after.
    """

    def __init__(self, path: Path, step: int) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [report for report in read_log(path) if report.step <= step]
        path.write_text("".join(_line(report) for report in kept), "utf-8")

    def write(self, report: StepReport) -> None:
        """Append a line."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(report))


def read_log(path: Path) -> list[StepReport]:
    """The reports of a log; a last line that was cut short by a crash is left out."""
    if not path.is_file():
        return []
    lines = path.read_text("utf-8").splitlines(keepends=True)
    return [StepReport(**json.loads(line)) for line in lines if line.endswith("}\n")]


def _line(report: StepReport) -> str:
    return json.dumps(asdict(report)) + "\n"

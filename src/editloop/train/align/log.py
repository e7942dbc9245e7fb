"""The log of a run: one JSON line a step, and no step twice after a resume."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final

LOG_FILE: Final = "log.jsonl"


class AlignLog:
    """Appends steps to ``log.jsonl``.

    Args:
        run_dir: The run folder.
        step: Steps done; lines of later steps, which an interrupted session left, are cut off.
    """

    def __init__(self, run_dir: Path, step: int) -> None:
        self.path = run_dir / LOG_FILE
        run_dir.mkdir(parents=True, exist_ok=True)
        kept = [entry for entry in read_log(run_dir) if entry["step"] <= step]
        self.path.write_text("".join(_line(entry) for entry in kept), "utf-8")

    def write(self, entry: dict[str, Any]) -> None:
        """Append a step."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(entry))


def read_log(run_dir: Path) -> list[dict[str, Any]]:
    """The steps of a run; a last line that a crash cut short is left out."""
    path = run_dir / LOG_FILE
    if not path.is_file():
        return []
    lines = path.read_text("utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("}\n")]


def _line(entry: dict[str, Any]) -> str:
    """NaN and infinity become null: they are not JSON."""
    plain = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in entry.items()
    }
    return json.dumps(plain, ensure_ascii=False) + "\n"

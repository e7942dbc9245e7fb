"""The claims as text: a table for pages, Markdown and JSON for a repository."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from editloop import __version__
from editloop.claims.rows import ClaimRow
from editloop.report.story import Table

HEADINGS: Final = (
    "claim",
    "paper says",
    "here",
    "effect",
    "95 % interval",
    "unit",
    "seeds",
    "cases",
    "verdict",
)

BASE_NOTE: Final = "Every training starts from the same base, the tiny editor after a short fine-tuning on the triplets of a pipeline without filters: [papers.md](papers.md)."


def table_of(rows: Sequence[ClaimRow]) -> Table:
    """The claims as text."""
    return Table("Claims", HEADINGS, tuple(_cells(row) for row in rows), interval_note(rows))


def interval_note(rows: Sequence[ClaimRow]) -> str:
    """What the intervals cover."""
    note = "Intervals are 95 % intervals over seeds and cases."
    if any(row.seeds == 1 for row in rows):
        note += " With one seed they cover cases alone and are too narrow."
    return note


def facts_of(command: str) -> dict[str, str]:
    """What a reader needs to repeat the run."""
    return {
        "command": command,
        "version": __version__,
        "machine": f"{platform.machine()}, {_cpu_name()}, {os.cpu_count()} CPUs",
        "day": datetime.now(UTC).date().isoformat(),
    }


def markdown(rows: Sequence[ClaimRow], facts: dict[str, str]) -> str:
    """``claims.md``: the table under the command that made it."""
    lines = [
        "# Claims of the four papers in the storybook world",
        "",
        "Made by:",
        "",
        f"    {facts['command']}",
        "",
        f"on {facts['machine']}, {facts['day']}, editloop {facts['version']}. {interval_note(rows)}",
        "",
        BASE_NOTE,
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|" + "---|" * len(HEADINGS),
        *("| " + " | ".join(cell.replace("|", "/") for cell in _cells(row)) + " |" for row in rows),
        "",
    ]
    return "\n".join(lines)


def publish(rows: Sequence[ClaimRow], folder: Path, facts: dict[str, str]) -> None:
    """``claims.md`` and ``claims.json`` of a finished run, for a repository."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "claims.md").write_text(markdown(rows, facts), encoding="utf-8")
    content = {"facts": facts, "claims": [row.model_dump(mode="json") for row in rows]}
    (folder / "claims.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _cells(row: ClaimRow) -> tuple[str, ...]:
    return (
        row.claim,
        row.paper_says,
        row.here,
        f"{row.effect:+.3g}",
        f"[{row.interval[0]:+.3g}, {row.interval[1]:+.3g}]",
        row.unit,
        str(row.seeds),
        str(row.cases),
        row.verdict,
    )


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()

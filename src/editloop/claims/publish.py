"""The claims as people read them: a Markdown table, JSON, and a page with curves and pictures."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from editloop import __version__
from editloop.claims.arms import ArmResult
from editloop.claims.evaluation import edit_request
from editloop.claims.lab import Lab
from editloop.claims.rows import ClaimRow
from editloop.models.roles import RgbImage
from editloop.report.story import Curve, Plot, Story, StoryPicture, Strip, Table, write_story
from editloop.world.render import render

PAGE_NAME: Final = "claims.html"
STRIPS: Final = 12
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
SHOWN_ARMS: Final = {
    "mrc/no_rewards": "fine-tuned",
    "mrc/rewards": "with rewards",
    "nhr/filtered": "on filtered data",
    "hp_edit/filtered_calibrated_scorer": "aligned (GRPO)",
    "objectives/nft": "aligned (NFT)",
}
"""Arm -> its name beside the same cases in the page."""


def table_of(rows: Sequence[ClaimRow]) -> Table:
    """The claims as text."""
    return Table("Claims", HEADINGS, tuple(_cells(row) for row in rows), interval_note(rows))


def interval_note(rows: Sequence[ClaimRow]) -> str:
    """What the intervals cover."""
    note = "Intervals are 95 % bootstrap intervals over seeds and cases."
    if any(row.seeds == 1 for row in rows):
        note += " With one seed they cover cases alone and are too narrow."
    return note


def facts_of(command: str) -> dict[str, str]:
    """What a reader needs to repeat the run."""
    return {
        "command": command,
        "version": __version__,
        "machine": f"{platform.machine()}, {_cpu_name()}, {_cpu_count()} CPUs",
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
        "| " + " | ".join(HEADINGS) + " |",
        "|" + "---|" * len(HEADINGS),
        *("| " + " | ".join(cell.replace("|", "/") for cell in _cells(row)) + " |" for row in rows),
        "",
    ]
    return "\n".join(lines)


def write_claims_page(
    lab: Lab, rows: Sequence[ClaimRow], folder: Path, facts: dict[str, str]
) -> Path:
    """The page of one run, from its rows and the arms it kept."""
    arms = kept_arms(lab.store.folder)
    story = Story(
        title="Claims of the four papers, in miniature",
        lead=(
            "Every claim is tested on held-out storybook cases. The oracle knows the true scene; the held-out judge sees pixels "
            "and words only and was never a reward."
        ),
        tables=[table_of(rows)],
        plots=list(_plots(arms)),
        strips=list(_strips(lab, arms)),
        facts=facts,
    )
    return write_story(story, folder, PAGE_NAME)


def kept_arms(folder: Path) -> list[tuple[Path, ArmResult]]:
    """Every finished arm of a claims folder, with its own folder."""
    found = sorted((folder / "arms").glob("*/result.json"))
    return [(path.parent, ArmResult.model_validate_json(path.read_bytes())) for path in found]


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


def _plots(arms: Sequence[tuple[Path, ArmResult]]) -> Iterator[Plot]:
    for group in ("objectives", "hp_edit"):
        curves = [result for _, result in arms if result.curve and result.arm.startswith(group)]
        for axis, label in (("oracle", "oracle overall"), ("held_out_judge", "held-out judge")):
            lines = tuple(_mean_curves(curves, axis))
            if lines:
                yield Plot(f"{group.replace('_', ' ')}: {label}", "rollouts", label, lines)


def _mean_curves(results: Sequence[ArmResult], axis: str) -> Iterator[Curve]:
    """One line an arm: the mean over its seeds at every look."""
    for name in sorted({result.arm for result in results}):
        curves = [result.curve for result in results if result.arm == name]
        looks = min(len(curve) for curve in curves)
        points = tuple(
            (
                float(np.mean([curve[k].rollouts for curve in curves])),
                float(np.mean([getattr(curve[k], axis) for curve in curves])),
            )
            for k in range(looks)
        )
        yield Curve(name.split("/")[-1].replace("_", " "), points)


def _strips(lab: Lab, arms: Sequence[tuple[Path, ArmResult]]) -> Iterator[Strip]:
    shown = {
        SHOWN_ARMS[result.arm]: (_sheet(path), result)
        for path, result in arms
        if result.arm in SHOWN_ARMS and result.seed == 0
    }
    for number, case in enumerate(lab.cases[:STRIPS]):
        base = lab.base
        pictures = [
            StoryPicture("source", edit_request(case, 0).image),
            StoryPicture(
                "base",
                base.images[number],
                base.scores["overall"][number],
                base.failures[number] or "",
            ),
        ]
        pictures += [
            StoryPicture(label, sheet[number], result.scores["overall"][number])
            for label, (sheet, result) in shown.items()
            if len(sheet) > number
        ]
        pictures.append(StoryPicture("true target", render(case.target)))
        told = " / ".join([*case.context, case.instruction])
        yield Strip(told, str(case.report_type), tuple(pictures))


def _sheet(folder: Path) -> list[RgbImage]:
    """The pictures that an arm kept, one a case."""
    with Image.open(folder / "edits.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    return np.split(pixels, pixels.shape[1] // pixels.shape[0], axis=1)


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _cpu_count() -> int:
    import os

    return os.cpu_count() or 1

"""A run of the claims as a page: the same cases before and after every training, curves, the table, and what got worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from editloop.claims.arms import ArmResult, score_table
from editloop.claims.evaluation import edit_request
from editloop.claims.lab import BASE, Lab, kept_measurement
from editloop.claims.publish import table_of
from editloop.claims.rows import ClaimRow
from editloop.claims.worse import worse_table
from editloop.report.story import Curve, Plot, Story, StoryPicture, Strip, Table, write_story
from editloop.world.render import render
from editloop.world.sampling import varied

PAGE_NAME: Final = "claims.html"
STRIPS: Final = 12
SHOWN_ARMS: Final = {
    "mrc/no_rewards": "fine-tuned",
    "nhr/filtered": "on filtered data",
    "mrc/rewards": "with rewards",
    "hp_edit/filtered_calibrated_scorer": "aligned (GRPO)",
    "objectives/nft": "aligned (NFT)",
}
"""Arm -> its name beside the same cases, in the order of the loop."""
AXES: Final = {
    "reward": "training reward",
    "oracle": "oracle overall",
    "held_out_judge": "held-out judge",
}
"""Field of a curve's points -> its name."""
STAGE_AXES: Final = ("overall", "instruction", "preservation", "quality", "held_out_judge", "right")


def write_claims_page(
    lab: Lab, rows: Sequence[ClaimRow], folder: Path, facts: Mapping[str, str]
) -> Path:
    """``claims.html``, from the rows and the arms that they rest on; the claims come first."""
    story = claims_story(lab, rows, title="Claims of the four papers, in miniature", facts=facts)
    claims, *others = story.tables
    story = replace(story, summary=[claims, *story.summary], tables=others)
    return write_story(story, folder, PAGE_NAME)


def claims_story(
    lab: Lab,
    rows: Sequence[ClaimRow],
    *,
    title: str,
    facts: Mapping[str, str],
    links: Mapping[str, str] | None = None,
) -> Story:
    """The page of a run, from the rows and the arms that the lab's store gave for them."""
    results = list(lab.store.used.values())
    shown = {
        label: found
        for arm, label in SHOWN_ARMS.items()
        if (found := [result for result in results if result.arm == arm])
    }
    return Story(
        title=title,
        lead=(
            "A tiny editor with the habits of a poor data set (the base: a short fine-tuning on triplets of which six of seven are flawed) meets "
            "the recipes of four papers. Every result is measured "
            "on held-out storybook cases: the oracle knows the true scene; the held-out judge sees pixels and words only and was "
            "never a reward."
        ),
        summary=[stages_table(lab, shown)],
        tables=[table_of(rows), worse_table(lab, shown)],
        plots=list(_plots(results)),
        strips=list(_strips(lab)),
        facts=facts,
        links=links or {},
    )


def stages_table(lab: Lab, arms: Mapping[str, Sequence[ArmResult]]) -> Table:
    """Means of the base editor and of the trained ones, over seeds and held-out cases."""
    means = {"base": {axis: lab.base.mean(axis) for axis in STAGE_AXES}} | {
        editor: {axis: float(score_table(list(found), axis).mean()) for axis in STAGE_AXES}
        for editor, found in arms.items()
    }
    rows = tuple(
        (
            editor,
            *(f"{mean[axis]:.2f}" for axis in STAGE_AXES if axis != "right"),
            f"{100 * mean['right']:.0f} %",
        )
        for editor, mean in means.items()
    )
    names = (axis.replace("_", " ") for axis in STAGE_AXES if axis != "right")
    note = f"Means over {len(lab.cases)} held-out cases, scores from 1 to 5; all but the held-out judge's are the oracle's."
    return Table("The editor at every stage", ("editor", *names, "fully right"), rows, note)


def _plots(results: Sequence[ArmResult]) -> Iterator[Plot]:
    for group in ("hp_edit", "objectives"):
        curves = [result for result in results if result.curve and result.arm.startswith(group)]
        for axis, label in AXES.items():
            lines = tuple(_mean_curves(curves, axis))
            if lines:
                yield Plot(f"{group.replace('_', '-')}: {label}", "rollouts", label, lines)


def _mean_curves(results: Sequence[ArmResult], axis: str) -> Iterator[Curve]:
    """One line an arm: the mean over its seeds at every look."""
    for name in dict.fromkeys(result.arm for result in results):
        curves = [result.curve for result in results if result.arm == name]
        points = []
        for looks in zip(*curves, strict=False):
            values = [getattr(look, axis) for look in looks]
            if None not in values:
                rollouts = float(np.mean([look.rollouts for look in looks]))
                points.append((rollouts, float(np.mean(values))))
        yield Curve(name.split("/")[-1].replace("_", " "), tuple(points))


def _strips(lab: Lab) -> Iterator[Strip]:
    base = lab.base
    folders = {result.arm: folder for folder, result in lab.store.used.items() if result.seed == 0}
    stages = {"base": base} | {
        label: kept_measurement(folders[arm])
        for arm, label in SHOWN_ARMS.items()
        if arm in folders and arm != BASE
    }
    for number in varied(lab.cases, STRIPS):
        case = lab.cases[number]
        request = edit_request(case, 0)
        pictures = [StoryPicture("source", request.image)]
        pictures += [StoryPicture("reference", image) for image in request.references]
        pictures += [
            StoryPicture(
                label,
                found.images[number],
                found.scores["overall"][number],
                (found.failures[number] or "").replace("_", " "),
            )
            for label, found in stages.items()
        ]
        pictures.append(StoryPicture("true target", render(case.target)))
        told = " / ".join([*case.context, case.instruction])
        yield Strip(told, str(case.report_type), tuple(pictures))

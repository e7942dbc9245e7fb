"""What one step of alignment costs: rollout of a group and update, written in five ways.

A toy-size Qwen-Image-Edit-Plus of random weights in float32 on one thread, Flow-GRPO with K images a group and T denoising
steps. The arms compute the same latents and gradients as their reference, which is checked before anything is timed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

import diffusers
import peft
import torch
import transformers

from alignment.measure import (
    CEILING_SIDE,
    OURS,
    OURS_UNGUIDED,
    PER_GROUP,
    PER_GROUP_WINDOW,
    PER_IMAGE,
    measure,
)
from alignment.task import SIZES, make_task
from harness.subjects import Run
from harness.tables import Column, Section, machine, parser, publish, rows, spread

SPEEDS = (
    Column("rollout, images/s", lambda run: run["rollout_images_s"]),
    Column("update, images/s", lambda run: run["update_images_s"]),
    Column("end to end, images/s", lambda run: run["iteration_images_s"]),
    Column("x the plain loop", lambda run: run["iteration_images_s"], beside=PER_IMAGE),
    Column("GFLOP an iteration", lambda run: run["iteration_gflop"], digits=1),
    Column("share of the core's matmul speed", lambda run: run["iteration_share"]),
    Column("in the rollout", lambda run: run["rollout_share"]),
    Column("in the update", lambda run: run["update_share"]),
)
FACTORS = (
    (
        PER_IMAGE,
        PER_GROUP,
        "engineering",
        "encode once, K images in a batch (the pipeline can do both)",
    ),
    (
        PER_GROUP,
        PER_GROUP_WINDOW,
        "algorithm",
        "noise and training in a window of 2 steps, not all but one",
    ),
    (PER_GROUP_WINDOW, OURS, "engineering", "editloop in place of the batched pipeline"),
    (OURS, OURS_UNGUIDED, "algorithm", "no classifier-free guidance"),
    (PER_IMAGE, OURS_UNGUIDED, "both", "all of it"),
)


def factors(runs: Mapping[str, Sequence[Run]]) -> list[list[str]]:
    """How many times more images a second each change gives, phase by phase, taken within a turn."""
    table = [["change", "kind", "rollout", "update", "end to end"]]
    for before, after, kind, what in FACTORS:
        cells = []
        for phase in ("rollout", "update", "iteration"):
            name = f"{phase}_images_s"
            column = Column(phase, lambda run, name=name: run[name], beside=before)
            cells.append(spread(column.values(after, runs), 2))
        table.append([what, kind, *cells])
    return table


def checks(runs: Mapping[str, Sequence[Run]]) -> list[list[str]]:
    """Largest deviations over all turns."""
    table = [["arm", "max abs(ratio - 1)", "latents off by", "gradient off by, relative"]]
    for name, made in runs.items():
        cells = [f"{max(run['ratio_error'] for run in made):.1e}"]
        cells += [
            f"{made[0][error]:.1e}" if error in made[0] else "reference"
            for error in ("latent_error", "gradient_error")
        ]
        table.append([name, *cells])
    return table


def sections(
    size: str, millions: float, runs: Mapping[str, Sequence[Run]], options: argparse.Namespace
) -> list[Section]:
    """The three tables of one network size.

    Args:
        size: Name of the size.
        millions: Parameters of its transformer, in millions.
        runs: As `measure` returns them.
        options: Of the command line.
    """
    ceilings = [run["ceiling_gflops"] for run in runs[PER_IMAGE]]
    speed = (
        f"Transformer of {millions:.1f} million parameters, 64 px, K = {options.group}, T = {options.steps}, guidance 4 unless a line "
        f"says none; CPU seconds of the process, median (min..max) of {options.repeats} turns. The core multiplies "
        f"{CEILING_SIDE} x {CEILING_SIDE} float32 matrices at {spread(ceilings, 0)} GFLOP/s of CPU time, measured at the start of "
        f"each turn; editloop replays {options.replay_rows or 'all'} samples at a time."
    )
    origin = (
        "Images a second after the change over images a second before it. What is marked algorithm changes what is computed, and any "
        "trainer can do it; engineering computes the same numbers in less time."
    )
    agreement = (
        "Each arm against one that draws the same noise: the second against the first, editloop against the pipeline with the same "
        "window and the same guidance."
    )
    return [
        Section(f"Speed, {size}", speed, rows(runs, SPEEDS, "arm"), runs),
        Section(f"Where the factors come from, {size}", origin, factors(runs), {}),
        Section(f"The arms agree, {size}", agreement, checks(runs), {}),
    ]


def arms_section(facts: Mapping[str, Any]) -> Section:
    """What is compared, and how far the figures can be trusted."""
    text = (
        "One step of Flow-GRPO on a toy-size Qwen-Image-Edit-Plus in float32 on one thread: draw K images of one case, update the LoRA. "
        f"The machine was shared with other work (load {facts['load_before']} on {facts['cores']} cores at the start), which CPU "
        "seconds feel through caches; factors are taken within a turn for that reason. On a GPU only the direction carries over."
    )
    table = [
        ["arm", "conditions", "images a network call", "trained steps", "guidance"],
        [PER_IMAGE, "encoded for each image", "1", "T - 1", "yes"],
        [PER_GROUP, "encoded once", "K", "T - 1", "yes"],
        [PER_GROUP_WINDOW, "encoded once", "K", "2", "yes"],
        [OURS, "encoded once", "K", "2", "yes"],
        [OURS_UNGUIDED, "encoded once", "K", "2", "no"],
    ]
    note = (
        "The plain loop puts the costliest habits of published trainers together; some of them batch a few images or encode ahead, "
        "which the second arm stands for. Both are written for this page: those repositories need pinned environments of their own "
        "and were not run. The pipeline arms call diffusers' own pipeline with `num_images_per_prompt=K`."
    )
    return Section("The arms", f"{text}\n\n{note}", table, {})


def main(arguments: Sequence[str]) -> None:
    options = parser(__doc__, repeats=5)
    options.set_defaults(own=True)
    options.add_argument("--sizes", nargs="+", choices=sorted(SIZES), default=["tiny", "small"])
    options.add_argument("--group", type=int, default=8, help="images of one case")
    options.add_argument("--steps", type=int, default=10, help="denoising steps")
    options.add_argument(
        "--replay-rows", type=int, default=8, help="samples a backward pass of editloop; 0 for all"
    )
    parsed = options.parse_args(arguments)
    torch.set_num_threads(1)
    facts = machine() | {
        package.__name__: package.__version__ for package in (torch, diffusers, transformers, peft)
    }
    made = [arms_section(facts)]
    for size in parsed.sizes:
        task = make_task(size, parsed.group, parsed.steps)
        runs = measure(task, parsed.repeats, parsed.replay_rows or None)
        made += sections(size, task.millions, runs, parsed)
    publish("align_step", "What a step of alignment costs", made, parsed, facts)


if __name__ == "__main__":
    main(sys.argv[1:])

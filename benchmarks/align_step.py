"""What one step of alignment costs: rollout of a group and update, written in five ways.

A toy-size Qwen-Image-Edit-Plus of random weights in float32 on one thread, Flow-GRPO with K images a group and T denoising
steps. The arms compute the same latents and gradients as their reference, which is checked before anything is timed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

import diffusers
import peft
import torch
import transformers

from alignment.measure import (
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


def sections(size: str, group: int, steps: int, repeats: int, replay_rows: int) -> list[Section]:
    """The three tables of one network size."""
    task = make_task(size, group, steps)
    millions = sum(weight.numel() for weight in task.pipeline.transformer.parameters()) / 1e6
    runs = measure(task, repeats, replay_rows or None)
    ceilings = [run["ceiling_gflops"] for run in runs[PER_IMAGE]]
    speed = (
        "The plain loop is written for this page after what published trainers do (conditions encoded for each sample, guidance, "
        "every step but the last noisy and trained, the network called image by image); their repositories need pinned "
        "environments of their own and were not run. The pipeline arms call diffusers' own pipeline with "
        "`num_images_per_prompt=K`, its conditions encoded once, and train a step of K images at a time; editloop replays "
        f"{replay_rows or 'all'} samples at a time. "
        f"Transformer of {millions:.1f} million parameters, 64 px, K = {group}, T = {steps}, guidance 4 unless a line says none; CPU "
        f"seconds of the process, median (min..max) of {repeats} turns. The core multiplies {task_side()} float32 matrices at "
        f"{spread(ceilings, 0)} GFLOP/s of CPU time, measured at the start of each turn."
    )
    return [
        Section(f"Speed, {size}", speed, rows(runs, SPEEDS, "arm"), runs),
        Section(
            f"Where the factors come from, {size}",
            "Images a second after the change over images a second before it. What is marked algorithm is a change of what is "
            "computed, open to any trainer; engineering computes the same numbers in less time.",
            factors(runs),
            {},
        ),
        Section(
            f"The arms agree, {size}",
            "Each arm against one that draws the same noise: the second against the first, editloop against the pipeline with the "
            "same window and the same guidance.",
            checks(runs),
            {},
        ),
    ]


def task_side() -> str:
    """Side of the matrices behind the ceiling, in words."""
    from alignment.measure import CEILING_SIDE

    return f"{CEILING_SIDE} x {CEILING_SIDE}"


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
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
        "peft": peft.__version__,
    }
    made = [
        section
        for size in parsed.sizes
        for section in sections(
            size, parsed.group, parsed.steps, parsed.repeats, parsed.replay_rows
        )
    ]
    publish("align_step", "What a step of alignment costs", made, parsed, facts)


if __name__ == "__main__":
    main(sys.argv[1:])

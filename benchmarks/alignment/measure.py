"""Arms in turns: CPU seconds, FLOPs, the ceiling of the core, and whether the arms agree."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from alignment.ours import Editloop
from alignment.plain import PerGroup, PerImage
from alignment.task import Arm, Outcome, Task
from harness.subjects import Run

CEILING_SIDE = 768

PER_IMAGE = "plain loop, image by image, all noisy"
PER_GROUP = "pipeline, K images a call, all noisy"
PER_GROUP_WINDOW = "pipeline, K images a call, window of 2"
OURS = "editloop, window of 2"
OURS_UNGUIDED = "editloop, window of 2, no guidance"

REFERENCES = {PER_GROUP: PER_IMAGE, OURS: PER_GROUP_WINDOW, OURS_UNGUIDED: None}
"""Arm -> the arm that must give the same latents and gradients; None: the pipeline without guidance, run once."""


def make_arms(task: Task, rows: int | None) -> dict[str, Arm]:
    """The five arms, in the order of the table."""
    return {
        PER_IMAGE: PerImage(task, task.full),
        PER_GROUP: PerGroup(task, task.full),
        PER_GROUP_WINDOW: PerGroup(task, task.window),
        OURS: Editloop(task, task.window, guided=True, rows=rows),
        OURS_UNGUIDED: Editloop(task, task.window, guided=False, rows=rows),
    }


def measure(task: Task, repeats: int, rows: int | None) -> dict[str, list[Run]]:
    """Every arm once to warm up and compare, once to count, then `repeats` times in turns."""
    arms = make_arms(task, rows)
    first = {name: arm.iterate(Outcome()) for name, arm in arms.items()}
    first |= {"": PerGroup(task, task.window, guided=False).iterate(Outcome())}
    compared = {name: agreement(name, first) for name in arms}
    work = {name: count_flops(arm) for name, arm in arms.items()}
    runs: dict[str, list[Run]] = {name: [] for name in arms}
    for turn in range(repeats):
        ceiling = matmul_flops_a_second()
        for name, arm in arms.items():
            outcome = arm.iterate(Outcome())
            runs[name].append(as_run(task, outcome, work[name], ceiling) | compared[name])
            took = sum(outcome.seconds.values())
            print(f"[{turn + 1}/{repeats}] {name}: {took:.2f} s", file=sys.stderr, flush=True)
    return runs


def as_run(task: Task, outcome: Outcome, work: Mapping[str, int], ceiling: float) -> Run:
    """Speeds in images a second, and shares of the ceiling."""
    run: Run = {"ceiling_gflops": ceiling / 1e9, "ratio_error": outcome.ratio_error}
    total = sum(outcome.seconds.values())
    for phase, seconds in (*outcome.seconds.items(), ("iteration", total)):
        flops = sum(work.values()) if phase == "iteration" else work[phase]
        run[f"{phase}_s"] = seconds
        run[f"{phase}_images_s"] = task.group / seconds
        run[f"{phase}_gflop"] = flops / 1e9
        run[f"{phase}_share"] = flops / seconds / ceiling
    return run


def agreement(name: str, first: Mapping[str, Outcome]) -> dict[str, float]:
    """Largest difference of latents and relative difference of gradients from the arm's reference."""
    if name not in REFERENCES:
        return {}
    mine, theirs = first[name], first[REFERENCES[name] or ""]
    return {
        "latent_error": float((mine.latents - theirs.latents).abs().max()),
        "gradient_error": float((mine.gradient - theirs.gradient).norm() / theirs.gradient.norm()),
    }


def count_flops(arm: Arm) -> dict[str, int]:
    """FLOPs of matrix products, convolutions and attention in the rollout and in the update.

    Attention is taken apart into matrix products while counting, since the fused CPU kernel is not counted.
    """
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        return arm.iterate(Outcome(counter)).flops


def matmul_flops_a_second(seconds: float = 0.3) -> float:
    """What one core does in float32 products of square matrices, by CPU time."""
    a, b = torch.rand(CEILING_SIDE, CEILING_SIDE), torch.rand(CEILING_SIDE, CEILING_SIDE)
    products, started = 0, time.process_time()
    while time.process_time() - started < seconds:
        a @ b
        products += 1
    return products * 2 * CEILING_SIDE**3 / (time.process_time() - started)

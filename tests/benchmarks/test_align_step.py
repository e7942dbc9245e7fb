"""The arms of the alignment benchmark do the same sums, and the cheaper ones do fewer of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("diffusers")

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def align_step() -> Iterator[ModuleType]:
    import torch

    torch.set_num_threads(1)
    sys.path.insert(0, str(BENCHMARKS))
    import align_step

    yield align_step
    sys.path.remove(str(BENCHMARKS))
    for name in [name for name in sys.modules if name.split(".")[0] in PACKAGES]:
        del sys.modules[name]


PACKAGES = {"harness", "peers", "alignment", "align_step"}


@pytest.fixture(scope="module")
def runs(align_step: ModuleType) -> dict[str, list[dict[str, Any]]]:
    task = align_step.make_task("tiny", group=2, steps=5)
    made: dict[str, list[dict[str, Any]]] = align_step.measure(task, repeats=1, rows=2)
    return made


def test_arms_give_the_same_latents_and_gradients(runs: dict[str, list[dict[str, Any]]]) -> None:
    compared = [made[0] for made in runs.values() if "latent_error" in made[0]]
    assert len(compared) == 3
    for run in compared:
        assert run["latent_error"] < 1e-5
        assert run["gradient_error"] < 1e-5


def test_replay_is_on_policy(runs: dict[str, list[dict[str, Any]]]) -> None:
    assert max(made[0]["ratio_error"] for made in runs.values()) < 1e-6


def test_window_and_no_guidance_save_work_and_batching_does_not(
    align_step: ModuleType, runs: dict[str, list[dict[str, Any]]]
) -> None:
    work = {name: made[0]["iteration_gflop"] for name, made in runs.items()}
    assert (
        work[align_step.PER_GROUP] < work[align_step.PER_IMAGE] < 1.1 * work[align_step.PER_GROUP]
    )
    assert work[align_step.PER_GROUP_WINDOW] < 0.75 * work[align_step.PER_GROUP]
    assert work[align_step.OURS] == pytest.approx(work[align_step.PER_GROUP_WINDOW], rel=0.05)
    assert work[align_step.OURS_UNGUIDED] < 0.65 * work[align_step.OURS]
    assert all(0 < made[0]["iteration_share"] < 1 for made in runs.values())


def test_tables_name_every_arm_and_factor(
    align_step: ModuleType, runs: dict[str, list[dict[str, Any]]]
) -> None:
    assert [row[0] for row in align_step.checks(runs)[1:]] == list(runs)
    kinds = [row[1] for row in align_step.factors(runs)[1:]]
    assert kinds == ["engineering", "algorithm", "engineering", "algorithm", "both"]

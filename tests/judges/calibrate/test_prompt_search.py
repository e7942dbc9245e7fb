"""Prompt versions chosen from a few labels of the storybook world's simulated raters."""

from __future__ import annotations

import math
from statistics import fmean

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.judges.calibrate.prompt_search import LabelledEdit, search_prompts
from editloop.world.oracle.verdicts import OracleScore
from editloop.world.raters import rate_many, rater_panel


def study(better: str, seed: int = 0) -> list[LabelledEdit]:
    """Two tasks of 160 edits; the version ``task-aware`` sees more than ``base`` in the task `better` alone."""
    rng = np.random.default_rng(seed)
    truth = {
        f"{task}-{n}": OracleScore(v, v, v, v, v > 4, None, "none")
        for task in ("swap", "removal")
        for n, v in enumerate(rng.uniform(1, 5, 160).tolist())
    }
    ratings = rate_many(rater_panel(4, seed), truth, seed)
    edits = []
    for uid, score in truth.items():
        task = uid.partition("-")[0]
        people = fmean(r.score for r in ratings if r.item == uid and r.axis == "overall")
        noise = {"base": 1.6, "task-aware": 0.5 if task == better else 1.6}
        seen = {name: score.overall + float(rng.normal(0, sd)) for name, sd in noise.items()}
        edits.append(
            LabelledEdit(uid, f"photo{int(uid.partition('-')[2]) // 2}", task, people, seen)
        )
    return edits


def test_a_better_version_is_found_for_its_task_and_holds_on_other_photographs() -> None:
    found = search_prompts(study("swap"), "base", labels=60, resamples=200)
    assert found.versions["swap"] == "task-aware"
    by_task = {one.task: one for one in found.tasks}
    assert by_task["swap"].labels == 60
    assert by_task["swap"].chosen_held_out > by_task["swap"].base_held_out + 0.1
    assert found.gain.low > 0
    assert found.chosen_pearson == pytest.approx(found.base_pearson + found.gain.value)


def test_where_no_version_is_better_the_base_mostly_stays() -> None:
    kept = sum(
        version == "base"
        for seed in range(5)
        for version in search_prompts(study("none", seed), "base", resamples=100).versions.values()
    )
    assert kept >= 6


def test_a_version_that_scores_too_little_is_not_chosen() -> None:
    edits = [
        LabelledEdit(
            e.uid, e.image, e.task, e.people, e.scores if n % 2 else {"base": e.scores["base"]}
        )
        for n, e in enumerate(study("swap"))
    ]
    assert set(search_prompts(edits, "base", resamples=50).versions.values()) == {"base"}


def test_too_few_labels_are_refused_and_few_of_a_task_keep_the_base() -> None:
    with pytest.raises(UsageError, match="too few"):
        search_prompts(study("swap")[:5], "base")
    rare = LabelledEdit("x", "photo0", "rare", 3.0, {"base": 3.0, "task-aware": 3.0})
    found = search_prompts([*study("swap"), rare], "base", resamples=50)
    (one,) = [task for task in found.tasks if task.task == "rare"]
    assert one.chosen == "base"
    assert math.isnan(one.base_held_out)

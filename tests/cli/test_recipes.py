"""The recipes on the command line: what they would cost, and what they refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from editloop.cli.mining import resolve_recipe
from editloop.core.errors import ConfigError, UsageError
from editloop.mine.recipe import RECIPES

DRAWN = ("nhr", "rewardedit", "realpref")


def editloop(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "editloop", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_plan_of_nhr_follows_its_settings() -> None:
    words = ("plan", "nhr", "--limit", "10", "--set", "draw.images=4", "--json")
    plan = json.loads(editloop(*words).stdout)
    assert plan["total"]["scene prompts"] == 10
    by_stage = {stage["stage"]: stage for stage in plan["stages"]}
    assert by_stage["gate"]["records"] == 40
    assert by_stage["draw_sources"]["cpu_seconds"] > 0
    assert plan["models"]["validator"] == "world:tiny-judge"


def test_drawing_recipes_refuse_photographs(tmp_path: Path) -> None:
    done = editloop("mine", "nhr", "--photos", str(tmp_path), "--out", str(tmp_path / "o"), code=2)
    assert "draws its own pictures" in done.stderr


@pytest.mark.parametrize("name", DRAWN)
def test_costs_and_time_shares_cover_the_stages(name: str) -> None:
    recipe = resolve_recipe(name, None, (), 5)
    names = [stage.name for stage in recipe.stages()]
    assert [cost.stage for cost in recipe.costs] == names
    assert list(recipe.time_shares) == names
    assert sum(recipe.time_shares.values()) == pytest.approx(1.0)
    assert recipe.seed == 5
    assert name in RECIPES


@pytest.mark.parametrize("name", DRAWN)
def test_a_limit_takes_the_first_inputs(name: str) -> None:
    recipe = resolve_recipe(name, None, (), 0)
    assert recipe.inputs(None, 2) == recipe.inputs(None, None)[:2]


def test_the_order_of_nhr_changes_its_costs_too() -> None:
    recipe = resolve_recipe("nhr", None, ("order=compose_first", "validator.min_adherence=4"), 0)
    assert [cost.stage for cost in recipe.costs][-3:] == [
        "compose",
        "judge_derived",
        "backward_consistency",
    ]


def test_wrong_settings_are_named() -> None:
    with pytest.raises(ConfigError, match=r"no setting is called 'draw\.image'; did you mean"):
        resolve_recipe("nhr", None, ("draw.image=3",), 0)
    with pytest.raises(ConfigError, match="cases"):
        resolve_recipe("realpref", None, ("cases=0",), 0)
    with pytest.raises(UsageError, match="does not exist"):
        resolve_recipe("rewardedit", None, ("dataset=nowhere",), 0).inputs(None, None)

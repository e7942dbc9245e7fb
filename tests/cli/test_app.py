"""The command line as people meet it: exit codes, messages, streams."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image


def editloop(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "editloop", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_help_lists_the_verbs_and_version_is_the_packages() -> None:
    text = editloop("--help").stdout
    assert all(verb in text for verb in ("loop", "mine", "view", "plan", "doctor"))
    assert editloop("--version").stdout.strip().count(".") == 2


def test_an_unknown_recipe_names_the_nearest(tmp_path: Path) -> None:
    done = editloop("mine", "photo", "--out", str(tmp_path / "run"), code=2)
    assert "did you mean 'photos'" in done.stderr
    assert done.stdout == ""


def test_an_unknown_setting_names_the_nearest(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg")
    done = editloop(
        "plan", "photos", "--photos", str(tmp_path), "--set", "objects.detectr=x", code=2
    )
    assert "detector" in done.stderr


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    done = editloop("plan", "photos", "--photos", str(tmp_path / "nowhere"), code=2)
    assert "not a folder" in done.stderr


def test_an_empty_folder_is_a_usage_error(tmp_path: Path) -> None:
    done = editloop("plan", "photos", "--photos", str(tmp_path), code=2)
    assert "holds no files" in done.stderr


def save(path: Path) -> None:
    Image.linear_gradient("L").convert("RGB").save(path)


def test_a_plan_counts_and_multiplies(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.png"):
        save(tmp_path / name)
    words = ("plan", "photos", "--photos", str(tmp_path), "--workers", "4", "--json")
    plan = json.loads(editloop(*words).stdout)
    assert plan["total"]["photographs"] == 2
    assert plan["total"]["served_model_calls"] == 0
    cpu_s = sum(stage["cpu_seconds"] for stage in plan["stages"])
    assert plan["total"]["wall_minutes"] == pytest.approx(cpu_s / 4 / 60)
    assert plan["models"]["detector"] == "embedded:nanodet"


def test_the_doctor_knows_assets_and_adapters() -> None:
    health = json.loads(editloop("doctor", "--json").stdout)
    specs = {row["spec"]: row for row in health["adapters"]}
    assert specs["embedded:nanodet"]["problem"] == ""
    assert {"nanodet", "isnet"} <= {row["name"] for row in health["assets"]}
    assert all(row["licence"] for row in health["assets"])


def test_viewing_something_else_says_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    done = editloop("view", str(tmp_path), code=2)
    assert str(tmp_path) in done.stderr

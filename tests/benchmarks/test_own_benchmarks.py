"""Every benchmark of our own engine runs, at a tiny size and without other engines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(script: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), "--own", "--json", "--repeats", "1", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    data: dict[str, Any] = json.loads(done.stdout)
    for runs in data["runs"].values():
        for name, made in runs.items():
            assert "problem" not in made[0], f"{name}: {made}"
    return data


def test_noop_stages() -> None:
    (runs,) = run("noop_stages.py", "--rows", "300")["runs"].values()
    assert {made[0]["records"] for made in runs.values()} == {300}
    assert all(made[0]["seconds"] > 0 for made in runs.values())


def test_image_pipeline() -> None:
    (runs,) = run("image_pipeline.py", "--images", "6", "--side", "128")["runs"].values()
    assert {name: made[0]["records"] for name, made in runs.items()} == {
        "bare loop, 2 processes": 6,
        "editloop, threads": 6,
        "editloop, processes": 6,
    }


def test_start_up() -> None:
    (runs,) = run("start_up.py")["runs"].values()
    assert runs["import editloop"][0]["cpu_s"] > 0
    assert runs["editloop: 10 records, 3 stages, journal"][0]["records"] == 10


def test_interruption_loses_nothing() -> None:
    data = run("interruption.py", "--rows", "120", "--call-seconds", "0.01")
    (runs,) = data["runs"].values()
    (made,) = runs["editloop"]
    assert (made["lost"], made["twice"]) == (0, 0)
    assert 0 <= made["repeated"] < made["killed_after"]


def test_poison_costs_only_the_poisoned() -> None:
    (runs,) = run("poison.py", "--rows", "400")["runs"].values()
    (made,) = runs["editloop"]
    assert (made["good"], made["explained"]) == (396, 4)


def test_model_calls() -> None:
    arguments = ["--calls", "100", "--latency", "0.01", "--allowed", "200", "--storm-calls", "60"]
    runs = run("model_calls.py", *arguments)["runs"]
    made = runs["Again"]["editloop: kept replies, pace, budgets"][0]
    assert (made["good"], made["server_calls"]) == (100, 100)
    assert (made["again_calls"], made["grown_calls"]) == (0, 1)
    assert [run[0]["good"] for run in runs["A storm of 429s"].values()] == [60]


def test_scaling() -> None:
    data = run("scaling.py", "--sizes", "20", "40")
    for runs in data["runs"].values():
        assert [made[0]["records"] for made in runs.values()] == [20, 40]
        assert all(made[0]["stored_bytes"] > 0 for made in runs.values())


@pytest.mark.parametrize("peer", ["daft", "datasets", "ray", "distilabel", "data_juicer", "openai"])
def test_environments_are_pinned_and_without_torch(peer: str) -> None:
    lines = (BENCHMARKS / "peers" / "requirements" / f"{peer}.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert len(pins) > 5
    assert all(pin.count("==") == 1 for pin in pins)
    assert not [pin for pin in pins if pin.startswith(("torch", "nvidia", "triton"))]

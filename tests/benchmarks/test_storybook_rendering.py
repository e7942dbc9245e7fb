"""The storybook benchmark counts every case once, whether one process draws them or two."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "storybook_rendering.py"


def test_one_process_and_two_draw_all_cases() -> None:
    options = [
        "--own",
        "--json",
        "--repeats",
        "1",
        "--work",
        "drawn",
        "--cases",
        "8",
        "--warm-up",
        "50",
    ]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (runs,) = json.loads(done.stdout)["runs"].values()
    assert list(runs) == ["drawn, 1 process", "drawn, 2 processes"]
    for (made,) in runs.values():
        assert made["cases"] == 8
        assert made["wall_s"] > 0
        assert made["cpu_s"] > 0

"""What the benchmarks measure with: process trees, medians, ratios."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

MEASURE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from harness.process_tree import descendants, run_measured
made = run_measured([sys.executable, "-c", sys.argv[2]], timeout_s=float(sys.argv[3]))
print(json.dumps({"status": made.status, "stdout": made.stdout, "wall_s": made.wall_s, "cpu_s": made.cpu_s,
                  "peak_mb": made.peak_mb, "stopped": made.stopped, "left": len(descendants())}))
"""

BURN = "import time\nwhile time.process_time() < 0.4: pass"


def measured(code: str, timeout_s: float = 60.0) -> dict[str, Any]:
    """Measured from a process of its own, because measuring adopts orphans and reaps every child."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(BENCHMARKS), code, str(timeout_s)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    made: dict[str, Any] = json.loads(done.stdout)
    return made


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import harness.tables

    yield harness.tables
    for name in [name for name in sys.modules if name.split(".")[0] in {"harness", "peers"}]:
        del sys.modules[name]


def test_cpu_and_output_of_a_process() -> None:
    made = measured(f"{BURN}\nprint('done')")
    assert made["stdout"] == "done\n"
    assert made["status"] == 0
    assert 0.4 <= made["cpu_s"] < 2.0


def test_memory_of_children_counts() -> None:
    hold = "import time; held = b'x' * 60_000_000; time.sleep(0.6)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    assert 60 < measured(code)["peak_mb"] < 160


def test_orphans_are_counted_and_gone() -> None:
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN!r}], start_new_session=True)"
    made = measured(code)
    assert made["cpu_s"] >= 0.4
    assert made["left"] == 0


def test_a_tree_that_takes_too_long_is_killed() -> None:
    made = measured("import time; time.sleep(60)", timeout_s=0.5)
    assert made["stopped"]
    assert made["wall_s"] < 10
    assert made["left"] == 0


def test_ratios_are_taken_within_a_turn(tables: ModuleType) -> None:
    runs = {
        "bare": [{"s": 1.0}, {"s": 4.0}, {"s": 2.0}],
        "ours": [{"s": 2.0}, {"s": 8.0}, {"s": 6.0}],
    }
    column = tables.Column("x", lambda run: run["s"], 1, beside="bare")
    assert column.values("ours", runs) == [2.0, 2.0, 3.0]
    table = tables.rows(runs, [column], "engine")
    assert table[2] == ["ours", "2.0 (2.0..3.0)"]


def test_a_subject_that_cannot_run_says_why(tables: ModuleType) -> None:
    runs = {"bare": [{"s": 1.0}], "peer": [{"problem": "not installed"}]}
    columns = [
        tables.Column("s", lambda run: run["s"]),
        tables.Column("x", lambda run: run["s"], beside="bare"),
    ]
    assert tables.rows(runs, columns, "engine")[2] == ["peer", "not installed", "-"]


def test_markdown_lines_up(tables: ModuleType) -> None:
    lines = tables.as_markdown([["a", "bb"], ["long name", "1"]]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].endswith(":|") or lines[1].endswith(": |")


def test_spread_of_one_value_has_no_range(tables: ModuleType) -> None:
    assert tables.spread([2.0, 2.0], 1) == "2.0"
    assert tables.spread([1.0, 3.0, 2.0], 0) == "2 (1..3)"
    assert tables.spread([], 1) == "-"
    assert math.isclose(float(tables.spread([1234.5], 1).replace(",", "")), 1234.5)

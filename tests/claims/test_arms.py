"""The store of arms: computed once, apart by settings, and no longer than the hours that were asked for."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from editloop.claims.arms import ArmResult, ArmStore, CurvePoint, OutOfTimeError, score_table


class Counting:
    """Computes a result and counts how often."""

    def __init__(self, value: float = 1.0) -> None:
        self.value, self.times = value, 0

    def __call__(self, folder: Path) -> ArmResult:
        self.times += 1
        (folder / "trained").write_text("weights")
        return ArmResult(arm="a/b", seed=0, scores={"overall": [self.value]}, cpu_seconds=2.0)


def test_an_arm_is_computed_once_a_folder(tmp_path: Path) -> None:
    compute, heard = Counting(), list[str]()
    first = ArmStore(tmp_path, None, heard.append).result("a/b", 0, {"rate": 0.1}, compute)
    store = ArmStore(tmp_path, None, heard.append)
    again = store.result("a/b", 0, {"rate": 0.1}, compute)
    assert first == again
    assert (compute.times, heard) == (1, ["a/b, seed 0"])
    folder = store.arm_folder("a/b", 0, {"rate": 0.1})
    assert store.used == {folder: first}
    assert (folder / "trained").read_text() == "weights"


def test_other_settings_and_seeds_are_other_arms(tmp_path: Path) -> None:
    compute, store = Counting(), ArmStore(tmp_path, None)
    store.result("a/b", 0, {"rate": 0.1}, compute)
    store.result("a/b", 0, {"rate": 0.2}, compute)
    store.result("a/b", 1, {"rate": 0.1}, compute)
    assert compute.times == 3
    assert len(store.used) == 3


def test_an_arm_that_broke_off_is_computed_again(tmp_path: Path) -> None:
    def breaks(folder: Path) -> ArmResult:
        (folder / "checkpoint").write_text("half")
        raise KeyboardInterrupt

    store, compute = ArmStore(tmp_path, None), Counting()
    with pytest.raises(KeyboardInterrupt):
        store.result("a/b", 0, {}, breaks)
    assert store.used == {}
    store.result("a/b", 0, {}, compute)
    assert compute.times == 1
    assert (store.arm_folder("a/b", 0, {}) / "checkpoint").read_text() == "half"


def test_out_of_time_nothing_new_is_begun(tmp_path: Path) -> None:
    compute = Counting()
    done = ArmStore(tmp_path, None).result("a/b", 0, {}, compute)
    late = ArmStore(tmp_path, 0.0)
    time.sleep(0.001)
    assert late.hours_left() == 0
    assert late.result("a/b", 0, {}, compute) == done
    with pytest.raises(OutOfTimeError, match="run again"):
        late.result("a/b", 1, {}, compute)
    late.result("base", 0, {}, compute, needed=True)
    assert compute.times == 2
    assert ArmStore(tmp_path, None).hours_left() is None


def test_who_asks_for_an_arm_in_the_making_waits_for_it(tmp_path: Path) -> None:
    begun = threading.Event()
    compute = Counting()

    def slow(folder: Path) -> ArmResult:
        begun.set()
        time.sleep(0.1)
        return compute(folder)

    one, other = ArmStore(tmp_path, None), ArmStore(tmp_path, None)
    thread = threading.Thread(target=lambda: one.result("a/b", 0, {}, slow))
    thread.start()
    begun.wait(5)
    found = other.result("a/b", 0, {}, compute)
    thread.join()
    assert compute.times == 1
    assert found.scores == {"overall": [1.0]}


def test_scores_stand_in_rows_by_seed() -> None:
    results = [
        ArmResult(arm="x", seed=seed, scores={"overall": [seed, seed + 1]}, cpu_seconds=0)
        for seed in range(3)
    ]
    np.testing.assert_array_equal(score_table(results, "overall"), [[0, 1], [1, 2], [2, 3]])


def test_a_curve_is_read_between_its_looks() -> None:
    looks = ((0, 0.0, 2.0), (600, 40.0, 2.6), (1200, 90.0, 2.8))
    curve = tuple(
        CurvePoint(
            step=n, rollouts=n, cpu_seconds=seconds, oracle=score, held_out_judge=3, right=0.1
        )
        for n, seconds, score in looks
    )
    arm = ArmResult(arm="a/b", seed=0, scores={}, cpu_seconds=90.0, curve=curve)
    assert arm.oracle_at("rollouts", 300) == pytest.approx(2.3)
    assert arm.oracle_at("cpu_seconds", 65) == pytest.approx(2.7)
    assert arm.oracle_at("rollouts", 9999) == 2.8

from __future__ import annotations

from pathlib import Path

import pytest
import toys

from editloop.engine import RunResult, run_pipeline
from editloop.store.runs import read_manifest


def texts(result: RunResult) -> list[str]:
    with result:
        return sorted(record.text for record in result.records())


def test_without_a_folder_records_pass_in_order() -> None:
    with run_pipeline(
        [toys.Shout(toys.CallLog()), toys.Even(toys.NoConfig())], toys.words(10)
    ) as result:
        assert [r.text for r in result.records()] == [f"WORD {n}!" for n in range(0, 10, 2)]
        rejected = list(result.rejected())
        assert {r.reason for r in rejected} == {"odd"}
        assert rejected[0].record == toys.Word(id=rejected[0].record_id, text="WORD 1!")
        folder = result.run_dir
    assert not folder.exists()


@pytest.mark.parametrize("stage", [toys.Shout, toys.ShoutInThread, toys.ShoutInProcess])
def test_every_lane_gives_the_same_records(stage: type[toys.Shout], tmp_path: Path) -> None:
    stages = [stage(toys.CallLog()), toys.Even(toys.NoConfig()), toys.Twice(toys.NoConfig())]
    result = run_pipeline(stages, toys.words(40), run_dir=tmp_path, workers=2)
    first, even, twice = result.counts
    assert (first.taken, first.kept, even.kept, even.dropped["odd"]) == (40, 40, 20, 20)
    assert (twice.kept, twice.out) == (20, 40)
    assert texts(result) == sorted(f"WORD {n}! {x}" for n in range(0, 40, 2) for x in "ab")


def test_a_second_run_computes_nothing(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    stages = [
        toys.Shout(toys.CallLog(path=str(log))),
        toys.FirstHalf(toys.NoConfig()),
        toys.Even(toys.NoConfig()),
    ]
    first = run_pipeline(stages, toys.words(300), run_dir=tmp_path / "run")
    before = texts(first), list(first.rejected())
    again = run_pipeline(stages, toys.words(300), run_dir=tmp_path / "run")
    assert again.computed == 0
    assert (texts(again), list(again.rejected())) == before
    assert sum(toys.calls(log).values()) == 300
    assert [a.status for a in read_manifest(tmp_path / "run").attempts] == ["done", "done"]


@pytest.mark.parametrize("power", [False, True])
def test_images_cross_processes(tmp_path: Path, power: bool) -> None:
    stages = [toys.Draw(toys.CallLog()), toys.Look(toys.NoConfig())]
    with run_pipeline(
        stages, toys.words(20), run_dir=tmp_path, run_seed=5, workers=2, survive_power_loss=power
    ) as result:
        records = list(result.records())
        assert len(records) == 20
        assert result.images.load(records[0].picture).shape == (24, 16, 3)
        pictures = {r.text: r.picture.sha256 for r in records}
    inline = [toys.DrawInline(toys.CallLog())]
    with run_pipeline(inline, toys.words(2), run_seed=5) as result:
        assert {r.picture.sha256 for r in result.records()}.isdisjoint(pictures.values())

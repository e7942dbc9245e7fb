"""What is computed again, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import toys

from editloop.core.errors import StageError
from editloop.engine import RunProgress, RunResult, Stage, run_pipeline


def pipeline(log: Path, suffix: str = "!") -> list[Stage]:
    return [
        toys.Leave(toys.NoConfig()),
        toys.Shout(toys.CallLog(path=str(log), suffix=suffix)),
        toys.Even(toys.NoConfig()),
        toys.Twice(toys.NoConfig()),
    ]


def run(tmp_path: Path, stages: list[Stage], count: int = 200, seed: int = 0) -> list[int]:
    """How many records each stage computed."""
    with run_pipeline(stages, toys.words(count), run_dir=tmp_path / "run", run_seed=seed) as result:
        return [stage.computed for stage in result.counts]


def test_a_changed_setting_redoes_its_stage_and_what_follows(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    assert run(tmp_path, pipeline(log)) == [200, 200, 200, 100]
    assert run(tmp_path, pipeline(log, "?")) == [0, 200, 200, 100]
    assert run(tmp_path, pipeline(log)) == [0, 0, 0, 0], (
        "the old settings' outcomes are still there"
    )


def test_a_changed_stage_redoes_only_records_that_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls"
    run(tmp_path, pipeline(log))
    monkeypatch.setattr(toys.Leave, "version", "2")
    monkeypatch.setattr(toys.Leave, "changed", "word 7")
    assert run(tmp_path, pipeline(log)) == [200, 11, 11, 11]


def test_new_inputs_cost_only_themselves(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    run(tmp_path, pipeline(log), 200)
    assert run(tmp_path, pipeline(log), 202) == [2, 2, 2, 1]
    with run_pipeline(pipeline(log), toys.words(10), run_dir=tmp_path / "run") as result:
        assert result.computed == 0
        assert len(list(result.records())) == 10, "only what this run's inputs became"
        assert len(list(result.rejected())) == 5


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    stages = [toys.DrawInline(toys.CallLog())]
    assert run(tmp_path, stages, 5, seed=1) == [5]
    assert run(tmp_path, stages, 5, seed=2) == [5]
    assert run(tmp_path, stages, 5, seed=1) == [0]


def test_model_versions_are_part_of_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = [toys.Shout(toys.CallLog())]
    assert run(tmp_path, stages, 5) == [5]
    monkeypatch.setattr(toys.Shout, "model_versions", {"nanodet": "2"})
    assert run(tmp_path, stages, 5) == [5]


def test_a_reduction_depends_on_all_records(tmp_path: Path) -> None:
    stages = [toys.FirstHalf(toys.NoConfig()), toys.Shout(toys.CallLog())]
    assert run(tmp_path, stages, 100) == [100, 50]
    assert run(tmp_path, stages, 100) == [0, 0]
    computed = run(tmp_path, stages, 102)
    assert computed[0] == 102
    assert computed[1] <= 2, "records that passed again unchanged are not shouted again"


def test_a_shorter_pipeline_finds_its_records(tmp_path: Path) -> None:
    """The filter's rows hold no records while it stands in the middle; as the last stage it must show them."""
    log = tmp_path / "calls"
    run(tmp_path, pipeline(log))
    for _ in range(2):
        with run_pipeline(pipeline(log)[:3], toys.words(200), run_dir=tmp_path / "run") as result:
            assert result.computed == 0
            assert len(list(result.records())) == 100
    assert run(tmp_path, pipeline(log)) == [0, 0, 0, 0]


def test_inputs_with_the_same_id_count_once(tmp_path: Path) -> None:
    twice = [*toys.words(10), *toys.words(5)]
    with run_pipeline([toys.Shout(toys.CallLog())], twice, run_dir=tmp_path) as result:
        assert (result.inputs, result.duplicates) == (10, 5)
        assert len(list(result.records())) == 10


def test_no_inputs_is_a_run_too(tmp_path: Path) -> None:
    stages = [toys.FirstHalf(toys.NoConfig()), toys.ShoutInProcess(toys.CallLog())]
    with run_pipeline(stages, [], run_dir=tmp_path) as result:
        assert list(result.records()) == []
        assert result.counts[1].taken == 0


def test_a_result_opens_again(tmp_path: Path) -> None:
    stages = [toys.Shout(toys.CallLog()), toys.Even(toys.NoConfig())]
    with run_pipeline(stages, toys.words(20), run_dir=tmp_path) as first:
        expected = list(first.records()), list(first.rejected()), first.counts
    with RunResult.open(tmp_path, stages) as result:
        again = list(result.records()), list(result.rejected()), result.counts
    assert again[:2] == expected[:2]
    assert [c.as_json() for c in again[2]] == [c.as_json() for c in expected[2]]


def test_a_stage_that_changed_without_a_new_version_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a number has no JSON, so such a record cannot be kept."""
    stages = [toys.NotFinite(toys.NoConfig()), toys.Measure(toys.NoConfig())]
    run(tmp_path, stages, 1)
    monkeypatch.setattr(toys.Measure, "version", "2")
    with pytest.raises(StageError, match="cannot be read back"):
        run(tmp_path, stages, 1)


def test_progress_ends_with_the_truth(tmp_path: Path) -> None:
    seen: list[tuple[int, int | None, int]] = []

    def watch(state: RunProgress) -> None:
        seen.append((state.inputs, state.total, state.stages[-1].taken))

    stages = [toys.ShoutInThread(toys.CallLog())]
    run_pipeline(stages, iter(toys.words(64)), run_dir=tmp_path, progress=watch).close()
    assert seen[-1] == (64, 64, 64)

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import toys

from editloop.core.errors import PrerequisiteError, StageError, StoreError, UsageError
from editloop.engine import run_pipeline
from editloop.engine.ray import run_on_ray
from editloop.engine.shards import Shard, join_shards, run_shard, shard_from_environment

STAGES = [toys.DrawInline(toys.CallLog()), toys.DrawnEven(toys.NoConfig())]


def test_shards_joined_are_the_whole(tmp_path: Path) -> None:
    for index in range(3):
        run_shard(STAGES, toys.words(60), Shard(index, 3), run_dir=tmp_path, run_seed=1).close()
    with (
        run_pipeline(STAGES, toys.words(60), run_seed=1, run_dir=tmp_path / "one") as whole,
        join_shards(STAGES, tmp_path, 3) as joined,
    ):
        records = list(joined.records())
        assert records == list(whole.records())
        assert len(list(joined.rejected())) == 30
        assert [c.taken for c in joined.counts] == [c.taken for c in whole.counts]
        sha256 = records[0].picture.sha256
        assert joined.load_bytes(sha256) == whole.image_bytes(sha256)
        with pytest.raises(StoreError, match="no shard has"):
            joined.load_bytes("0" * 64)


def test_joining_waits_for_all(tmp_path: Path) -> None:
    run_shard(STAGES, toys.words(10), Shard(0, 2), run_dir=tmp_path).close()
    with pytest.raises(StoreError, match="lacks 1 of 2 shards, the first is 00001-of-00002"):
        join_shards(STAGES, tmp_path, 2)


def test_a_reduction_cannot_be_sharded(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="'first_half' must see all"):
        run_shard([toys.FirstHalf(toys.NoConfig())], [], Shard(0, 2), run_dir=tmp_path)


def test_slurm_says_which_shard() -> None:
    task = {
        "SLURM_ARRAY_TASK_ID": "7",
        "SLURM_ARRAY_TASK_COUNT": "4",
        "SLURM_ARRAY_TASK_MIN": "5",
        "SLURM_ARRAY_TASK_MAX": "8",
    }
    assert shard_from_environment(task) == Shard(2, 4)
    assert shard_from_environment({}) is None
    with pytest.raises(UsageError, match="without gaps"):
        shard_from_environment({**task, "SLURM_ARRAY_TASK_MAX": "11"})


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")
def test_ray_is_asked_for_by_its_extra(tmp_path: Path) -> None:
    with pytest.raises(PrerequisiteError, match=r"pip install 'editloop\[ray\]'"):
        run_on_ray(STAGES, [], run_dir=tmp_path, shards=2, actors=1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_ray_actors_lease_shards(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False)
    try:
        with (
            run_on_ray(STAGES, toys.words(60), run_dir=tmp_path, shards=4, actors=2) as joined,
            run_pipeline(STAGES, toys.words(60), run_dir=tmp_path / "one") as whole,
        ):
            assert list(joined.records()) == list(whole.records())
    finally:
        ray.shutdown()

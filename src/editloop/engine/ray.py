"""Ray as the launcher of shards: actors lease a shard, run the engine on it, and come back for the next.

Only small JSON crosses Ray's object store: images stay in the run folder, which all nodes must share.
"""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from editloop.core.errors import PrerequisiteError, StageError
from editloop.engine.plan import check_pipeline
from editloop.engine.shards import JoinedResult, Shard, check_shardable, join_shards, shard_of
from editloop.engine.stage import Stage, output_id
from editloop.engine.wire import ClassAddress, StageAddress, make_stage
from editloop.engine.workers import address

LEASES: Final = 3
"""Times that a shard is handed out before the run gives up: a node may be lost."""


def run_on_ray(
    stages: Sequence[Stage[Any, Any, Any]],
    inputs: Iterable[BaseModel],
    *,
    run_dir: Path,
    shards: int,
    actors: int,
    run_seed: int = 0,
    workers: int = 1,
    actor_options: dict[str, Any] | None = None,
) -> JoinedResult:
    """Run `inputs` through `stages` on a Ray cluster (a local one is started where none is connected).

    Args:
        stages: The pipeline; every class must be importable on the nodes.
        inputs: What the first stage takes.
        run_dir: Folder that all nodes share.
        shards: Number of shards; keep it when a run is resumed.
        actors: Shards that run at a time.
        run_seed: Seed from which stages derive theirs.
        workers: Threads and processes that each actor uses.
        actor_options: Ray's options for an actor, such as ``{"num_gpus": 1}``.

    Raises:
        PrerequisiteError: when Ray is not installed.
        StageError: when a shard failed, or its actor died `LEASES` times.
    """
    ray = _import_ray()
    check_pipeline(stages)
    check_shardable(stages)
    texts: list[list[str]] = [[] for _ in range(shards)]
    for record in inputs:
        texts[shard_of(output_id(record), shards)].append(record.model_dump_json())
    addresses = [address(stage).model_dump_json() for stage in stages]
    job = {"run_dir": str(run_dir.absolute()), "run_seed": run_seed, "workers": workers}
    options = {"num_cpus": workers, **(actor_options or {})}
    make = ray.remote(**options)(_Leaseholder).remote

    def hire() -> Any:
        return make(addresses, ClassAddress.of(stages[0].input).model_dump_json(), job)

    _lease_all(ray, hire, actors, texts)
    return join_shards(stages, run_dir, shards)


def _lease_all(ray: Any, hire: Any, actors: int, texts: list[list[str]]) -> None:
    """Hand out every shard until all are done."""
    count = len(texts)
    waiting = deque(range(count))
    leases = [0] * count
    idle = [hire() for _ in range(min(actors, count))]
    busy: dict[Any, tuple[Any, int]] = {}
    while waiting or busy:
        while idle and waiting:
            index, actor = waiting.popleft(), idle.pop()
            leases[index] += 1
            busy[actor.work.remote(index, count, texts[index])] = (actor, index)
        (done, *_), _ = ray.wait(list(busy), num_returns=1)
        actor, index = busy.pop(done)
        try:
            ray.get(done)
        except ray.exceptions.RayActorError as error:
            if leases[index] == LEASES:
                raise StageError(
                    f"the actor of shard {index} died {LEASES} times: {error}"
                ) from error
            waiting.append(index)
            actor = hire()
        except ray.exceptions.RayTaskError as error:
            raise StageError(f"shard {index} failed: {error.cause}") from error
        idle.append(actor)


class _Leaseholder:
    """Runs on a node."""

    def __init__(self, addresses: list[str], input_class: str, job: dict[str, Any]) -> None:
        self._stages = [make_stage(StageAddress.model_validate_json(text)) for text in addresses]
        self._input: Any = ClassAddress.model_validate_json(input_class).load()
        self._job = job

    def work(self, index: int, count: int, texts: list[str]) -> None:
        from editloop.engine.shards import run_shard

        inputs = [self._input.model_validate_json(text) for text in texts]
        run_shard(
            self._stages,
            inputs,
            Shard(index, count),
            run_dir=Path(self._job["run_dir"]),
            run_seed=self._job["run_seed"],
            workers=self._job["workers"],
        ).close()


def _import_ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise PrerequisiteError("Ray is not installed: pip install 'editloop[ray]'") from error

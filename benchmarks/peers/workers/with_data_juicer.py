"""data-juicer's default executor, with operators of our own.

After every operator it empties a GPU's cache and would install torch for that. Here that step does nothing, which can only
make it faster.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from peers.workers import rows as work
from peers.workers.protocol import Clock, serve

OPERATORS = Path(__file__).with_name("data_juicer_operators.py")


def _run(
    scratch: str, samples: Iterable[dict[str, Any]], process: list[dict[str, Any]], out: str
) -> tuple[Path, float]:
    """Write the input and a configuration, run the executor; returns the export and the run's seconds."""
    from data_juicer.config import init_configs
    from data_juicer.core import DefaultExecutor
    from data_juicer.ops import base_op

    base_op.free_models = lambda: None
    source, config = Path(scratch, "in.jsonl"), Path(scratch, "config.yaml")
    export = Path(scratch, "export", out)
    with source.open("w") as file:
        file.writelines(json.dumps(sample) + "\n" for sample in samples)
    settings = {
        "project_name": "benchmark",
        "dataset_path": str(source),
        "export_path": str(export),
        "work_dir": str(Path(scratch, "work")),
        "np": 2,
        "text_keys": "text",
        "custom_operator_paths": [str(OPERATORS)],
        "process": process,
    }
    config.write_text(yaml.safe_dump(settings))
    clock = Clock()
    DefaultExecutor(init_configs(["--config", str(config)])).run()
    return export, clock.seconds()


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _three_stages(count: int, scratch: str, kind: str) -> dict[str, Any]:
    process = [{f"{name}_{kind}_mapper": {}} for name in ("tidy", "count", "rate")]
    export, seconds = _run(scratch, work.make_rows(count), process, "rows.jsonl")
    work.check(sum(row["score"] for row in _lines(export)), count)
    return {"records": count, "seconds": seconds, "version": version("py-data-juicer")}


def rows(count: int, scratch: str, *, batch: bool) -> dict[str, Any]:
    """The three stages as batched or single-sample operators."""
    return _three_stages(count, scratch, "batch" if batch else "single")


def images(folder: str, kernel: str, scratch: str) -> dict[str, Any]:
    """The kernels in one batched mapper with two processes; the result goes to Parquet."""
    import pyarrow.parquet as pq

    from peers.workers import kernels

    samples = [{"text": "", "path": path} for path in kernels.paths(folder)]
    process = [{"shrink_mapper": {"kernel": kernel, "batch_size": 64}}]
    export, seconds = _run(scratch, samples, process, "small.parquet")
    kernels.check(pq.read_metadata(export).num_rows, len(samples))
    return {"records": len(samples), "seconds": seconds, "version": version("py-data-juicer")}


def poison(count: int, scratch: str) -> dict[str, Any]:
    """Rows of which every hundredth raises, in a batched operator with the default settings."""
    samples = ({"text": "row", "number": number} for number in range(count))
    export, _ = _run(scratch, samples, [{"swallow_mapper": {}}], "rows.jsonl")
    return {"good": len(_lines(export)), "explained": 0}


if __name__ == "__main__":
    serve(rows=rows, images=images, poison=poison)

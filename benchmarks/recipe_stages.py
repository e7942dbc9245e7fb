"""What each stage of the photos recipe costs: `python benchmarks/recipe_stages.py PHOTOS [--count 40]`.

Every stage runs alone, in a process of its own, on what the stage before it made: one record at a time on one core, its
images in packs as in a real run. The last lines are what `src/editloop/mine/costs.py` ships.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.process_tree import run_measured
from harness.subjects import Run
from harness.tables import Column, Section, machine, parser, publish, rows

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1") | {
    "OPENCV_FOR_THREADS_NUM": "1"
}


def run_stage(number: int, folder: Path, seed: int) -> Run:
    """Run one stage on the records in `folder` and leave there what it makes."""
    from editloop.engine.context import StoreContext
    from editloop.engine.execute import execute, open_stage
    from editloop.engine.stage import Kept, Scope
    from editloop.mine.recipe import PhotosRecipe
    from editloop.store.blobs import BlobStore
    from editloop.store.packs import BlobLocation

    stage = PhotosRecipe().stages()[number]
    index = folder / "index.json"
    places = json.loads(index.read_text()) if index.exists() else {}
    store = BlobStore(
        folder / "blobs", lambda key: BlobLocation(*places[key]) if key in places else None
    )
    records = [
        stage.input.model_validate_json(line)
        for line in (folder / f"{number}.jsonl").read_text().splitlines()
    ]
    idle_mb = _peak_mb()
    began = time.process_time()
    open_stage(stage, StoreContext(store, seed))
    opened = time.process_time()
    batches = [records] if stage.scope is Scope.ALL else [[record] for record in records]
    started = time.perf_counter()
    outcomes = [outcome for batch in batches for outcome in execute(stage, batch)[0]]
    run_s, run_cpu_s = time.perf_counter() - started, time.process_time() - opened
    made = [
        record for outcome in outcomes if isinstance(outcome, Kept) for record in outcome.records
    ]
    (folder / f"{number + 1}.jsonl").write_text(
        "".join(record.model_dump_json() + "\n" for record in made)
    )
    blobs = store.drain()
    index.write_text(json.dumps({**places, **dict(blobs)}))
    ends = Counter(
        str(getattr(outcome, "reason", None) or getattr(outcome, "error", ""))
        for outcome in outcomes
        if not isinstance(outcome, Kept)
    )
    return {
        "stage": stage.name,
        "records": len(records),
        "made": len(made),
        "ended": dict(ends.most_common()),
        "seconds": run_s,
        "cpu_run_s": run_cpu_s,
        "open_cpu_s": opened - began,
        "stored_bytes": sum(location.length for _, location in blobs),
        "idle_mb": idle_mb,
        "peak_mb": _peak_mb(),
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(photos: Path, count: int, seed: int) -> dict[str, list[Run]]:
    """Every stage, each in its own process."""
    from editloop.mine.photos import photo_files, unique
    from editloop.mine.recipe import PhotosRecipe

    files = list(unique(photo_files(photos)))
    chosen = random.Random(seed).sample(files, min(count, len(files)))
    runs: dict[str, list[Run]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-recipe-") as made:
        folder = Path(made)
        (folder / "0.jsonl").write_text("".join(file.model_dump_json() + "\n" for file in chosen))
        for number in range(len(PhotosRecipe().stages())):
            job = json.dumps({"number": number, "folder": made, "seed": seed})
            finished = run_measured(
                [sys.executable, __file__, "--stage", job], ONE_THREAD, timeout_s=3600
            )
            if finished.status != 0:
                sys.exit(finished.stderr)
            run = json.loads(finished.stdout.splitlines()[-1])
            runs[run["stage"]] = [run]
            print(f"{run['stage']}: {run['records']} -> {run['made']}", file=sys.stderr, flush=True)
    return runs


def _each(run: Run, name: str) -> float:
    return float(run[name] / max(run["records"], 1))


COLUMNS = [
    Column("records in", lambda run: float(run["records"]), 0),
    Column("out", lambda run: float(run["made"]), 0),
    Column("records/s on one core", lambda run: run["records"] / max(run["seconds"], 1e-9), 1),
    Column("CPU s/record", lambda run: _each(run, "cpu_run_s"), 4),
    Column("yield", lambda run: _each(run, "made")),
    Column("KB stored/record", lambda run: _each(run, "stored_bytes") / 1e3, 0),
    Column("open, CPU s", lambda run: float(run["open_cpu_s"])),
    Column("peak MB", lambda run: float(run["peak_mb"]), 0),
]


def shipped(runs: dict[str, list[Run]]) -> str:
    """The lines of `costs.py`, and the shares of the run time."""
    firsts = [made[0] for made in runs.values()]
    lines = [
        f'    StageCost("{run["stage"]}", {_each(run, "cpu_run_s"):.4g}, {_each(run, "made"):.3g}, '
        f"{round(_each(run, 'stored_bytes')):_}),"
        for run in firsts
    ]
    whole = sum(run["cpu_run_s"] for run in firsts)
    shares = {run["stage"]: round(run["cpu_run_s"] / whole, 3) for run in firsts}
    listed = {name: share for name, share in shares.items() if share >= 0.005}
    return "\n".join(
        [
            "PHOTOS_COSTS: tuple[StageCost, ...] = (",
            *lines,
            ")",
            f"TIME_SHARES = {json.dumps(listed)}",
        ]
    )


def ends(runs: dict[str, list[Run]]) -> list[list[str]]:
    """Why records ended, by stage."""
    table = [["stage", "reason", "records"]]
    for name, (run,) in runs.items():
        table += [[name, reason, str(number)] for reason, number in run["ended"].items()]
    return table


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["--stage"]:
        job: dict[str, Any] = json.loads(arguments[1])
        print(json.dumps(run_stage(job["number"], Path(job["folder"]), job["seed"])))
        return
    options = parser(__doc__, repeats=1)
    options.set_defaults(own=True)
    options.add_argument("photos", type=Path, help="folder of photographs")
    options.add_argument("--count", type=int, default=40, help="photographs, drawn at random")
    options.add_argument("--seed", type=int, default=0)
    parsed = options.parse_args(arguments)
    facts = machine()
    runs = measure(parsed.photos, parsed.count, parsed.seed)
    text = (
        "Each stage alone on one core, one record at a time; CPU seconds are those of the records, without loading models "
        "(`open`). Peak memory is that of a process that runs only this stage."
    )
    sections = [
        Section("Stage by stage", text, rows(runs, COLUMNS, "stage"), runs),
        Section("Why records ended", "", ends(runs), {}),
    ]
    publish("recipe_stages", "The photos recipe, stage by stage", sections, parsed, facts)
    print(shipped(runs), file=sys.stderr)


if __name__ == "__main__":
    os.environ.update(ONE_THREAD)
    main(sys.argv[1:])

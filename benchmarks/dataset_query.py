"""Asking a data set questions: `python benchmarks/dataset_query.py`.

Two tables. The first asks one question (count and median score by edit type) of a million rows of metadata, in Parquet and in
JSON lines, through DuckDB. The second reads random triplets out of every layout that holds the same records. The page
cache is dropped for each file before each timing (not the inode cache, which flatters the plain folder); rounds take turns, the best of each counts, and only ratios mean much.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np

from editloop.core.ids import sha256_hex
from editloop.records.formats.folder import FolderLayout
from editloop.records.formats.parquet import ParquetLayout
from editloop.records.formats.webdataset import WebDatasetLayout
from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Origin, Provenance
from editloop.records.record import EditRecord, record_id
from editloop.records.taxonomy import EditType
from editloop.store.packs import BlobLocation, PackWriter, read_blob

TYPES = [t for t in EditType if not t.is_dialogue]
QUERY = "SELECT edit_type, count(*), median(overall) FILTER (accepted) FROM {} GROUP BY edit_type"
Load = Callable[[ImageRef], bytes]


def main() -> None:
    arguments = _arguments()
    scratch = Path(tempfile.mkdtemp(prefix="dataset_query_", dir=arguments.scratch))
    try:
        metadata_table(scratch, arguments.rows, arguments.rounds)
        triplet_table(scratch, arguments.triplets, arguments.reads, arguments.rounds)
    finally:
        shutil.rmtree(scratch)


def metadata_table(scratch: Path, rows: int, rounds: int) -> None:
    import duckdb
    import pyarrow.parquet as pq

    parquet, lines = scratch / "metadata.parquet", scratch / "metadata.jsonl"
    table = _metadata(rows)
    pq.write_table(table, parquet, compression="zstd")
    with lines.open("w") as file:
        for batch in table.to_batches(max_chunksize=10_000):
            file.writelines(json.dumps(row) + "\n" for row in batch.to_pylist())
    sources = {
        parquet: f"read_parquet('{parquet}')",
        lines: f"read_json('{lines}', format='newline_delimited')",
    }
    seconds: dict[tuple[Path, str], list[float]] = {}
    for _ in range(rounds):
        for path, source in sources.items():
            drop_from_cache(path)
            with duckdb.connect() as database:
                for state in ("cold", "warm"):
                    start = time.perf_counter()
                    database.execute(QUERY.format(source)).fetchall()
                    seconds.setdefault((path, state), []).append(time.perf_counter() - start)
    print(f"{rows:,} rows of metadata, DuckDB {duckdb.__version__}: count and median by type")
    print(f"{'':18}{'MB':>8}{'cold s':>9}{'warm s':>9}{'x jsonl (cold)':>16}")
    jsonl_cold = min(seconds[lines, "cold"])
    for path, name in ((parquet, "Parquet (zstd)"), (lines, "JSON lines")):
        cold, warm = (min(seconds[path, state]) for state in ("cold", "warm"))
        size = path.stat().st_size / 1e6
        print(f"{name:18}{size:>8.1f}{cold:>9.3f}{warm:>9.3f}{jsonl_cold / cold:>16.1f}")


def triplet_table(scratch: Path, triplets: int, reads: int, rounds: int) -> None:
    made = {record.id: record for record in _records(triplets)}
    records = [made[key] for key in sorted(made)]
    opened: dict[str, tuple[Load, Path, float, float]] = {}
    for name, layout in {
        "Parquet, 100 rows": ParquetLayout(),
        "Parquet, 10 rows": ParquetLayout(max_group_rows=10),
        "WebDataset tar": WebDatasetLayout(),
        "plain folder": FolderLayout(),
    }.items():
        folder = scratch / name.replace(" ", "_").replace(",", "")
        folder.mkdir()
        written = _seconds(lambda: layout.write(iter(records), _made_bytes, folder))  # noqa: B023
        dataset = layout.read(folder)
        index = _seconds(lambda: dataset.load(records[-1].source))  # noqa: B023
        opened[name] = (dataset.load, folder, written, index)
    start = time.perf_counter()
    load = _write_pack(records, scratch / "pack")
    opened["content-addressed pack"] = (load, scratch / "pack", time.perf_counter() - start, 0.0)
    rates: dict[str, list[float]] = {name: [] for name in opened}
    for number in range(rounds):
        chosen = Random(number).sample(records, min(reads, len(records)))
        for name, (load, folder, _, _) in opened.items():
            drop_from_cache(folder)
            rates[name].append(len(chosen) / _seconds(lambda: _read_all(chosen, load)))  # noqa: B023
    print(f"\n{triplets:,} triplets, {reads} random ones read, with their two images")
    print(f"{'':24}{'MB':>8}{'write s':>9}{'index s':>9}{'triplets/s':>12}{'x pack':>8}")
    pack = max(rates["content-addressed pack"])
    for name, (_, folder, written, index) in opened.items():
        rate, size = max(rates[name]), sum(p.stat().st_size for p in _files(folder)) / 1e6
        print(f"{name:24}{size:>8.1f}{written:>9.1f}{index:>9.2f}{rate:>12.0f}{rate / pack:>8.2f}")


def drop_from_cache(path: Path) -> None:
    """Ask the kernel to forget the pages of a file, or of every file in a folder."""
    for file in _files(path):
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]


def _metadata(rows: int) -> object:
    import pyarrow as pa

    rng = np.random.default_rng(0)
    types = rng.choice([t.value for t in TYPES], rows)
    words = np.array(["remove", "the", "dog", "cup", "on", "left", "make", "it", "blue", "add"])
    drawn = words[rng.integers(0, len(words), (rows, 8))]
    return pa.table(
        {
            "id": _ids(rng, rows),
            "edit_type": types,
            "instruction": [" ".join(row) for row in drawn.tolist()],
            "width": rng.integers(512, 2048, rows),
            "height": rng.integers(512, 2048, rows),
            "accepted": rng.random(rows) < 0.6,
            "overall": np.round(rng.random(rows) * 4 + 1, 2),
            "licence": rng.choice(["CC0-1.0", "CC-BY-4.0", "Unsplash"], rows),
            "collection": rng.choice(["first", "second"], rows),
        }
    )


def _ids(rng: np.random.Generator, rows: int) -> list[str]:
    digits = rng.bytes(16 * rows).hex()
    return [digits[n : n + 32] for n in range(0, len(digits), 32)]


def _made_bytes(ref: ImageRef) -> bytes:
    """The bytes of a made-up image: about 65 KB that do not compress, the same whenever they are asked for."""
    return np.random.default_rng(ref.width).bytes(45_000 + 7919 * ref.width % 40_000)


def _records(count: int) -> Iterator[EditRecord]:
    def image(number: int) -> ImageRef:
        blank = ImageRef(sha256="0" * 64, width=number + 1, height=512)
        return blank.model_copy(update={"sha256": sha256_hex(_made_bytes(blank))})

    provenance = Provenance(
        recipe="benchmark", recipe_version="1", run_seed=0, origin=Origin(name="made up")
    )
    for number in range(count):
        source, target = image(2 * number), image(2 * number + 1)
        yield EditRecord(
            id=record_id(source.sha256, "benchmark", str(number), 0),
            source=source,
            target=target,
            instruction="Remove the dog on the left.",
            edit_type=TYPES[number % len(TYPES)],
            provenance=provenance,
        )


def _write_pack(records: list[EditRecord], folder: Path) -> Load:
    writer = PackWriter(folder)
    index: dict[str, BlobLocation] = {}
    for record in records:
        for ref in (record.source, record.target):
            if ref is not None:
                index[ref.sha256] = writer.append(_made_bytes(ref))
    writer.sync()
    writer.close()
    return lambda ref: read_blob(folder, index[ref.sha256], ref.sha256)


def _read_all(records: list[EditRecord], load: Load) -> None:
    for record in records:
        for ref in (record.source, record.target):
            if ref is not None:
                load(ref)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of metadata")
    parser.add_argument("--triplets", type=int, default=2_000)
    parser.add_argument("--reads", type=int, default=100, help="random triplets per round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scratch", type=Path, help="where to write (about 2 GB at the defaults)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

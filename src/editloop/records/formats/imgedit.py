"""ImgEdit's release layout (arXiv 2505.20275).

`Parquet/<kind>_part<N>.parquet` holds rows `{input_images, output_images, prompt}`, or for dialogues `{data: [row, ...]}`;
images are paths below `Singleturn/` or `Multiturn/`, with `result.json`, `mask` and `judge_2scores.json` beside them.
What the reader forgives, because the release has it: hybrid is also called compose, and image paths may name the folder
by either name; images may be paths, bytes or {bytes, path}; the first turn of a content-memory dialogue is its premise,
without images; ratings carry two, one or no scores.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from editloop.records.formats.dataset import Dataset, Layout, Load
from editloop.records.formats.image_bytes import suffix
from editloop.records.formats.imgedit_annotations import two_scores_text
from editloop.records.formats.imgedit_reader import ImgEditReader, is_imgedit_schema
from editloop.records.formats.parquet import parquet_files
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord
from editloop.records.taxonomy import EditType, paper_name

_ROWS_PER_GROUP = 10_000
SINGLE, MULTI, PARQUET = "Singleturn", "Multiturn", "Parquet"


class ImgEditLayout(Layout):
    """One Parquet file a kind of edit, one folder of images a sample."""

    name = "imgedit"
    lossless = False

    def holds(self, record: EditRecord) -> bool:
        """See `Layout.holds`."""
        return record.target is not None

    def order(self, record: EditRecord) -> str:
        """See `Layout.order`."""
        turn = record.turn
        place = f"{turn.dialogue_id}/{turn.turn:03}" if turn else record.id
        return f"{_kind_name(record)}/{place}"

    def write(self, records: Iterable[EditRecord], load: Load, folder: Path) -> None:
        """See `Layout.write`."""
        (folder / PARQUET).mkdir()
        for kind, of_kind in groupby(records, key=_kind_name):
            part = f"{kind}_part0"
            samples = groupby(of_kind, key=lambda r: r.turn.dialogue_id if r.turn else r.id)
            rows = (
                _write_sample(list(turns), load, folder, f"{part}/{key}") for key, turns in samples
            )
            _write_rows(rows, folder / PARQUET / f"{part}.parquet")

    def recognises(self, path: Path) -> bool:
        """See `Layout.recognises`."""
        files = parquet_files(path)
        return bool(files) and is_imgedit_schema(files[0])

    def read(self, path: Path) -> Dataset:
        """See `Layout.read`."""
        reader = ImgEditReader(path, parquet_files(path))
        return Dataset(self.name, reader, reader.load, reader.skipped)

    def index_files(self, folder: Path) -> list[Path]:
        """See `Layout.index_files`."""
        return sorted((folder / PARQUET).glob("*.parquet"))


def _kind_name(record: EditRecord) -> str:
    return paper_name("imgedit", record.kind) or record.kind.value


def _write_sample(turns: list[EditRecord], load: Load, folder: Path, sample: str) -> dict[str, Any]:
    dialogue = turns[0].turn
    home = folder / (MULTI if dialogue else SINGLE) / sample
    home.mkdir(parents=True)
    rows = [_write_turn(record, load, home, sample, n) for n, record in enumerate(turns)]
    results = [_result(record) for record in turns]
    (home / "result.json").write_text(json.dumps(results if dialogue else results[0], indent=1))
    if not dialogue:
        return rows[0]
    if dialogue.kind is EditType.CONTENT_MEMORY and dialogue.history:
        premise = {"input_images": [], "output_images": [], "prompt": dialogue.history[0]}
        rows.insert(0, premise)
    return {"data": rows}


def _write_turn(
    record: EditRecord, load: Load, home: Path, sample: str, number: int
) -> dict[str, Any]:
    def put(name: str, ref: ImageRef) -> str:
        file = f"{name}_{number}{suffix(ref.media_type)}"
        (home / file).write_bytes(load(ref))
        return f"{sample}/{file}"

    inputs = [put("origin", record.source)]
    inputs += [put(f"reference{n}", ref) for n, ref in enumerate(record.references)]
    outputs = [put("result", record.target)] if record.target else []
    if record.mask:
        put("mask", record.mask)
    rating = two_scores_text(record.verdict) if record.verdict else None
    if rating:
        name = "judge_2scores.json" if number == 0 else f"judge_2scores_{number}.json"
        (home / name).write_text(json.dumps({"score": rating, "folder": sample}, indent=1))
    return {"input_images": inputs, "output_images": outputs, "prompt": record.instruction}


def _result(record: EditRecord) -> dict[str, Any]:
    """The fields of the release's `result.json` that a record can fill."""
    result: dict[str, Any] = {
        "original_path": record.provenance.origin.name,
        "resolution": {"height": record.source.height, "width": record.source.width},
        "edit_type": paper_name("imgedit", record.edit_type) or record.edit_type.value,
        "edit_prompt": record.instruction,
    }
    if record.subjects:
        subject = record.subjects[0]
        result["edit_obj"] = {
            "class_name": subject.label,
            "bbox": [subject.box.left, subject.box.top, subject.box.right, subject.box.bottom],
            "score": subject.score,
            "clip_score": subject.similarity,
        }
    return result


def _write_rows(rows: Iterable[dict[str, Any]], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    paths = pa.list_(pa.string())
    turn = [("input_images", paths), ("output_images", paths), ("prompt", pa.string())]
    writer: pq.ParquetWriter | None = None
    try:
        for batch in _batches(rows):
            dialogue = "data" in batch[0]
            schema = pa.schema([("data", pa.list_(pa.struct(turn)))] if dialogue else turn)
            writer = writer or pq.ParquetWriter(path, schema, compression="zstd")
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    finally:
        if writer is not None:
            writer.close()


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == _ROWS_PER_GROUP:
            yield batch
            batch = []
    if batch:
        yield batch


IMGEDIT = ImgEditLayout()

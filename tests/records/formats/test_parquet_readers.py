"""The Parquet export as other people open it: `datasets`, DuckDB, Polars."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from editloop.records.formats import export
from editloop.records.formats.parquet import parquet_files


@pytest.fixture
def exported(records, shelf, tmp_path):
    export(records, shelf.load, tmp_path / "out", "parquet")
    return tmp_path / "out"


@pytest.fixture
def load_dataset(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what `datasets` warns about while importing is not ours
        datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()

    def load(*args, **kwargs):
        return datasets.load_dataset(
            *args, split="train", cache_dir=str(tmp_path / "cache"), **kwargs
        )

    return load


def test_datasets_decodes_every_image_column(exported, records, shelf, load_dataset):
    rows = load_dataset("parquet", data_files=str(exported / "data" / "*.parquet"))
    assert rows["id"] == sorted(record.id for record in records)
    by_id = {record.id: record for record in records}
    for row in rows:
        record = by_id[row["id"]]
        assert row["instruction"] == record.instruction
        assert row["provenance"]["origin"]["licence"] == "CC0-1.0"
        assert np.array_equal(np.asarray(row["source"]), _pixels(shelf.load(record.source)))
        assert (row["target"] is None) == (record.target is None)
        assert len(row["references"]) == len(record.references)
        for image in row["references"]:
            assert image.size == (24, 16)


def test_datasets_opens_the_folder_by_its_card(exported, records, load_dataset):
    assert len(load_dataset(str(exported))) == len(records)


def test_duckdb_queries_nested_facts_without_reading_images(exported):
    import duckdb

    glob = str(exported / "data" / "*.parquet")
    with duckdb.connect() as database:
        rows = database.execute(
            "SELECT edit_type, count(*), avg(overall) FILTER (accepted), max(len(references_ref))"
            " FROM read_parquet(?) GROUP BY edit_type ORDER BY edit_type",
            [glob],
        ).fetchall()
        (size,) = database.execute(
            "SELECT source_ref.width FROM read_parquet(?) WHERE provenance.origin.licence = 'CC0-1.0' LIMIT 1",
            [glob],
        ).fetchone()
    assert rows == [
        ("add", 1, 4.25, 2),
        ("adjust", 1, 4.25, 2),
        ("remove", 1, 4.25, 2),
        ("replace", 1, 4.25, 2),
        ("style", 1, None, 0),
    ]
    assert size == 24


def test_polars_reads_images_and_verdicts(exported, records, shelf):
    import polars as pl

    frame = pl.read_parquet(parquet_files(exported))
    first = sorted(records, key=lambda record: record.id)[0]
    row = frame.row(0, named=True)
    assert row["source"]["bytes"] == shelf.load(first.source)
    assert row["verdicts"][-1]["judge"] == "evidence"
    assert frame.filter(pl.col("accepted")).height == 4


def test_text_is_compressed_and_images_are_not(exported):
    import pyarrow.parquet as pq

    (path,) = parquet_files(exported)
    group = pq.ParquetFile(path).metadata.row_group(0)
    packed = {
        group.column(n).path_in_schema: group.column(n).compression
        for n in range(group.num_columns)
    }
    assert packed["source.bytes"] == "UNCOMPRESSED"
    assert packed["references.list.element.bytes"] == "UNCOMPRESSED"
    assert {kind for path, kind in packed.items() if not path.endswith(".bytes")} == {"ZSTD"}


def _pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))

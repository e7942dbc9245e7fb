"""Parquet, plain folder and WebDataset: what goes in comes out, byte for byte."""

from __future__ import annotations

import json
import resource
import tarfile
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pytest
from pydantic import BaseModel

from editloop.core.errors import StoreError, UnknownNameError, UsageError
from editloop.records.formats import export, read_dataset, verify_export
from editloop.records.formats.arrow_rows import arrow_schema
from editloop.records.formats.dataset import images_of
from editloop.records.formats.export import LAYOUTS
from editloop.records.formats.parquet import ParquetLayout, parquet_files
from editloop.records.formats.webdataset import WebDatasetLayout
from editloop.records.record import EditRecord

LOSSLESS = [name for name in LAYOUTS if LAYOUTS.get(name).lossless]


@pytest.mark.parametrize("layout", LOSSLESS)
def test_records_and_images_come_back_equal(layout, records, shelf, tmp_path):
    manifest = export(records, shelf.load, tmp_path / "out", layout)
    dataset = read_dataset(tmp_path / "out")
    expected = sorted(records, key=lambda record: record.id)
    assert dataset.layout == layout
    assert list(dataset) == expected
    assert list(dataset) == expected, "a data set can be read again"
    for record in dataset:
        for _, ref in images_of(record):
            assert dataset.load(ref) == shelf.load(ref)
    assert manifest.records == 5
    assert manifest.dialogues == 1
    assert manifest.accepted == 4
    assert manifest.by_type == {
        "content_understanding": 2,
        "remove": 1,
        "replace": 1,
        "style": 1,
    }


@pytest.mark.parametrize("layout", LOSSLESS)
def test_an_image_of_any_record_loads_without_reading_records_first(
    layout, records, shelf, tmp_path
):
    export(records, shelf.load, tmp_path / "out", layout)
    fresh = read_dataset(tmp_path / "out")
    wanted = records[0].references[1]
    assert fresh.load(wanted) == shelf.load(wanted)
    with pytest.raises(StoreError, match="holds no image"):
        fresh.load(wanted.model_copy(update={"sha256": "0" * 64}))


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_same_records_in_another_order_give_the_same_bytes(layout, records, shelf, tmp_path):
    first = export(records, shelf.load, tmp_path / "a", layout)
    second = export([*records[::-1], records[0]], shelf.load, tmp_path / "b", layout)
    assert first == second
    assert _bytes_below(tmp_path / "a") == _bytes_below(tmp_path / "b")


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_an_export_replaces_an_older_one_and_nothing_else(layout, records, shelf, tmp_path):
    out = tmp_path / "out"
    export(records, shelf.load, out, layout)
    export([records[0].model_copy(update={"references": ()})], shelf.load, out, layout)
    assert len(list(read_dataset(out))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "no scratch left behind"
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not an editloop export"):
        export(records, shelf.load, precious, layout)
    assert (precious / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("layout", LOSSLESS)
def test_an_empty_export_reads_back_empty(layout, shelf, tmp_path):
    manifest = export([], shelf.load, tmp_path / "out", layout)
    assert manifest.records == 0
    assert list(read_dataset(tmp_path / "out")) == []


def test_a_damaged_image_stops_the_export_and_keeps_the_old_one(records, shelf, tmp_path):
    export(records[:1], shelf.load, tmp_path / "out", "parquet")
    shelf.held[records[2].target.sha256] += b"x"
    with pytest.raises(StoreError, match="damaged"):
        export(records, shelf.load, tmp_path / "out", "parquet")
    assert len(list(read_dataset(tmp_path / "out"))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_two_records_with_one_id_are_refused(make_record, shelf, tmp_path):
    first, second = make_record(1), make_record(2)
    clash = second.model_copy(update={"id": first.id})
    with pytest.raises(UsageError, match="two different records"):
        export([first, clash], shelf.load, tmp_path / "out", "folder")


def test_an_id_that_could_leave_the_folder_is_refused(make_record, shelf, tmp_path):
    with pytest.raises(UsageError, match="cannot name files"):
        export([make_record(1, id="../evil")], shelf.load, tmp_path / "out", "folder")


def test_an_unwritable_place_is_one_clear_error(records, shelf, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="cannot write"):
        export(records, shelf.load, tmp_path / "file" / "out", "folder")


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize(("limit", "what"), [(1000, "cannot sort"), (80_000, "cannot write")])
def test_a_disk_without_room_is_one_clear_error(layout, limit, what, make_record, shelf, tmp_path):
    records = [make_record(number, references=()) for number in range(3)]
    big = shelf.add(99, size=(500, 400))
    records.append(make_record(61, references=(), target=big))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(StoreError, match=what):
            export(records, shelf.load, tmp_path / "out", layout)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_unknown_format_names_the_nearest(records, shelf, tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'parquet'"):
        export(records, shelf.load, tmp_path / "out", "parket")


def test_missing_and_changed_files_are_found(records, shelf, tmp_path):
    out = tmp_path / "out"
    export(records, shelf.load, out, "parquet")
    assert verify_export(out) == []
    (data,) = parquet_files(out)
    content = bytearray(data.read_bytes())
    content[100] ^= 1
    data.write_bytes(bytes(content))
    assert verify_export(out) == [f"data/{data.name}: checksum differs"]
    data.unlink()
    assert verify_export(out) == [f"data/{data.name}: missing"]
    with pytest.raises(StoreError, match="is missing, expected"):
        read_dataset(out)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UsageError, match="none of the known"):
        read_dataset(tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        read_dataset(tmp_path / "nowhere")


def test_without_its_manifest_an_export_is_still_recognised(records, shelf, tmp_path):
    for layout in LOSSLESS:
        export(records, shelf.load, tmp_path / layout, layout)
        (tmp_path / layout / "export.json").unlink()
        assert read_dataset(tmp_path / layout).layout == layout


def test_parquet_caps_groups_and_files_in_bytes_and_rows(make_record, shelf, tmp_path):
    import pyarrow.parquet as pq

    records = sorted((make_record(n) for n in range(12)), key=lambda record: record.id)
    one = sum(len(shelf.load(ref)) for _, ref in images_of(records[0]))
    layout = ParquetLayout(max_group_rows=3, max_group_bytes=10 * one, max_file_bytes=7 * one)
    layout.write(records, shelf.load, tmp_path)
    files = parquet_files(tmp_path)
    assert [path.name for path in files] == [
        f"train-0000{n}-of-0000{len(files)}.parquet" for n in range(len(files))
    ]
    assert len(files) == 2
    groups = [
        pq.ParquetFile(path).metadata.row_group(n).num_rows
        for path in files
        for n in range(pq.ParquetFile(path).metadata.num_row_groups)
    ]
    assert groups == [3, 3, 3, 3]
    by_bytes = tmp_path / "bytes"
    by_bytes.mkdir()
    ParquetLayout(max_group_bytes=2 * one + one // 2).write(records, shelf.load, by_bytes)
    (file,) = parquet_files(by_bytes)
    assert pq.ParquetFile(file).metadata.num_row_groups >= 6
    assert list(layout.read(tmp_path / "data")) == records


def test_the_parquet_schema_has_a_column_for_every_field_of_a_record():
    def fields(model, prefix=""):
        for name, field in model.model_fields.items():
            nested = [a for a in (field.annotation, *_arguments(field.annotation)) if _is_model(a)]
            yield prefix + name
            for inner in nested:
                yield from fields(inner, f"{prefix}{name}.")

    def leaves(kind, prefix=""):
        kind = kind.value_type if pa.types.is_list(kind) else kind
        for field in kind if pa.types.is_struct(kind) else ():
            yield prefix + field.name
            yield from leaves(field.type, f"{prefix}{field.name}.")

    schema = arrow_schema()
    columns = {c for field in schema for c in [field.name, *leaves(field.type, f"{field.name}.")]}
    columns |= {c.replace("_ref", "", 1) for c in columns if "_ref" in c}
    assert set(fields(EditRecord)) <= columns


def _is_model(annotation):
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _arguments(annotation):
    for argument in get_args(annotation):
        yield argument
        yield from _arguments(argument)


def test_tar_shards_have_unique_keys_and_clean_headers(records, shelf, tmp_path):
    ordered = sorted(records, key=lambda record: record.id)
    WebDatasetLayout(max_shard_bytes=12_000).write(ordered, shelf.load, tmp_path)
    shards = sorted(tmp_path.glob("*.tar"))
    assert len(shards) > 1
    names = []
    for shard in shards:
        with tarfile.open(shard) as archive:
            for member in archive:
                assert (member.mtime, member.uid, member.gid, member.uname) == (0, 0, 0, "")
                names.append(member.name)
    assert len(set(names)) == len(names)
    keys = [name.partition(".")[0] for name in names if name.endswith(".json")]
    assert keys == [record.id for record in ordered]


def test_folder_lines_say_which_file_is_which(records, shelf, tmp_path):
    export(records, shelf.load, tmp_path / "out", "folder")
    line = json.loads((tmp_path / "out" / "records.jsonl").read_text().splitlines()[0])
    for part, name in line["files"].items():
        assert f".{part}." in name
        assert (tmp_path / "out" / name).is_file()


def test_a_folder_that_points_outside_itself_is_refused(records, shelf, tmp_path):
    from editloop.core.errors import BadInputError

    out = tmp_path / "out"
    export(records[:1], shelf.load, out, "folder")
    (tmp_path / "secret.txt").write_text("secret")
    lines = out / "records.jsonl"
    fields = json.loads(lines.read_text())
    fields["files"]["source"] = "../secret.txt"
    lines.write_text(json.dumps(fields))
    (out / "export.json").unlink()
    dataset = read_dataset(out)
    with pytest.raises(BadInputError, match="unsafe_path"):
        dataset.load(next(iter(dataset)).source)


def _bytes_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }

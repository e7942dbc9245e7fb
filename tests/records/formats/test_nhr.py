"""NHR-Edit's layout."""

from __future__ import annotations

import json

import pytest

from editloop.records.formats import export, read_dataset
from editloop.records.formats.dataset import images_of
from editloop.records.record import Operation
from editloop.records.taxonomy import EditType


@pytest.fixture
def plain(make_record):
    """Three triplets without references: two of one source, one an inverse."""
    first = make_record(1, references=())
    second = make_record(2, EditType.ADJUST, references=(), source=first.source)
    third = make_record(3, EditType.ADD, references=(), mask=None, operation=Operation.INVERSE)
    return [first, second, third]


def test_round_trip(plain, shelf, tmp_path):
    manifest = export(plain, shelf.load, tmp_path / "out", "nhr")
    assert manifest.records == 3
    dataset = read_dataset(tmp_path / "out")
    read = {record.instruction: record for record in dataset}
    assert dataset.skipped == []
    for record in plain:
        back = read[record.instruction]
        for field in ("source", "target", "mask", "edit_type", "operation"):
            assert getattr(back, field) == getattr(record, field)
        assert [p.text for p in back.phrasings] == [p.text for p in record.phrasings]
        for _, ref in images_of(back):
            assert dataset.load(ref) == shelf.load(ref)
    assert read_dataset(tmp_path / "out").load(plain[0].target) == shelf.load(plain[0].target)


def test_metadata_has_the_released_fields_and_shares_sources(plain, shelf, tmp_path):
    export(plain, shelf.load, tmp_path / "out", "nhr")
    metadata = tmp_path / "out" / "train" / "metadata.jsonl"
    lines = [json.loads(line) for line in metadata.read_text().splitlines()]
    released = {"sample_id", "source_file_name", "edited_file_name", "edit_instruction", "augmented_instructions", "category", "style", "kind", "img_width", "img_height"}  # fmt: skip
    for line in lines:
        assert line.keys() >= released
        assert (metadata.parent / line["edited_file_name"]).is_file()
    assert {line["category"] for line in lines} == {"Removal", "change color", "Addition"}
    assert len({line["source_file_name"] for line in lines}) == 2
    assert len({line["sample_id"] for line in lines}) == 3
    assert (lines[0]["img_width"], lines[0]["img_height"]) == (24, 16)


def test_dialogues_and_references_are_left_out_and_counted(records, shelf, tmp_path):
    manifest = export(records, shelf.load, tmp_path / "out", "nhr")
    assert (manifest.records, manifest.left_out) == (0, 5)


def test_bad_lines_are_skipped_with_a_reason(plain, shelf, tmp_path):
    export(plain, shelf.load, tmp_path / "out", "nhr")
    metadata = tmp_path / "out" / "train" / "metadata.jsonl"
    lines = [json.loads(line) for line in metadata.read_text().splitlines()]
    composite = lines[0] | {"category": "add&remove", "edit_instruction": "Two things."}
    broken = [
        lines[1] | {"edited_file_name": "images/00/nothing.jpg"},
        lines[1] | {"category": "teleport"},
        lines[1] | {"source_file_name": "../../../etc/passwd"},
        {"category": "Removal"},
    ]
    text = "\n".join(json.dumps(line) for line in [composite, *broken]) + "\nnot json\n"
    metadata.write_text(text)
    (tmp_path / "out" / "export.json").unlink()
    dataset = read_dataset(tmp_path / "out")
    (record,) = list(dataset)
    assert record.edit_type is EditType.COMPOSE
    assert [skip.reason for skip in dataset.skipped] == ["missing_image", "unknown_category", "unsafe_path", "bad_annotation", "bad_annotation"]  # fmt: skip

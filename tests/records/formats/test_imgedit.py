"""ImgEdit's layout, ours and the release's with its irregularities."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image

from editloop.records.formats import export, read_dataset
from editloop.records.formats.dataset import images_of
from editloop.records.formats.imgedit_reader import kind_of_file
from editloop.records.record import Turn
from editloop.records.taxonomy import EditType


@pytest.fixture
def write_rows():
    import pyarrow as pa
    import pyarrow.parquet as pq

    def write(path, rows):
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), path)

    return write


def _jpeg(colour: str, size=(20, 12)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG")
    return buffer.getvalue()


def test_round_trip_keeps_what_the_layout_can_hold(records, shelf, tmp_path):
    manifest = export(records, shelf.load, tmp_path / "out", "imgedit")
    assert (manifest.records, manifest.left_out) == (4, 1), "one record has no target"
    dataset = read_dataset(tmp_path / "out")
    read = {(r.instruction, r.source.sha256): r for r in dataset}
    assert dataset.skipped == []
    for record in records:
        if record.target is None:
            continue
        back = read[record.instruction, record.source.sha256]
        assert (back.target, back.mask, back.references) == (
            record.target,
            record.mask,
            record.references,
        )
        assert back.edit_type is record.edit_type
        assert back.kind is record.kind
        assert [s.label for s in back.subjects] == ["dog"]
        assert back.subjects[0].box == record.subjects[0].box
        assert list(back.verdict.axes.values()) == [4.5, 4.0]
        assert back.verdict.flags == {"objects_match": True}
        for _, ref in images_of(back):
            assert dataset.load(ref) == shelf.load(ref)
    assert len({record.id for record in read.values()}) == 4


def test_rows_are_those_of_the_release(records, shelf, tmp_path):
    import pyarrow.parquet as pq

    export(records, shelf.load, tmp_path / "out", "imgedit")
    table = pq.read_table(tmp_path / "out" / "Parquet" / "remove_part0.parquet")
    assert table.column_names == ["input_images", "output_images", "prompt"]
    (row,) = table.to_pylist()
    assert len(row["input_images"]) == 3, "source and two references"
    assert (tmp_path / "out" / "Singleturn" / row["output_images"][0]).is_file()
    dialogues = pq.read_table(tmp_path / "out" / "Parquet" / "content_understanding_part0.parquet")
    assert dialogues.column_names == ["data"]
    assert len(dialogues.to_pylist()[0]["data"]) == 2


def test_dialogue_turns_stay_together_and_the_premise_is_turn_zero(make_record, shelf, tmp_path):
    import pyarrow.parquet as pq

    turns = [
        make_record(
            number,
            EditType.REPLACE,
            turn=Turn(dialogue_id="d9", kind=EditType.CONTENT_MEMORY, turn=number, turns=2, base_turn=number - 1, history=("All in blue.",)),
        )
        for number in (1, 2)
    ]  # fmt: skip
    export(turns, shelf.load, tmp_path / "out", "imgedit")
    rows = pq.read_table(tmp_path / "out" / "Parquet" / "content_memory_part0.parquet").to_pylist()
    assert rows[0]["data"][0] == {"input_images": [], "output_images": [], "prompt": "All in blue."}
    read = sorted(read_dataset(tmp_path / "out"), key=lambda record: record.turn.turn)
    assert [r.turn.turn for r in read] == [1, 2]
    assert read[0].turn.history == ("All in blue.",)
    assert read[1].turn.history == ("All in blue.", turns[0].instruction)
    assert len({r.turn.dialogue_id for r in read}) == 1
    assert [r.source for r in read] == [t.source for t in turns]


def test_images_may_be_paths_bytes_or_structs(write_rows, tmp_path):
    blue, red = _jpeg("blue"), _jpeg("red")
    folder = tmp_path / "Singleturn" / "results_add" / "0001"
    folder.mkdir(parents=True)
    (folder / "in.jpg").write_bytes(blue)
    (folder / "out.jpg").write_bytes(red)
    parquet = tmp_path / "Parquet"
    write_rows(
        parquet / "add_part0.parquet",
        [
            {
                "input_images": ["results_add/0001/in.jpg"],
                "output_images": ["results_add/0001/out.jpg"],
                "prompt": "Add a dog.",
            }
        ],
    )
    write_rows(
        parquet / "remove_part1.parquet",
        [{"input_images": [red], "output_images": [blue], "prompt": "Remove it."}],
    )
    write_rows(parquet / "style_transfer.parquet", [{"input_images": [{"bytes": red, "path": "a.jpg"}], "output_images": [{"bytes": blue, "path": None}], "prompt": "As a sketch."}])  # fmt: skip
    dataset = read_dataset(tmp_path)
    records = {record.edit_type: record for record in dataset}
    assert set(records) == {EditType.ADD, EditType.REMOVE, EditType.STYLE}
    assert dataset.skipped == []
    for edit_type, expected in (
        (EditType.ADD, blue),
        (EditType.REMOVE, red),
        (EditType.STYLE, red),
    ):
        assert dataset.load(records[edit_type].source) == expected
    fresh = read_dataset(tmp_path)
    assert fresh.load(records[EditType.REMOVE].source) == red


def test_hybrid_and_compose_are_one(write_rows, tmp_path):
    folder = tmp_path / "Singleturn" / "results_compose_part0" / "7"
    folder.mkdir(parents=True)
    for name, colour in (("origin.jpg", "blue"), ("result.jpg", "red")):
        (folder / name).write_bytes(_jpeg(colour))
    row = {"input_images": ["results_hybrid_part0/7/origin.jpg"], "output_images": ["results_hybrid_part0/7/result.jpg"], "prompt": "Both."}  # fmt: skip
    write_rows(tmp_path / "Parquet" / "hybrid_part0.parquet", [row])
    (record,) = read_dataset(tmp_path)
    assert record.edit_type is EditType.COMPOSE


@pytest.mark.parametrize(
    ("stem", "kind"),
    [
        ("add_part0", EditType.ADD),
        ("adjust_canny_part2", EditType.ADJUST),
        ("hybrid_part6", EditType.COMPOSE),
        ("results_compose_part6_fix", EditType.COMPOSE),
        ("style_transfer_part0_cap36472", EditType.STYLE),
        ("reference_replace_part7", EditType.VISUAL),
        ("version_backtracking_part0", EditType.VERSION_BACKTRACKING),
        ("bokeh_part0", EditType.BOKEH),
    ],
)
def test_kinds_by_file_name(stem, kind):
    assert kind_of_file(stem) is kind


def test_broken_samples_are_counted_with_their_reason_and_the_rest_is_read(write_rows, tmp_path):
    good = {
        "input_images": [_jpeg("blue")],
        "output_images": [_jpeg("red")],
        "prompt": "Remove the dog.",
    }
    rows = [
        good | {"output_images": [b"no image"]},
        good | {"output_images": []},
        good | {"prompt": ""},
        good,
    ]
    write_rows(tmp_path / "remove_part0.parquet", rows)
    write_rows(tmp_path / "zebra_part0.parquet", [good])
    outside = good | {"input_images": ["../../etc/passwd"], "output_images": ["missing.jpg"]}
    write_rows(tmp_path / "add_part0.parquet", [outside])
    dataset = read_dataset(tmp_path)
    assert [record.instruction for record in dataset] == ["Remove the dog."]
    assert [skip.reason for skip in dataset.skipped] == ["unsafe_path", "not_an_image", "missing_image", "bad_annotation", "unknown_kind"]  # fmt: skip


def test_what_rounds_do_is_read_from_results_or_guessed_from_the_plan(write_rows, tmp_path):
    def turn(prompt):
        return {"input_images": [_jpeg("blue")], "output_images": [_jpeg("red")], "prompt": prompt}

    write_rows(
        tmp_path / "content_understanding_part2.parquet",
        [
            {"data": [turn("Add a cup."), turn("Make it red."), turn("Now remove it.")]},
            {"data": [turn("Add a hat."), turn("Make it red."), turn("Turn it into a bowl.")]},
        ],
    )
    types = [record.edit_type for record in read_dataset(tmp_path)]
    first, second = types[:3], types[3:]
    assert first == [EditType.ADD, EditType.ADJUST, EditType.REMOVE]
    assert second == [EditType.ADD, EditType.ADJUST, EditType.REPLACE]


def test_a_result_file_names_the_object_and_rejects_a_list_of_scores(write_rows, tmp_path):
    home = tmp_path / "Singleturn" / "results_remove" / "1"
    home.mkdir(parents=True)
    (home / "origin.jpg").write_bytes(_jpeg("blue"))
    (home / "result.jpg").write_bytes(_jpeg("red"))
    region = {"class_name": "cup", "bbox": [1.4, 2.0, 9.6, 8.0], "score": [0.7], "clip_score": 0.8}
    (home / "result.json").write_text(json.dumps({"edit_type": "remove", "edit_obj": region}))
    row = {"input_images": ["results_remove/1/origin.jpg"], "output_images": ["results_remove/1/result.jpg"], "prompt": "Remove the cup."}  # fmt: skip
    write_rows(tmp_path / "Parquet" / "remove_part0.parquet", [row])
    (record,) = read_dataset(tmp_path)
    assert record.subjects[0].label == "cup"
    assert record.subjects[0].score == 0.7
    assert (record.subjects[0].box.left, record.subjects[0].box.right) == (1, 10)
    (home / "result.json").write_text(json.dumps({"edit_obj": region | {"score": [0.7, 0.2]}}))
    (record,) = read_dataset(tmp_path)
    assert record.subjects == ()

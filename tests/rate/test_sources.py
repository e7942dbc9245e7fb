"""Rows and records become items; whatever cannot be rated is dropped with a reason."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.rate.conftest import draw, make_dialogue_table, make_pair_table, write_rows
from tests.report import conftest as drawn
from tests.report.conftest import Drawings

from editloop.core.errors import BadInputError, UsageError
from editloop.rate.from_records import items_of_records
from editloop.rate.from_world import items_of_world
from editloop.rate.sheets import SheetKind, make_sheet
from editloop.rate.tables import find_table, read_table
from editloop.records.record import EditRecord

drawings, make_record, dialogue = drawn.drawings, drawn.make_record, drawn.dialogue


def test_bad_rows_are_dropped_one_by_one_with_a_reason(tmp_path: Path) -> None:
    good = {
        "uid": "good",
        "prompt": "Add a dot",
        "input_image": draw(tmp_path / "in" / "0.png", 10),
        "output": draw(tmp_path / "out" / "0.png", 10, "red"),
        "model": "x",
        "mean_overall": 3.0,
        "ratings": [{"rater": "a", "overall": 3}],
    }
    (tmp_path / "in" / "cut.png").write_bytes((tmp_path / "in" / "0.png").read_bytes()[:60])
    (tmp_path / "in" / "empty.png").write_bytes(b"")
    (tmp_path.parent / "outside.png").write_bytes((tmp_path / "in" / "0.png").read_bytes())
    rows = [
        good,
        good,
        good | {"uid": "a", "prompt": " "},
        good | {"uid": "b", "output": "out/none.png"},
        good | {"uid": "c", "output": "../outside.png"},
        good | {"uid": "d", "output": "in/cut.png"},
        good | {"uid": "e", "output": "in/empty.png"},
        good | {"uid": "f", "output": 7},
        good | {"uid": "g", "input_image": "in/\0.png"},
        good | {"uid": "h", "output": "x" * 5000},
    ]
    table = write_rows(tmp_path / "items.jsonl", rows)
    with table.open("a") as file:
        file.write("{not json\n[1, 2]\n")
    found = read_table(table, "score")
    assert list(found.items) == ["good"]
    assert found.items["good"].facts == {"uid": "good", "prompt": "Add a dot", "model": "x"}
    assert found.reasons() == {
        "missing_image": 3,
        "bad_row": 2,
        "duplicate_id": 1,
        "no_instruction": 1,
        "unsafe_path": 1,
        "truncated": 1,
        "empty_file": 1,
        "no_edited": 1,
    }


def test_pairs_and_dialogues_from_tables(tmp_path: Path) -> None:
    pairs = read_table(make_pair_table(tmp_path / "p"), "pairs")
    assert {len(item.candidates) for item in pairs.items.values()} == {2}
    dialogues = read_table(make_dialogue_table(tmp_path / "d"), "dialogue")
    first = dialogues.items["talk-0"]
    assert first.turns[0].instruction == "Make the dot red"
    assert first.hint == "version_backtracking"
    assert read_table(make_pair_table(tmp_path / "q"), "dialogue").reasons() == {"bad_turns": 4}


def test_csv_needs_no_ids_and_quotes_may_hold_lines(tmp_path: Path) -> None:
    names = [draw(tmp_path / "in" / "0.png", 10), draw(tmp_path / "out" / "0.png", 10, "red")]
    with (tmp_path / "edits.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "edited", "instruction"])
        writer.writerow([*names, "Add a dot,\nplease"])
    table = find_table(tmp_path)
    assert table is not None
    found = read_table(table, "score")
    ((key, item),) = found.items.items()
    assert len(key) == 32
    assert item.instruction == "Add a dot,\nplease"
    assert found.load(item.source.sha256)
    (tmp_path / "in" / "0.png").write_bytes(b"other")
    with pytest.raises(BadInputError, match="changed_image"):
        found.load(item.source.sha256)


def test_json_object_by_key(tmp_path: Path) -> None:
    rows = {"7": {"source": draw(tmp_path / "a" / "0.png", 1), "edited": draw(tmp_path / "b" / "0.png", 1, "red"), "instruction": "x"}}  # fmt: skip
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(rows))
    assert list(read_table(path, "score").items) == ["7"]
    path.write_text("3")
    with pytest.raises(UsageError, match="expected rows"):
        read_table(path, "score")


def test_records_give_scores_pairs_and_dialogues(
    make_record: Callable[..., EditRecord], dialogue: list[EditRecord], drawings: Drawings
) -> None:
    one, other = make_record(1), make_record(2)
    rival = one.model_copy(update={"id": "f" * 32, "target": other.target})
    bare = make_record(3, target=None)
    records = [one, other, rival, bare, *dialogue]
    scores = items_of_records(records, drawings.load, "score")
    assert len(scores.items) == 5
    assert scores.reasons() == {"no_target": 1}
    assert scores.items[dialogue[1].id].context == dialogue[1].turn.history  # type: ignore[union-attr]
    pairs = items_of_records(records, drawings.load, "pairs")
    assert [item.facts["second_id"] for item in pairs.items.values()] == [rival.id]
    assert pairs.reasons() == {"no_partner": 3, "no_target": 1}
    talks = items_of_records(records, drawings.load, "dialogue")
    assert [len(item.turns) for item in talks.items.values()] == [2]
    assert items_of_records(dialogue[:1], drawings.load, "dialogue").reasons() == {"bad_turns": 1}


@pytest.mark.parametrize("kind", ["score", "pairs", "dialogue"])
def test_drawn_items_are_the_same_for_the_same_seed(kind: SheetKind) -> None:
    first, again = items_of_world(1, kind), items_of_world(1, kind)
    assert list(first.items.values()) == list(again.items.values())
    picture = next(iter(first.items.values())).source
    assert first.load(picture.sha256).startswith(b"\x89PNG")


def test_sheets_say_what_is_wrong_with_their_options() -> None:
    with pytest.raises(UsageError, match="did you mean 'score'"):
        make_sheet("scores")
    with pytest.raises(UsageError, match="no scale"):
        make_sheet("score", scale="1-9")
    with pytest.raises(UsageError, match="takes no --scale"):
        make_sheet("pairs", scale="1-5")
    with pytest.raises(UsageError, match="cannot name an axis"):
        make_sheet("score", axes=["Two Words"])
    own = make_sheet(
        "score", axes=["overall", "text_rendering"], scale="1-5", guidelines="One.\n\nTwo."
    )
    assert own.axis_names() == ("overall", "text_rendering")
    assert own.axes[1].question == "Text rendering?"
    assert own.guidelines == ("One.", "Two.")
    assert make_sheet("hp_edit").axes[0].anchors.low.startswith("The instruction is not followed")


def test_cases_of_a_benchmark_beside_the_outputs_of_two_editors(tmp_path: Path) -> None:
    draw(tmp_path / "photos" / "0.png", 10)
    for editor, dot in (("one", "red"), ("two", "blue")):
        draw(tmp_path / editor / "7.png", 10, dot)
        draw(tmp_path / editor / "9_1.png", 10, dot)
        draw(tmp_path / editor / "9_2.png", 10, "white")
    cases = tmp_path / "basic_edit.json"
    rows = {
        "7": {"id": "0.png", "prompt": "Add a dot", "edit_type": "add"},
        "8": {"id": "0.png", "prompt": "Add two dots"},
        "../photos/0": {"id": "0.png", "prompt": "Add three dots"},
    }
    cases.write_text(json.dumps(rows))
    folders, photos = [tmp_path / "one", tmp_path / "two"], tmp_path / "photos"
    scores = read_table(cases, "score", photos, folders)
    assert list(scores.items) == ["7/one", "7/two"]
    assert scores.items["7/two"].facts["editor"] == "two"
    assert scores.reasons() == {"missing_image": 2, "unsafe_path": 2}
    (pair,) = read_table(cases, "pairs", photos, folders).items.values()
    assert (pair.key, pair.facts["second_editor"]) == ("7", "two")
    cases.write_text(
        json.dumps({"9": {"id": "0.png", "turn1": "Add a dot", "turn2": "Make it white"}})
    )
    (talk,) = read_table(cases, "dialogue", photos, folders[:1]).items.values()
    assert (talk.key, talk.instruction, len(talk.turns)) == ("9", "Add a dot", 2)
    with pytest.raises(UsageError, match="give --edits twice"):
        read_table(cases, "pairs", photos, folders[:1])

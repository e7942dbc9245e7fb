"""Rated edits from disk: what can be used is read, the rest is dropped with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from editloop.core.errors import BadInputError, UsageError
from editloop.records.formats.rated_edits import check_image, read_rated_edits

GOOD = {
    "uid": "a_1",
    "img_id": 7,
    "instruction": "make it red",
    "source": "a.png",
    "edited": "b.png",
    "kind": "colour",
    "ratings": [{"rater": "x", "overall": 4, "quality": 2}, {"rater": "y", "overall": 6}],
}


def write(folder: Path, *lines: object) -> Path:
    path = folder / "ratings.jsonl"
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines))
    return path


def test_a_line_becomes_an_edit_with_scores_by_axis_and_rater(tmp_path: Path) -> None:
    rated = read_rated_edits(write(tmp_path, GOOD))
    (edit,) = rated.edits
    assert (edit.uid, edit.image, edit.source) == ("a_1", "7", tmp_path / "a.png")
    assert edit.scores == {"overall": {"x": 4.0, "y": 6.0}, "quality": {"x": 2.0}}
    assert edit.mean("overall") == 5.0
    assert edit.mean("alignment") is None
    assert edit.labels == {"kind": "colour"}
    assert rated.axes == ("overall", "quality")
    assert len(rated.ratings()) == 3


def test_means_alone_will_do(tmp_path: Path) -> None:
    row = {key: value for key, value in GOOD.items() if key != "ratings"} | {"mean_overall": 6.5}
    (edit,) = read_rated_edits(write(tmp_path, row)).edits
    assert edit.scores == {"overall": {"mean": 6.5}}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{not json", "not_json"),
        ("[1, 2]", "not_an_object"),
        ("\x00\xff", "not_json"),
        (GOOD | {"instruction": " "}, "no_instruction"),
        (GOOD | {"source": 3}, "no_source"),
        (GOOD | {"edited": None}, "no_edited"),
        (GOOD | {"ratings": [{"rater": "x", "overall": "four"}, 3, None]}, "no_ratings"),
        (GOOD | {"ratings": [{"rater": "x", "overall": float("nan")}]}, "no_ratings"),
        (GOOD | {"ratings": [{"rater": "x", "overall": True}]}, "no_ratings"),
        (GOOD, "duplicate_uid"),
    ],
)
def test_what_cannot_be_used_is_dropped_with_a_reason(
    tmp_path: Path, line: object, reason: str
) -> None:
    rated = read_rated_edits(write(tmp_path, GOOD, "", line))
    assert len(rated.edits) == 1
    assert rated.lines == 2
    assert [one.reason for one in rated.dropped] == [reason]
    assert rated.dropped[0].place == "line 3"


def test_a_file_without_one_usable_line_says_what_a_line_looks_like(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="instruction, source, edited"):
        read_rated_edits(write(tmp_path, "rubbish"))
    long = tmp_path / "long.csv"
    long.write_text("uid,rater,axis,score\na,x,overall,3\n")
    with pytest.raises(UsageError, match=r"--export FILE\.jsonl"):
        read_rated_edits(long)
    with pytest.raises(UsageError, match="cannot read"):
        read_rated_edits(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize(
    ("scores", "scale"),
    [
        ((1, 5), (1, 5)),
        ((0, 5), (0, 5)),
        ((2, 9), (0, 10)),
        ((0, 0.5), (0, 1)),
        ((3, 88), (0, 100)),
    ],
)
def test_the_scale_is_the_narrowest_usual_one(
    tmp_path: Path, scores: tuple[float, float], scale: tuple[float, float]
) -> None:
    ratings = [{"rater": str(score), "overall": score} for score in scores]
    assert read_rated_edits(write(tmp_path, GOOD | {"ratings": ratings})).scale == scale


def test_an_unusual_scale_must_be_named(tmp_path: Path) -> None:
    row = GOOD | {"ratings": [{"rater": "x", "overall": -3}]}
    with pytest.raises(UsageError, match="--people-scale"):
        _ = read_rated_edits(write(tmp_path, row)).scale


def test_a_missing_image_and_a_false_one_have_reasons(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    for name, reason in (("none.png", "missing_image"), ("text.png", "not_an_image")):
        with pytest.raises(BadInputError) as caught:
            check_image(tmp_path / name)
        assert caught.value.reason == reason


def test_a_scale_that_the_lines_state_wins_over_the_usual_ones(tmp_path: Path) -> None:
    stated = read_rated_edits(write(tmp_path, GOOD | {"scale": [0, 10]}, GOOD | {"uid": "b"}))
    assert stated.scale == stated.stated_scale == (0.0, 10.0)
    plain = read_rated_edits(write(tmp_path, GOOD | {"scale": "coarse"}))
    assert (plain.stated_scale, plain.edits[0].labels["scale"]) == (None, "coarse")


def test_scales_that_do_not_go_together_are_errors(tmp_path: Path) -> None:
    two = write(tmp_path, GOOD | {"scale": [0, 10]}, GOOD | {"uid": "b", "scale": [1, 7]})
    with pytest.raises(UsageError, match="1 to 7"):
        _ = read_rated_edits(two).scale
    off = GOOD | {"uid": "b", "ratings": [{"rater": "x", "overall": 9}]}
    with pytest.raises(UsageError, match="without a scale"):
        _ = read_rated_edits(write(tmp_path, GOOD | {"scale": [1, 7]}, off)).scale


@pytest.mark.parametrize(
    ("scale", "reason"),
    [([5, 1], "bad_scale"), ([1, "x"], "bad_scale"), ([1, 5], "score_off_scale")],
)
def test_a_line_must_keep_to_its_own_scale(
    tmp_path: Path, scale: list[object], reason: str
) -> None:
    rated = read_rated_edits(write(tmp_path, GOOD, GOOD | {"uid": "b", "scale": scale}))
    assert [one.reason for one in rated.dropped] == [reason]


def test_earlier_instructions_of_an_export_are_the_context(tmp_path: Path) -> None:
    said = read_rated_edits(write(tmp_path, GOOD | {"context": ["add a cat"]}))
    assert said.edits[0].context == ("add a cat",)
    assert read_rated_edits(write(tmp_path, GOOD | {"context": "indoor"})).edits[0].context == ()


def test_a_byte_order_mark_costs_no_line(tmp_path: Path) -> None:
    path = tmp_path / "ratings.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\r\n")
    assert read_rated_edits(path).dropped == ()


def test_names_that_are_zero_are_names(tmp_path: Path) -> None:
    (edit,) = read_rated_edits(write(tmp_path, GOOD | {"uid": 0, "img_id": 0})).edits
    assert (edit.uid, edit.image) == ("0", "0")


def test_answers_that_are_no_numbers_are_counted_and_notes_are_not(tmp_path: Path) -> None:
    odd = [
        {"rater": "x", "overall": 4, "note": "fine", "marks": []},
        {"rater": "y", "overall": "7"},
        {"rater": "z", "overall": float("nan")},
        {"rater": "w", "overall": None},
        {"rater": "x", "overall": 5},
    ]
    rated = read_rated_edits(write(tmp_path, GOOD | {"ratings": odd}))
    assert rated.edits[0].scores == {"overall": {"x": 5.0}}
    assert [one.reason for one in rated.ignored] == ["not_a_number", "not_a_number", "rated_twice"]
    assert rated.ignored[0].place == "line 1, y"
    assert "'7'" in rated.ignored[0].detail


def test_raters_without_a_name_are_several(tmp_path: Path) -> None:
    unnamed = [{"rater": None, "overall": 1}, {"overall": 2}, {"rater": 3, "overall": 4}]
    (edit,) = read_rated_edits(write(tmp_path, GOOD | {"ratings": unnamed})).edits
    assert edit.scores["overall"] == {"rater 1": 1.0, "rater 2": 2.0, "3": 4.0}


def test_other_usual_names_of_the_columns_are_known(tmp_path: Path) -> None:
    row = {"prompt": "make it red", "input_image": "a.png", "output_image": "b.png", "id": 4}
    (edit,) = read_rated_edits(write(tmp_path, row | {"mean_overall": 3})).edits
    assert (edit.uid, edit.source, edit.edited) == ("4", tmp_path / "a.png", tmp_path / "b.png")


def test_a_csv_file_of_means_a_json_list_and_a_folder_are_read(tmp_path: Path) -> None:
    table = tmp_path / "means.csv"
    table.write_text(
        "uid,instruction,source,edited,mean_overall,mean_quality\na,make it red,a.png,b.png,3.5,\n"
    )
    assert read_rated_edits(table).edits[0].scores == {"overall": {"mean": 3.5}}
    whole = tmp_path / "all.json"
    whole.write_text(json.dumps([GOOD, GOOD | {"uid": "b"}], indent=1))
    assert [edit.uid for edit in read_rated_edits(whole).edits] == ["a_1", "b"]
    write(tmp_path, GOOD)
    assert read_rated_edits(tmp_path).path.name == "ratings.jsonl"


def test_pixels_in_the_place_of_a_name_are_a_reason(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="too long"):
        check_image(tmp_path / ("iVBORw0KGgo" * 900))

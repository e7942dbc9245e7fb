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

"""Ratings, regions, rewards and benchmark cases as their authors published them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from editloop.core.errors import BadInputError
from editloop.records.formats.cases import read_imgedit_bench, read_real_edit
from editloop.records.formats.imgedit_annotations import (
    read_gpt_scores,
    read_recaptions,
    read_two_scores,
    two_scores_text,
)
from editloop.records.formats.reward_edit import read_rewards, write_rewards
from editloop.records.formats.rle import decode_mask, encode_mask
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Outcome, Verdict


@pytest.mark.parametrize(
    ("text", "scores", "match"),
    [
        ("Brief reasoning: fine\nScore 1: 5\nScore 2: 4\nObjects match: True", [5, 4], True),
        ("**Score 1**: 3\n**Score 2**: 2\n**Objects match**: False", [3, 2], False),
        ("score1 = 4/5, score2 = 5/5", [4, 5], None),
        ("Reasoning: the 2 dogs stay.\nInstruction: 4\nNaturalness: 3/5", [4, 3], None),
        ("Score 2: 3", [3], None),
        ("I cannot rate this image.", [], None),
        ("", [], None),
        ("Score 1: 9\nScore 2: 0", [], None),
        ("Score 1: 10", [], None),
        ("Score 1: 4.5\nScore 2: 5.5", [4.5], None),
    ],
)
def test_ratings_carry_two_one_or_no_scores(text, scores, match):
    verdict = read_two_scores(text)
    assert list(verdict.axes.values()) == scores
    assert verdict.outcome is (Outcome.SCORED if scores else Outcome.UNPARSABLE)
    assert verdict.flags == ({} if match is None else {"objects_match": match})
    assert verdict.raw_reply == text


def test_a_lone_second_score_is_not_taken_for_the_first():
    assert read_two_scores("Score 2: 3").axes == {"naturalness": 3}


def test_rating_texts_read_back():
    verdict = Verdict(judge="j", judge_version="1", scale=(1, 5), axes={"instruction_following": 4, "naturalness": 5}, flags={"objects_match": False}, reasons=("a seam",))  # fmt: skip
    back = read_two_scores(two_scores_text(verdict))
    assert (back.axes, back.flags) == (verdict.axes, verdict.flags)
    lone = verdict.model_copy(update={"axes": {"naturalness": 3.5}})
    assert read_two_scores(two_scores_text(lone)).axes == lone.axes
    assert two_scores_text(verdict.model_copy(update={"scale": (0, 10)})) is None


def test_rating_files_single_and_collected(tmp_path):
    single = tmp_path / "0001" / "judge_2scores.json"
    single.parent.mkdir()
    single.write_text(json.dumps({"score": "Score 1: 5\nScore 2: 4", "folder": "add/0001"}))
    collected = tmp_path / "all.json"
    collected.write_text(json.dumps({"add/1": {"score": "Score 1: 2"}, "add/2": "Score 1: 3", "add/3": {"score": None}}))  # fmt: skip
    listed = tmp_path / "list.json"
    listed.write_text(json.dumps([{"folder": "x", "score": "Score 1: 1"}, "nothing"]))
    assert [(key, list(v.axes.values())) for key, v in read_gpt_scores(single)] == [
        ("add/0001", [5, 4])
    ]
    assert [(key, list(v.axes.values())) for key, v in read_gpt_scores(collected)] == [("add/1", [2]), ("add/2", [3]), ("add/3", [])]  # fmt: skip
    assert [key for key, _ in read_gpt_scores(listed)] == ["x", "1"]


def test_known_packed_mask():
    mask = np.zeros((4, 5), bool)
    mask[1:3, 2] = True
    assert decode_mask([9, 2, 9], 4, 5).tolist() == mask.tolist()
    assert encode_mask(mask) == "929", (
        "nine off, two on, then nine more: 9 - 0 since the third run has no run two before"
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_masks_survive_packing(height, width, seed, share):
    mask = np.random.default_rng(seed).random((height, width)) < share
    assert np.array_equal(decode_mask(encode_mask(mask), height, width), mask)


def test_masks_that_do_not_fit_are_refused():
    with pytest.raises(BadInputError, match="expected 4 x 5"):
        decode_mask([3, 2], 4, 5)
    with pytest.raises(BadInputError, match="no character"):
        decode_mask("9 2", 4, 5)


def test_recaptions(tmp_path):
    mask = np.zeros((6, 8), bool)
    mask[1:4, 2:6] = True
    region = {
        "class_name": "dog",
        "bbox": [2, 1, 6, 4],
        "mask": {"size": [6, 8], "counts": encode_mask(mask)},
        "score": 0.8,
        "clip_score": 0.9,
        "aes_score": 5.1,
    }
    entry = {
        "path": "a.jpg", "cap": ["A dog on grass."], "resolution": {"height": 6, "width": 8}, "aes": 5.5, "border": None,
        "tags": {"background": ["grass"], "object": ["dog"], "summary": "dog on grass"},
        "segmentation": {"object": [region, region | {"score": [0.1, 0.2]}], "background": [region | {"class_name": "grass"}], "box_format": "xyxy"},
        "bg_count": {"grass": 1}, "obj_count": {"dog": 2},
    }  # fmt: skip
    for text in (
        json.dumps([entry]),
        json.dumps(entry),
        json.dumps(entry) + "\n" + json.dumps(entry),
    ):
        (tmp_path / "recap.json").write_text(text)
        photo, *_ = read_recaptions(tmp_path / "recap.json")
        assert [(r.role, r.label) for r in photo.regions] == [
            ("object", "dog"),
            ("background", "grass"),
        ]
        assert np.array_equal(photo.regions[0].mask(photo.height, photo.width), mask)
        assert (photo.summary, photo.captions) == ("dog on grass", ("A dog on grass.",))
    (tmp_path / "recap.json").write_text(json.dumps([{"path": "a.jpg"}]))
    with pytest.raises(BadInputError, match="entry 0"):
        list(read_recaptions(tmp_path / "recap.json"))


def test_rewards_read_and_write(tmp_path):
    path = tmp_path / "RewardEdit_20K.json"
    entries = [
        {"Score": 1, "Negative Prompt": "the frame did not turn green"},
        {"Score": "4.5", "Negative Prompt": "slight blur"},
        {"Score": None, "Negative Prompt": "None"},
    ]
    path.write_text(json.dumps({"0001": entries}))
    ((key, verdict),) = read_rewards(path)
    assert key == "0001"
    assert verdict.axes == {"following": 1.0, "preserving": 4.5}
    assert verdict.reasons[0] == "the frame did not turn green"
    write_rewards([(key, verdict)], path)
    ((_, back),) = read_rewards(path)
    assert (back.axes, back.reasons) == (verdict.axes, verdict.reasons)
    path.write_text(json.dumps({"0001": entries[:2]}))
    with pytest.raises(BadInputError, match="2 entries"):
        list(read_rewards(path))


def test_real_edit_lines(tmp_path):
    path = tmp_path / "real_edit_instruct.json"
    path.write_text(json.dumps({"a.jpg": ["Local. 1: Turn the cup into a vase.", "Style. 2: Note: make it a sketch."]}))  # fmt: skip
    cases = read_real_edit(path)
    assert [(c.edit_type, c.turns, c.key) for c in cases] == [
        (EditType.REPLACE, ("Turn the cup into a vase.",), "a.jpg#0"),
        (EditType.STYLE, ("make it a sketch.",), "a.jpg#1"),
    ]
    path.write_text(json.dumps({"a.jpg": ["Nonsense"]}))
    with pytest.raises(BadInputError, match="Nonsense"):
        read_real_edit(path)


def test_multi_turn_cases(tmp_path):
    path = tmp_path / "memory.json"
    path.write_text(
        json.dumps({"1": {"id": "a.jpg", "turn1": "All in red.", "turn2": "Swap the hat."}})
    )
    (case,) = read_imgedit_bench(path)
    assert case.turns == ("All in red.", "Swap the hat.")
    path.write_text(json.dumps({"1": {"id": "a.jpg"}}))
    with pytest.raises(BadInputError, match="no instruction"):
        read_imgedit_bench(path)


def _shared_data() -> Path:
    default = Path(__file__).parents[4] / "shared" / "data"
    return Path(os.environ.get("EDITLOOP_SHARED_DATA", default))


@pytest.mark.skipif(not (_shared_data() / "imgedit_bench").is_dir(), reason="no shared data")
def test_the_released_benchmark_has_737_and_47_cases():
    folder = _shared_data() / "imgedit_bench"
    basic = read_imgedit_bench(folder / "basic_edit.json")
    counts = {t: sum(c.edit_type is t for c in basic) for t in {c.edit_type for c in basic}}
    assert len(basic) == 737
    assert counts[EditType.EXTRACT] == 117
    assert counts[EditType.COMPOSE] == 23
    assert len(counts) == 9
    uge = read_imgedit_bench(folder / "UGE_edit.json")
    assert len(uge) == 47
    assert {case.edit_type for case in uge} == {None}

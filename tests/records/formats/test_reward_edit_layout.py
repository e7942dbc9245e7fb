"""RewardEdit-20K's layout, and any judge's verdict in its terms."""

from __future__ import annotations

import json
import shutil

import pytest

from editloop.records.formats import export, read_dataset, verify_export
from editloop.records.formats.reward_edit import NO_FAULT, as_rewards
from editloop.records.formats.reward_edit_layout import RELEASED, REWARDS
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Outcome, Verdict


def judged(axes: dict[str, float], *reasons: str) -> Verdict:
    return Verdict(judge="j", judge_version="1", scale=(1, 5), axes=axes, reasons=reasons)


AXES = {"instruction": 2.0, "preservation": 5.0, "quality": 4.0}


@pytest.fixture
def plain(make_record):
    fields = {"references": (), "mask": None, "turn": None}
    first = make_record(1, verdicts=(judged(AXES, "the ball did not turn green"),), **fields)
    second = make_record(
        2, EditType.STYLE, verdicts=(judged(AXES | {"instruction": 5.0}),), **fields
    )
    return [first, second]


def test_round_trip(plain, shelf, tmp_path):
    manifest = export(plain, shelf.load, tmp_path / "out", "rewardedit")
    assert (manifest.records, manifest.left_out) == (2, 0)
    assert verify_export(tmp_path / "out") == []
    dataset = read_dataset(tmp_path / "out")
    assert dataset.layout == "rewardedit"
    read = {record.provenance.origin.name: record for record in dataset}
    assert dataset.skipped == []
    for record in plain:
        back = read[record.id]
        assert (back.source, back.target) == (record.source, record.target)
        assert (back.instruction, back.edit_type) == (record.instruction, record.edit_type)
        assert dataset.load(back.target) == shelf.load(record.target)
        assert back.verdict.axes == as_rewards(record.verdict).axes
    assert read_dataset(tmp_path / "out").load(plain[0].source) == shelf.load(plain[0].source)


def test_the_reward_file_is_the_released_one(plain, shelf, tmp_path):
    export(plain, shelf.load, tmp_path / "out", "rewardedit")
    rewards = json.loads((tmp_path / "out" / REWARDS).read_text())
    assert rewards[plain[0].id] == [
        {"Score": 1.25, "Negative Prompt": "the ball did not turn green"},
        {"Score": 5.0, "Negative Prompt": NO_FAULT},
        {"Score": 3.75, "Negative Prompt": NO_FAULT},
    ]


def test_a_released_folder_is_known_by_its_file(plain, shelf, tmp_path):
    export(plain, shelf.load, tmp_path / "out", "rewardedit")
    released = tmp_path / "released"
    shutil.copytree(tmp_path / "out", released)
    (released / "export.json").unlink()
    (released / REWARDS).rename(released / RELEASED)
    assert len(list(read_dataset(released))) == 2


def test_what_is_missing_is_skipped_with_a_reason(plain, shelf, tmp_path):
    export(plain, shelf.load, tmp_path / "out", "rewardedit")
    next((tmp_path / "out" / plain[0].id).glob("orig.*")).unlink()
    (tmp_path / "out" / plain[1].id / "prompt.json").unlink()
    dataset = read_dataset(tmp_path / "out")
    assert list(dataset) == []
    assert {skip.reason for skip in dataset.skipped} == {"missing_image", "bad_annotation"}


def test_unjudged_triplets_are_left_out_and_counted(make_record, shelf, tmp_path):
    silent = make_record(1, references=(), turn=None, verdicts=())
    manifest = export([silent], shelf.load, tmp_path / "out", "rewardedit")
    assert (manifest.records, manifest.left_out) == (0, 1)


def test_faults_are_put_where_the_score_is_lowest():
    rewards = as_rewards(judged(AXES | {"quality": 1.0}, "smears", "a seam"))
    assert rewards.scale == (0.0, 5.0)
    assert rewards.reasons == (NO_FAULT, NO_FAULT, "smears; a seam")


def test_three_reasons_of_the_three_axes_stay_where_they_are():
    axes = {"following": 4.0, "preserving": 3.0, "quality": 2.0}
    given = Verdict(judge="j", judge_version="1", scale=(0, 5), axes=axes, reasons=("a", " ", "c"))
    rewards = as_rewards(given)
    assert rewards.axes == axes
    assert rewards.reasons == ("a", NO_FAULT, "c")


def test_a_verdict_without_the_perspectives_has_no_rewards():
    assert as_rewards(judged({"delight": 3.0})) is None
    failed = Verdict(judge="j", judge_version="1", scale=(1, 5), outcome=Outcome.FAILED)
    assert as_rewards(failed) is None

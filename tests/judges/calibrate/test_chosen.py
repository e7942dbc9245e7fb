"""A judge that asks a version for each kind of edit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.judges.base import JudgeRequest
from editloop.judges.calibrate.chosen import (
    UNREAD,
    ChosenModel,
    labelled_edits,
    save_chosen,
    task_of,
)
from editloop.judges.people.bulk import Judged
from editloop.judges.registry import JUDGES, load_judge
from editloop.models.roles import ModelIdentity
from editloop.records.formats.rated_edits import RatedEdit, RatedFile
from editloop.records.verdict import Verdict


class Constant:
    """Says one score."""

    def __init__(self, score: float) -> None:
        self.identity = ModelIdentity(f"test:{score}", "1")
        self.reject_reasons = (f"r{score}",)
        self._score = score

    def judge(self, request: JudgeRequest) -> Verdict:
        return Verdict(judge="x", judge_version="1", scale=(1, 5), axes={"overall": self._score})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for score in (2.0, 4.0):
        monkeypatch.setitem(JUDGES._entries, f"test:{score}", lambda score=score: Constant(score))
    model = ChosenModel(base="test:2.0", versions={"remove": "test:4.0"})
    return save_chosen(model, tmp_path / "judge").parent


def test_each_kind_of_edit_goes_to_its_version(folder: Path) -> None:
    judge = load_judge(str(folder))
    image = np.zeros((16, 16, 3), np.uint8)
    found = [
        judge.judge(JudgeRequest(image, text, image)).axes["overall"]
        for text in ("remove the car", "add a car", "qwzx")
    ]
    assert found == [4.0, 2.0, 2.0]
    assert judge.reject_reasons == ("r2.0", "r4.0")
    assert judge.judge(JudgeRequest(image, "add a car", image)).judge == judge.identity.name


def test_another_choice_is_another_version(folder: Path) -> None:
    first = load_judge(str(folder)).identity
    save_chosen(ChosenModel(base="test:2.0", versions={}), folder)
    assert load_judge(str(folder)).identity.version != first.version


def test_a_damaged_folder_is_a_clear_error(folder: Path) -> None:
    (folder / "judge.json").write_text('{"kind": "chosen"}')
    with pytest.raises(UsageError, match="fit it again"):
        load_judge(str(folder))


def test_an_edit_carries_the_scores_of_the_versions_that_could_judge_it() -> None:
    edit = RatedEdit("a", "p", "remove the car", Path("s"), Path("e"), {"overall": {"r": 8.0}})
    verdict = Constant(3.0).judge(JudgeRequest(np.zeros((8, 8, 3)), "x", np.zeros((8, 8, 3))))
    judged = {"one": Judged("one", "1", {"a": verdict}), "two": Judged("two", "1")}
    (found,) = labelled_edits(RatedFile(Path("f"), 1, (edit,), ()), judged, "overall", (0, 10))
    assert (found.task, found.people, found.scores) == ("remove", 8.0, {"one": 5.0})
    assert task_of("qwzx") == UNREAD

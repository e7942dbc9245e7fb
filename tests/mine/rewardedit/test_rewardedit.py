"""Imperfect triplets with rewards: made or imported, judged on three perspectives, nothing repaired or discarded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.engine import RunResult, run_pipeline
from editloop.judges.base import JudgeRequest
from editloop.judges.registry import JUDGES
from editloop.mine.in_process import in_this_process
from editloop.mine.rewardedit.recipe import RewardEditRecipe
from editloop.mine.truth import truth_of
from editloop.models.roles import ModelIdentity
from editloop.records.formats import export, read_dataset
from editloop.records.formats.reward_edit import NO_FAULT
from editloop.records.record import EditRecord
from editloop.records.verdict import Outcome, Verdict
from editloop.world.render import render


class Unchanged:
    """Finds fault with pictures that were not changed; cannot judge an all-dark source."""

    identity: ClassVar[ModelIdentity] = ModelIdentity("test:unchanged", "1")
    reject_reasons: ClassVar[tuple[str, ...]] = ("no_op",)
    seen: ClassVar[list[int]] = []

    def judge(self, request: JudgeRequest) -> Verdict:
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[JudgeRequest]) -> list[Verdict]:
        self.seen.append(len(requests))
        return [self._verdict(request) for request in requests]

    def _verdict(self, request: JudgeRequest) -> Verdict:
        common = {"judge": self.identity.name, "judge_version": "1", "scale": (1.0, 5.0)}
        if np.array_equal(request.source, request.edited):
            axes = {"instruction": 1.0, "preservation": 5.0, "quality": 4.0}
            return Verdict(
                **common, axes=axes, text="nothing changed", reasons=("nothing changed",)
            )
        axes = dict.fromkeys(("instruction", "preservation", "quality"), 5.0)
        return Verdict(**common, axes=axes)


class Mute(Unchanged):
    identity: ClassVar[ModelIdentity] = ModelIdentity("test:mute", "1")

    def _verdict(self, request: JudgeRequest) -> Verdict:
        return Verdict(judge="m", judge_version="1", scale=(1.0, 5.0), outcome=Outcome.REFUSED)


@pytest.fixture(autouse=True)
def _judges(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, judge in (("test:unchanged", Unchanged), ("test:mute", Mute)):
        monkeypatch.setitem(JUDGES._entries, name, judge)


def recipe(**settings: object) -> RewardEditRecipe:
    judged = {"perspectives": {"judge": "test:unchanged"}}
    return RewardEditRecipe.model_validate({"triplets": 40, **judged, **settings})


def run(given: RewardEditRecipe, folder: Path | None = None) -> RunResult:
    stages = in_this_process(given.stages())
    return run_pipeline(stages, given.inputs(), run_dir=folder, run_seed=given.seed)


def records_of(result: RunResult) -> list[EditRecord]:
    return [record for record in result.records() if isinstance(record, EditRecord)]


def test_every_triplet_stays_with_scores_from_0_to_5_and_its_fault() -> None:
    with run(recipe()) as result:
        records = records_of(result)
        assert len(records) == 40
        faults = 0
        for record in records:
            verdict = record.verdict
            assert verdict is not None
            assert verdict.scale == (0.0, 5.0)
            assert record.target is not None
            if record.source == record.target:
                faults += 1
                assert verdict.axes == {"following": 0.0, "preserving": 5.0, "quality": 3.75}
                assert verdict.reasons == ("nothing changed", NO_FAULT, NO_FAULT)
            else:
                assert verdict.reasons == (NO_FAULT,) * 3
        assert faults > 0


def test_flaws_are_in_the_history_and_the_truth_beside_them() -> None:
    given = recipe()
    with run(given) as result:
        records = records_of(result)
        flaws = [record.provenance.steps[0].parameters["flaw"] for record in records]
        for record, flaw in zip(records, flaws, strict=True):
            case = truth_of(record)
            assert case is not None
            assert record.target is not None
            is_right = np.array_equal(result.images.load(record.target), render(case.target))
            assert is_right == (flaw is None)
        facts = given.facts(result, records)
        assert facts["planted_flaws"] == sum(flaw is not None for flaw in flaws) > 5


def test_the_same_seed_gives_the_same_triplets_and_another_gives_others(tmp_path: Path) -> None:
    with run(recipe(), tmp_path) as first, run(recipe(seed=1)) as other:
        made = sorted(record.model_dump_json() for record in records_of(first))
        assert {r.id for r in records_of(first)}.isdisjoint(r.id for r in records_of(other))
    with run(recipe(), tmp_path) as again:
        assert again.computed == 0
        assert sorted(record.model_dump_json() for record in records_of(again)) == made


def test_the_export_is_rewardedits_and_is_a_source_again(tmp_path: Path) -> None:
    with run(recipe(triplets=5)) as result:
        records = records_of(result)
        export(records, result.images.load_bytes, tmp_path / "out", "rewardedit")
    rewards = json.loads((tmp_path / "out" / "RewardEdit.json").read_text())
    assert set(rewards) == {record.id for record in records}
    assert all(len(entries) == 3 for entries in rewards.values())
    given = recipe(dataset=str(tmp_path / "out"))
    with run(given) as again:
        back = {record.provenance.origin.name: record for record in records_of(again)}
        for record in records:
            assert back[record.id].instruction == record.instruction
            assert back[record.id].target == record.target
            assert back[record.id].verdict is not None
            assert back[record.id].verdict.axes == record.verdict.axes  # type: ignore[union-attr]
        assert again.images.load(back[records[0].id].source).shape == (32, 32, 3)
    assert read_dataset(tmp_path / "out").layout == "rewardedit"


def test_what_a_judge_refuses_is_dropped_with_its_pictures() -> None:
    with run(recipe(triplets=3, perspectives={"judge": "test:mute"})) as result:
        assert records_of(result) == []
        assert {reject.reason for reject in result.rejected()} == {"unscored"}
        assert all(reject.record is not None for reject in result.rejected())


def test_judges_get_many_at_once() -> None:
    Unchanged.seen.clear()
    with run(recipe()):
        assert max(Unchanged.seen) > 8


def test_photographs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leave out --photos"):
        recipe().inputs(tmp_path)

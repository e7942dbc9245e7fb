"""Cases that an editor does not solve yet: even over tasks and categories, what is solved dropped and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

from editloop.engine import RunResult, run_pipeline
from editloop.judges.base import JudgeRequest
from editloop.judges.registry import JUDGES
from editloop.mine.in_process import in_this_process
from editloop.mine.realpref.balance import TASKS, category_of, even_cases
from editloop.mine.realpref.recipe import RealPrefRecipe
from editloop.mine.truth import truth_of
from editloop.models import REGISTRIES
from editloop.models.roles import EditRequest, EditResult, ModelIdentity
from editloop.records.record import EditRecord
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Verdict
from editloop.world.choices import KINDS


class Darkener:
    """Darkens on even seeds, leaves alone on odd ones."""

    identity: ClassVar[ModelIdentity] = ModelIdentity("test:darkener", "1")

    def edit(self, request: EditRequest) -> EditResult:
        image = request.image // 2 if request.seed % 2 == 0 else request.image
        return EditResult(image)


class LikesChange:
    """Full score for a picture that differs from its source."""

    identity: ClassVar[ModelIdentity] = ModelIdentity("test:likes-change", "1")
    reject_reasons: ClassVar[tuple[str, ...]] = ()

    def judge(self, request: JudgeRequest) -> Verdict:
        score = 2.0 if np.array_equal(request.source, request.edited) else 5.0
        axes = {"instruction": score, "preservation": score, "quality": score}
        return Verdict(judge="test:likes-change", judge_version="1", scale=(1, 5), axes=axes)


@pytest.fixture(scope="module")
def recipe() -> RealPrefRecipe:
    settings = {
        "cases": 8 * 32,
        "try_once": {"editor": "test:darkener"},
        "drop_solved": {"scorer": "test:likes-change"},
    }
    return RealPrefRecipe.model_validate(settings)


@pytest.fixture(scope="module")
def mined(recipe: RealPrefRecipe) -> Iterator[RunResult]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(REGISTRIES["editor"]._entries, "test:darkener", Darkener)
        patch.setitem(JUDGES._entries, "test:likes-change", LikesChange)
        stages = in_this_process(recipe.stages())
        with run_pipeline(stages, recipe.inputs(), run_seed=recipe.seed) as result:
            yield result


def kept(result: RunResult) -> list[EditRecord]:
    return [record for record in result.records() if isinstance(record, EditRecord)]


def test_the_eight_tasks_are_hp_edits() -> None:
    assert len(TASKS) == 8
    assert {EditType.ADD, EditType.BOKEH, EditType.RELIGHT} < set(TASKS)


@pytest.mark.parametrize("task", [EditType.ADD, EditType.BACKGROUND, EditType.RELIGHT])
def test_no_category_comes_more_than_once_more_often_than_another(task: EditType) -> None:
    cases = even_cases(np.random.default_rng(1), task, 40)
    assert len(cases) == 40
    assert {case.edit_type for case in cases} == {task}
    found = Counter(map(category_of, cases))
    assert {found[kind] for kind in KINDS} <= {2, 3}


def test_only_cases_below_the_full_score_stay(mined: RunResult) -> None:
    records = kept(mined)
    assert 0 < len(records) < 256
    for record in records:
        assert record.source == record.target
        assert record.verdict is not None
        assert record.verdict.overall == 2.0
        case = truth_of(record)
        assert case is not None
        assert case.instruction == record.instruction
    solved = list(mined.rejected())
    assert {reject.reason for reject in solved} == {"full_score"}
    assert len(solved) + len(records) == 256
    assert all(isinstance(reject.record, EditRecord) for reject in solved)


def test_the_counts_of_both_sets_are_told(recipe: RealPrefRecipe, mined: RunResult) -> None:
    facts = recipe.facts(mined, kept(mined))
    assert facts["cases_before"] == 256
    assert facts["cases_after"] == len(kept(mined))
    assert facts["tasks_before"] == dict.fromkeys(
        sorted(
            [
                "addition",
                "background replacement",
                "bokeh",
                "color change",
                "relighting",
                "removal",
                "style transfer",
                "swap",
            ]
        ),
        32,
    )
    assert facts["categories_before"] == dict.fromkeys(sorted(KINDS), 16)


def test_every_seed_of_the_editor_is_in_the_history(mined: RunResult) -> None:
    steps = [record.provenance.steps[0] for record in kept(mined)]
    assert all(step.model == "test:darkener" for step in steps)
    assert all(step.seed is not None and step.seed % 2 == 1 for step in steps)
    assert len({step.seed for step in steps}) == len(steps)

"""Single stages on hand-made triplets: every reason to drop, the order of tries, and what goes with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from tests.mine.scenes import reference

from editloop.engine.stage import Dropped, Kept, StageConfig
from editloop.mine.nhr.consistency import BackwardConsistency, ConsistencyConfig
from editloop.mine.nhr.filters import SoftFilter, SoftFilterConfig
from editloop.mine.nhr.low_level import largest_component_share
from editloop.mine.nhr.prompts import storybook_prompts
from editloop.mine.nhr.recipe import NhrRecipe
from editloop.mine.nhr.selection import SelectBest
from editloop.mine.nhr.validation import (
    Minimums,
    PickThresholds,
    Validate,
    ValidateConfig,
    minimums_of,
)
from editloop.records.provenance import Origin, Provenance, Step
from editloop.records.record import EditRecord, Operation
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Outcome, Verdict
from editloop.world.sampling import case_from_json


def verdict(adherence: float, aesthetic: float, **more: float) -> Verdict:
    axes = {"adherence": adherence, "aesthetic": aesthetic, **more}
    return Verdict(judge="j", judge_version="1", scale=(1, 5), axes=axes)


def triplet(name: str, *verdicts: Verdict, edit: str = "a", **changes: Any) -> EditRecord:
    step = Step(stage="try_edits", version="1", parameters={"edit": edit})
    least = Minimums(4.0, 4.0).step("validate", "1")
    values: dict[str, Any] = {
        "id": name,
        "source": reference("source"),
        "target": reference(f"target of {name}"),
        "instruction": "remove the ball",
        "edit_type": EditType.REMOVE,
        "verdicts": verdicts,
        "provenance": Provenance(
            recipe="nhr",
            recipe_version="1",
            run_seed=0,
            origin=Origin(name="x"),
            steps=(step, least),
        ),
    }
    return EditRecord(**(values | changes))


def fates(outcomes: Sequence[Kept[EditRecord] | Dropped]) -> list[str]:
    return [o.reason if isinstance(o, Dropped) else "kept" for o in outcomes]


@pytest.mark.parametrize(
    ("given", "fate"),
    [
        (verdict(3, 3), None),
        (verdict(2.9, 5), "low_adherence"),
        (verdict(5, 2.9), "low_aesthetic"),
        (verdict(5, 5, preservation=2.9), "unwanted_change"),
        (Verdict(judge="j", judge_version="1", scale=(1, 5), outcome=Outcome.FAILED), "unscored"),
    ],
)
def test_the_soft_filter_gives_its_reason(given: Verdict, fate: str | None) -> None:
    outcome = SoftFilter(SoftFilterConfig()).decide(triplet("a", given))
    assert fates([outcome]) == [fate or "kept"]


def test_storybook_axes_stand_for_the_papers() -> None:
    axes = {"instruction": 4.8, "preservation": 4.2, "quality": 4.9}
    given = Verdict(judge="j", judge_version="1", scale=(1, 5), axes=axes)
    assert Minimums(4.2, 4.9).objection(given) is None
    assert Minimums(4.3, 4.0).objection(given) == "low_adherence"
    assert Minimums(4.0, 4.95).objection(given) == "low_aesthetic"


def test_the_validator_writes_down_what_it_asked_for() -> None:
    stage = Validate(ValidateConfig(min_adherence=4.5, min_aesthetic=4.0))
    kept = stage.decide(triplet("a", verdict(4.6, 4.1)))
    assert isinstance(kept, Kept)
    assert minimums_of(kept.records[0]) == (4.5, 4.0)
    dropped = stage.decide(triplet("b", verdict(4.4, 4.1)))
    assert isinstance(dropped, Dropped)
    assert dropped.reason == "low_adherence"
    assert dropped.record is not None
    assert dropped.evidence["min_adherence"] == 4.5


def test_thresholds_are_picked_between_the_good_and_the_bad() -> None:
    records = [triplet(f"bad{n}", verdict(3.3, 4.8)) for n in range(10)]
    records += [triplet(f"good{n}", verdict(4.8, 4.7)) for n in range(10)]
    outcomes = PickThresholds(ValidateConfig()).run(records)
    assert fates(outcomes) == ["low_adherence"] * 10 + ["kept"] * 10


def test_a_given_threshold_stays_when_the_other_is_picked() -> None:
    records = [triplet(f"bad{n}", verdict(3.3, 2.0)) for n in range(10)]
    records += [triplet(f"good{n}", verdict(4.8, 2.0)) for n in range(10)]
    outcomes = PickThresholds(ValidateConfig(min_aesthetic=1.5)).run(records)
    kept = [o.records[0] for o in outcomes if isinstance(o, Kept)]
    assert len(kept) == 10
    least = minimums_of(kept[0])
    assert least is not None
    assert least.aesthetic == 1.5
    assert 3.3 < least.adherence < 4.8


def test_the_best_try_has_the_largest_geometric_mean() -> None:
    even, uneven = triplet("even", verdict(4.5, 4.5)), triplet("uneven", verdict(5.0, 4.01))
    other = triplet("other", verdict(4.1, 4.1), edit="b")
    assert fates(SelectBest(StageConfig()).run([even, uneven, other])) == [
        "kept",
        "not_the_best",
        "kept",
    ]


def test_of_equal_tries_the_first_by_id_stays_whatever_the_order() -> None:
    first, second = triplet("a", verdict(5, 5)), triplet("b", verdict(5, 5))
    assert fates(SelectBest(StageConfig()).run([second, first])) == ["not_the_best", "kept"]


def pair(inverse_score: float) -> list[EditRecord]:
    forward = triplet("f", verdict(5, 5))
    inverse = triplet(
        "i", verdict(inverse_score, 5), operation=Operation.INVERSE, parents=("f",), edit="i"
    )
    return [forward, inverse]


def test_a_low_inverse_takes_its_forward_edit_along() -> None:
    stage = BackwardConsistency(ConsistencyConfig())
    assert fates(stage.run(pair(4.0))) == ["kept", "kept"]
    assert fates(stage.run(pair(3.9))) == ["other_direction_rejected", "inverse_rejected"]


def test_the_threshold_of_the_way_back_can_be_set() -> None:
    stage = BackwardConsistency(ConsistencyConfig(min_adherence=3.0))
    assert fates(stage.run(pair(3.9))) == ["kept", "kept"]


def test_a_composition_falls_alone_or_with_a_parent() -> None:
    def composition(name: str, score: float, *parents: str) -> EditRecord:
        return triplet(
            name, verdict(score, 5), operation=Operation.COMPOSITION, parents=parents, edit=name
        )

    lone = triplet("lone", verdict(5, 5), edit="b")
    records = [
        *pair(2.0),
        lone,
        composition("low", 3.0, "lone", "lone"),
        composition("good", 4.5, "lone", "lone"),
        composition("orphan", 4.5, "lone", "f"),
    ]
    assert fates(BackwardConsistency(ConsistencyConfig()).run(records)) == [
        "other_direction_rejected",
        "inverse_rejected",
        "kept",
        "composition_rejected",
        "kept",
        "parent_rejected",
    ]


def test_the_order_of_filter_and_composition_is_a_setting() -> None:
    def names(order: str) -> list[str]:
        recipe = NhrRecipe.model_validate({"order": order})
        return [stage.name for stage in recipe.stages()][-3:]

    assert names("filter_first") == ["judge_derived", "backward_consistency", "compose"]
    assert names("compose_first") == ["compose", "judge_derived", "backward_consistency"]


def test_a_patch_is_an_edit_and_grain_is_not() -> None:
    before = np.zeros((60, 60, 3), np.uint8)
    patch = before.copy()
    patch[10:20, 10:20, 1] = 41
    assert largest_component_share(before, patch, 40) == 1.0
    grain = before.copy()
    grain[::2, ::2] = 200
    share = largest_component_share(before, grain, 40)
    assert share == pytest.approx(1 / 900)
    assert largest_component_share(before, before + np.uint8(40), 40) is None


def test_touching_corners_do_not_connect() -> None:
    before = np.zeros((8, 8, 3), np.uint8)
    after = before.copy()
    after[0, 0] = after[1, 1] = 255
    assert largest_component_share(before, after, 40) == 0.5


def test_prompts_come_with_different_edits_of_one_scene() -> None:
    prompts = list(storybook_prompts(7, 12, 4))
    assert prompts == list(storybook_prompts(7, 12, 4))
    assert len({prompt.id for prompt in prompts}) == len(prompts)
    for prompt in prompts:
        cases = [case_from_json(edit.truth or "") for edit in prompt.edits]
        assert len({case.source for case in cases}) == 1
        assert len({case.edit_type for case in cases}) == len(cases) <= 4
        assert [case.instruction for case in cases] == [edit.instruction for edit in prompt.edits]
        assert not any(case.ambiguous for case in cases)
    removals = [p for p in prompts if p.edits[0].edit_type is EditType.REMOVE]
    assert len(removals) > 8

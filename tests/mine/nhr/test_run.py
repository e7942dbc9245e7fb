"""The recipe as a whole: counts that can be foreseen, every candidate accounted for, resume, and what the filters are worth."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.mine.nhr.actors import Troupe

from editloop.core.errors import UsageError
from editloop.engine import RunResult
from editloop.mine.nhr.audit import audit, audit_stages
from editloop.mine.nhr.recipe import NhrRecipe
from editloop.mine.nhr.run import accepted_after, candidates, mine_nhr, survival
from editloop.mine.nhr.tries import edit_key
from editloop.mine.nhr.validation import minimums_of
from editloop.mine.truth import truth_of
from editloop.records.record import EditRecord, Operation

pytestmark = pytest.mark.usefixtures("troupe")


def counts(result: RunResult) -> dict[str, tuple[int, int]]:
    return {count.name: (count.taken, count.out) for count in result.counts}


def accepted(result: RunResult) -> list[EditRecord]:
    return [record for record in result.records() if isinstance(record, EditRecord)]


def test_every_candidate_is_accounted_for(recipe: NhrRecipe, troupe: Troupe) -> None:
    with mine_nhr(None, recipe, in_process=True) as result:
        drawn = counts(result)
        assert drawn["draw_sources"] == (4, 12)
        well_drawn = [c for c in candidates(result) if c.stage is None]
        tries = candidates(result)
        assert len(tries) == drawn["try_edits"][1] == 9 * drawn["gate"][1]
        assert {c.record.source.sha256 for c in tries} >= {
            c.record.source.sha256 for c in well_drawn
        }
        fell = Counter((c.stage, c.reason) for c in tries)
        assert fell["soft_filter", "low_adherence"] == 0
        assert sum(fell.values()) == len(tries)
        assert [c.record.id for c in tries] == sorted(c.record.id for c in tries)
        for candidate in tries:
            assert candidate.truth is not None
            assert candidate.soft_verdict is not None
            before = candidate.stage in ("soft_filter", "low_level")
            assert (candidate.validator_verdict is None) == before
    assert set(troupe.scenes) == {prompt.prompt for prompt in recipe.inputs()}


def test_pictures_that_miss_an_object_stop_at_the_gate(recipe: NhrRecipe) -> None:
    with mine_nhr(None, recipe, in_process=True) as result:
        stopped = [r for r in result.rejected() if r.stage == "gate"]
        assert stopped
        for reject in stopped:
            assert reject.reason == "not_as_described"
            assert reject.record is not None
            assert reject.record.seed % 3 == 0  # type: ignore[attr-defined]
            assert "largest mismatch" in reject.detail


def test_the_filters_leave_only_right_edits(recipe: NhrRecipe) -> None:
    with mine_nhr(None, recipe, in_process=True) as result:
        tries = candidates(result)
        audits = {line.stage: line.after for line in audit_stages(tries, result)}
        whole, picked = audits["try_edits"], audits["pick_thresholds"]
        assert whole is not None
        assert picked is not None
        assert whole.count == len(tries)
        assert 0.2 < whole.right.value < 0.8
        assert picked.right.value > 0.95
        assert picked.overall > whole.overall
        records = [candidate.record for candidate in accepted_after(tries, "select_best", result)]
        direct = audit(records, result.images.load)
        assert direct is not None
        assert direct == audits["select_best"]


def test_one_try_of_each_edit_is_left_and_it_is_the_best(recipe: NhrRecipe) -> None:
    with mine_nhr(None, recipe, in_process=True) as result:
        tries = candidates(result)
        before = accepted_after(tries, "pick_thresholds", result)
        after = accepted_after(tries, "select_best", result)
        edits = {(c.record.source.sha256, edit_key(c.record)) for c in before}
        assert len(after) == len(edits)
        assert {(c.record.source.sha256, edit_key(c.record)) for c in after} == edits


def test_the_picked_threshold_is_in_the_history_of_what_it_let_through(recipe: NhrRecipe) -> None:
    with mine_nhr(None, recipe, in_process=True) as result:
        picked = survival(candidates(result), recipe)
        for record in accepted(result):
            least = minimums_of(record)
            assert least is not None
            assert tuple(least) == (picked.threshold, picked.threshold)


def test_given_thresholds_drop_at_the_validator(recipe: NhrRecipe) -> None:
    strict = recipe.validator.model_copy(update={"min_adherence": 4.7, "min_aesthetic": 4.7})
    given = recipe.model_copy(update={"validator": strict})
    with mine_nhr(None, given, in_process=True) as result:
        names = [count.name for count in result.counts]
        assert "pick_thresholds" not in names
        for candidate in accepted_after(candidates(result), "validate", result):
            verdict = candidate.validator_verdict
            assert verdict is not None
            assert min(verdict.axes.values()) >= 4.7


def test_derived_triplets_name_their_parents_and_end_where_these_did(recipe: NhrRecipe) -> None:
    with mine_nhr(None, recipe, in_process=True) as result:
        by_id = {record.id: record for record in accepted(result)}
        kinds = Counter(record.operation for record in by_id.values())
        assert kinds[Operation.INVERSE] > 0
        assert kinds[Operation.COMPOSITION] > 0
        for record in by_id.values():
            parents = [by_id[name] for name in record.parents]
            case = truth_of(record)
            assert case is not None
            assert case.instruction == record.instruction
            if record.operation is Operation.INVERSE:
                assert (record.source, record.target) == (parents[0].target, parents[0].source)
            if record.operation is Operation.COMPOSITION:
                assert record.source == parents[0].target
                assert record.target == parents[1].target
                assert parents[0].source == parents[1].source


def test_a_second_run_computes_nothing_and_gives_the_same(
    recipe: NhrRecipe, tmp_path: Path
) -> None:
    with mine_nhr(tmp_path, recipe, in_process=True) as first:
        made = [record.model_dump_json() for record in accepted(first)]
        fallen = len(candidates(first))
    with mine_nhr(tmp_path, recipe, in_process=True) as again:
        assert again.computed == 0
        assert [record.model_dump_json() for record in accepted(again)] == made
        assert len(candidates(again)) == fallen


def test_a_budget_takes_a_few_of_all_tries(recipe: NhrRecipe) -> None:
    tries = recipe.tries.model_copy(update={"budget": 4})
    with mine_nhr(None, recipe.model_copy(update={"tries": tries}), in_process=True) as result:
        per_source = Counter(c.record.provenance.origin.name for c in candidates(result))
        assert set(per_source.values()) == {4}


def test_a_stage_that_did_not_run_is_a_usage_error(recipe: NhrRecipe) -> None:
    with mine_nhr(None, recipe, in_process=True) as result:
        with pytest.raises(UsageError, match="no stage 'polish'"):
            accepted_after(candidates(result), "polish", result)

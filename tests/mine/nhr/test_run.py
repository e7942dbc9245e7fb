"""The recipe as a whole: counts that can be foreseen, every candidate accounted for, resume, and what the filters are worth."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from editloop.core.errors import UsageError
from editloop.engine import RunResult
from editloop.mine.judging import rank
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


def test_every_candidate_is_accounted_for(mined: RunResult) -> None:
    drawn = counts(mined)
    assert drawn["draw_sources"] == (3, 9)
    tries = candidates(mined)
    assert len(tries) == drawn["try_edits"][1] == 9 * drawn["gate"][1]
    fell = Counter(c.stage for c in tries)
    dropped = {count.name: sum(count.dropped.values()) for count in mined.counts}
    assert all(fell[name] == dropped[name] for name in ("low_level", "pick_thresholds"))
    accepted_originals = [r for r in accepted(mined) if r.operation is Operation.ORIGINAL]
    assert fell[None] == len(accepted_originals)
    assert [c.record.id for c in tries] == sorted(c.record.id for c in tries)
    for candidate in tries:
        assert candidate.truth is not None
        assert candidate.soft_verdict is not None
        before = candidate.stage in ("soft_filter", "low_level")
        assert (candidate.validator_verdict is None) == before


def test_pictures_that_miss_an_object_stop_at_the_gate(mined: RunResult) -> None:
    stopped = [r for r in mined.rejected() if r.stage == "gate"]
    assert stopped
    for reject in stopped:
        assert reject.reason == "not_as_described"
        assert reject.record is not None
        assert reject.record.seed % 3 == 0  # type: ignore[attr-defined]
        assert "largest mismatch" in reject.detail


def test_the_filters_leave_only_right_edits(mined: RunResult) -> None:
    tries = candidates(mined)
    audits = {line.stage: line.after for line in audit_stages(tries, mined)}
    whole, picked = audits["try_edits"], audits["pick_thresholds"]
    assert whole is not None
    assert picked is not None
    assert whole.count == len(tries)
    assert 0.2 < whole.right.value < 0.8
    assert picked.right.value > 0.95
    assert picked.overall > whole.overall
    records = [candidate.record for candidate in accepted_after(tries, "select_best", mined)]
    direct = audit(records, mined.images.load)
    assert direct is not None
    assert direct == audits["select_best"]


def test_one_try_of_each_edit_is_left_and_it_is_the_best(mined: RunResult) -> None:
    tries = candidates(mined)
    before = accepted_after(tries, "pick_thresholds", mined)
    after = accepted_after(tries, "select_best", mined)
    edits = {(c.record.source.sha256, edit_key(c.record)) for c in before}
    assert len(after) == len(edits)
    for candidate in after:
        chosen = candidate.record
        rivals = [c.record for c in before if c.record.source == chosen.source]
        rivals = [r for r in rivals if edit_key(r) == edit_key(chosen)]
        assert rank(chosen.verdicts[-1]) == max(rank(r.verdicts[-1]) for r in rivals)


def test_the_picked_threshold_is_in_the_history_of_what_it_let_through(
    recipe: NhrRecipe, mined: RunResult
) -> None:
    picked = survival(candidates(mined), recipe)
    for record in accepted(mined):
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


def test_derived_triplets_name_their_parents_and_end_where_these_did(mined: RunResult) -> None:
    by_id = {record.id: record for record in accepted(mined)}
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


def test_a_stage_that_did_not_run_is_a_usage_error(mined: RunResult) -> None:
    with pytest.raises(UsageError, match="no stage 'polish'"):
        accepted_after(candidates(mined), "polish", mined)

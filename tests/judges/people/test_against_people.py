"""Many edits judged from files, and the report against those who rated them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.judges.people.rated import write_rated

from editloop.cli.agreeing import missing_figures
from editloop.core.errors import EditloopError
from editloop.judges.people.bulk import judge_edits
from editloop.judges.people.report import judge_axis_of, people_report, score_of
from editloop.judges.people.systems import system_rank
from editloop.records.formats.rated_edits import read_rated_edits
from editloop.records.verdict import Outcome, Verdict
from editloop.store.answers import AnswerStore


def verdict(**axes: float) -> Verdict:
    return Verdict(judge="j", judge_version="1", scale=(1, 5), axes=axes)


def test_a_rerun_judges_nothing_again(tmp_path: Path, paint_judge: str) -> None:
    rated = read_rated_edits(write_rated(tmp_path))
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        first = judge_edits(paint_judge, rated.edits, store=store)
    assert first.kept == 0
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        second = judge_edits(paint_judge, rated.edits, store=store)
    assert second.kept == len(rated.edits) == 6
    assert second.verdicts == first.verdicts


def test_the_same_pixels_and_words_are_one_answer_wherever_they_lie(
    tmp_path: Path, paint_judge: str
) -> None:
    store = AnswerStore()
    judge_edits(paint_judge, read_rated_edits(write_rated(tmp_path / "a")).edits, store=store)
    again = judge_edits(
        paint_judge, read_rated_edits(write_rated(tmp_path / "b")).edits, store=store
    )
    assert again.kept == 6


def test_missing_and_damaged_images_are_counted_and_stop_nothing(
    tmp_path: Path, paint_judge: str
) -> None:
    rated = read_rated_edits(write_rated(tmp_path))
    (tmp_path / "edited0.png").unlink()
    (tmp_path / "edited1.png").write_bytes(b"no picture")
    cut = (tmp_path / "edited2.png").read_bytes()
    (tmp_path / "edited2.png").write_bytes(cut[: len(cut) // 2])
    judged = judge_edits(paint_judge, rated.edits, store=AnswerStore())
    reasons = {one.place: one.reason for one in judged.dropped}
    assert reasons == {"e0": "missing_image", "e1": "not_an_image", "e2": "truncated"}
    report = people_report(rated, judged, resamples=50)
    assert (report.axes[0].n, report.axes[0].n_scored) == (6, 3)


def test_the_report_has_every_figure_by_axis_and_by_task(tmp_path: Path, paint_judge: str) -> None:
    rated = read_rated_edits(write_rated(tmp_path, count=8))
    judged = judge_edits(paint_judge, rated.edits, store=AnswerStore())
    body = people_report(rated, judged, task_label="kind", resamples=50).as_json()
    row = body["axes"]["overall"]
    for name in (
        "spearman",
        "ci",
        "pearson",
        "within_1",
        "pair_accuracy",
        "ceiling",
        "n_scored",
        "n",
    ):
        assert name in row
    assert row["judge_axis"] == "overall"
    assert body["axes"]["quality"]["judge_axis"] == "natural"
    assert row["ceiling"] == pytest.approx(1.0, abs=0.02)
    assert body["by_task"]["addition"]["overall"]["n"] == 8
    json.dumps(body, allow_nan=False)


def test_people_and_judges_may_call_an_axis_differently() -> None:
    assert judge_axis_of("alignment", verdict(instruction=2, natural=3)) == "instruction"
    assert judge_axis_of("consistency", verdict(instruction=2, natural=3)) == "natural"
    assert judge_axis_of("quality", verdict(quality=2, natural=3)) == "quality"
    assert judge_axis_of("charm", verdict(quality=2, natural=3)) == "overall"


def test_scores_are_carried_onto_peoples_scale_and_an_unscored_verdict_has_none() -> None:
    assert score_of("alignment", verdict(instruction=3), (0, 10)) == 5.0
    assert score_of("overall", verdict(a=5, b=1), (0, 10)) == 5.0
    assert score_of("overall", verdict(a=5, overall=1), (0, 10)) == 0.0
    lost = Verdict(judge="j", judge_version="1", scale=(1, 5), outcome=Outcome.UNPARSABLE)
    assert score_of("overall", lost, (0, 10)) is None


@pytest.mark.weights
def test_two_processes_give_the_verdicts_of_one(tmp_path: Path) -> None:
    edits = read_rated_edits(write_rated(tmp_path, count=3)).edits
    one = judge_edits("embedded:evidence", edits, store=AnswerStore(), workers=1)
    two = judge_edits("embedded:evidence", edits, store=AnswerStore(), workers=2)
    assert two.verdicts == one.verdicts


def test_an_error_that_concerns_the_judge_itself_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paint_judge: str
) -> None:
    from editloop.core.errors import PrerequisiteError
    from editloop.judges.evidence import EvidenceJudge

    def broken(*_: object) -> Verdict:
        raise PrerequisiteError("install the weights")

    monkeypatch.setattr(EvidenceJudge, "judge", broken)
    edits = read_rated_edits(write_rated(tmp_path)).edits
    with pytest.raises(EditloopError, match="install the weights"):
        judge_edits(paint_judge, edits, store=AnswerStore())


def test_the_score_of_the_whole_is_the_rubrics_own_and_not_a_mean_of_axes() -> None:
    both = {"adherence": 1.0, "aesthetics": 4.0}
    nhr = verdict(**both).model_copy(update={"evidence": {"overall": 2.0}})
    assert nhr.overall == 2.0
    assert score_of("overall", nhr, (0, 10)) == 2.5
    assert verdict(a=1, overall=4).overall == 4
    assert verdict(a=1, b=4).overall == 2.5
    assert verdict().overall is None


def test_the_report_counts_why_edits_have_no_score(tmp_path: Path, paint_judge: str) -> None:
    rated = read_rated_edits(write_rated(tmp_path))
    judged = judge_edits(paint_judge, rated.edits, store=AnswerStore())
    for uid in ("e0", "e1"):
        judged.verdicts[uid] = Verdict(
            judge="j",
            judge_version="1",
            scale=(1, 5),
            outcome=Outcome.REFUSED,
            reasons=("overall: refusal",),
        )
    report = people_report(rated, judged, resamples=50)
    assert report.as_json()["unscored"] == {"refused: overall: refusal": 2}
    assert missing_figures(report, rated)[0] == "no score for 2 of 6: refused: overall: refusal"


def test_editors_are_ranked_where_the_file_names_them(tmp_path: Path, paint_judge: str) -> None:
    path = write_rated(tmp_path, count=8)
    rated = read_rated_edits(path)
    judged = judge_edits(paint_judge, rated.edits, store=AnswerStore())
    assert people_report(rated, judged, resamples=20).as_json()["systems"] == {}
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("\n".join(json.dumps(r | {"model": f"m{i % 4}"}) for i, r in enumerate(rows)))
    named = people_report(read_rated_edits(path), judged, resamples=50)
    row = named.as_json()["systems"]["overall"]
    assert (row["label"], row["n_systems"]) == ("model", 4)
    json.dumps(row, allow_nan=False)


def test_the_order_of_editors_is_that_of_their_means() -> None:
    rng = np.random.default_rng(0)
    level = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
    rows = [
        (name, str(photo), value + rng.normal(0, 0.1), 10 * value)
        for photo in range(12)
        for name, value in level.items()
    ]
    rank = system_rank("model", rows, resamples=100)
    assert rank is not None
    assert (rank.n, rank.kendall) == (4, pytest.approx(1.0))
    assert rank.spearman.value == pytest.approx(1.0)
    turned = system_rank("model", [(n, p, -j, h) for n, p, j, h in rows], resamples=100)
    assert turned is not None
    assert tuple(turned.spearman) == pytest.approx((-1.0, -1.0, -1.0))
    assert system_rank("model", rows[:2]) is None

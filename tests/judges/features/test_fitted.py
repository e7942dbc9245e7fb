"""A judge fitted to ratings: measured, checked, saved, loaded by its path, used."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.judges.features.fitted import FittedJudge, load_fitted, save_fitted
from editloop.judges.features.fitting import FitSettings, fit_judge
from editloop.judges.people.bulk import Judged, ReadsMeasurements
from editloop.judges.registry import load_judge
from editloop.records.formats.rated_edits import RatedEdit, RatedFile
from editloop.records.verdict import Outcome, Verdict

QUICK = FitSettings(folds=4, draws=1, resamples=50)
N = 60


def study(signal: float = 2.0) -> tuple[RatedFile, Judged]:
    """Sixty edits of thirty photographs; one feature tells how people like them."""
    rng = np.random.default_rng(0)
    edits, verdicts = [], {}
    for number in range(N):
        good, idle = rng.normal(size=2)
        scores = {
            f"r{r}": float(np.clip(5 + signal * good + r + rng.normal(), 0, 10)) for r in range(2)
        }
        edits.append(
            RatedEdit(str(number), str(number // 2), "x", Path("a"), Path("b"), {"overall": scores})
        )
        verdicts[str(number)] = Verdict(
            judge="features:base",
            judge_version="v1",
            scale=(1, 5),
            axes={"instruction": 3.0},
            evidence={"seen.good": float(good), "seen.idle": float(idle)},
            reasons=("the base judge's reason",),
        )
    return RatedFile(Path("r.jsonl"), N, tuple(edits), ()), Judged("features:base", "v1", verdicts)


def fitted(signal: float = 2.0) -> FittedJudge:
    rated, measured = study(signal)
    return FittedJudge(fit_judge(rated, measured, "base", QUICK).model)


def test_a_planted_feature_is_found_out_of_fold_and_reported() -> None:
    rated, measured = study()
    found = fit_judge(rated, measured, "base", QUICK)
    row = found.axes["overall"].as_json()
    assert row["spearman"] > 0.7
    assert next(iter(row["importance_of_features"])) == "seen.good"
    assert row["n"] == N
    assert 0 < row["radius_90"] < 5
    json.dumps(found.model.report, allow_nan=False)


def test_without_a_signal_the_judge_says_the_mean_and_its_figures_say_so() -> None:
    rated, measured = study(signal=0.0)
    row = fit_judge(rated, measured, "base", QUICK).axes["overall"].as_json()
    assert row["spearman"] is None or row["spearman"] < 0.3


def test_a_saved_judge_is_loaded_by_its_folder(tmp_path: Path) -> None:
    judge = fitted()
    save_fitted(judge.model, tmp_path / "judge")
    again = load_judge(str(tmp_path / "judge"))
    assert isinstance(again, ReadsMeasurements)
    assert again.identity == judge.identity
    measured = study()[1].verdicts["7"]
    assert again.read(measured) == judge.read(measured)


def test_scores_are_on_peoples_scale_with_a_radius_and_reasons() -> None:
    measured = study()[1].verdicts["7"]
    verdict = fitted().read(measured)
    assert verdict.scale == (0, 10)
    assert set(verdict.axes) == {"overall"}
    assert verdict.evidence["overall_radius"] > 0
    assert "the base judge's reason" in verdict.reasons


def test_what_the_base_judge_could_not_score_stays_unscored() -> None:
    lost = Verdict(judge="features:base", judge_version="v1", scale=(1, 5), outcome=Outcome.FAILED)
    verdict = fitted().read(lost)
    assert verdict.outcome is Outcome.FAILED
    assert not verdict.axes


def test_features_of_another_version_are_refused() -> None:
    other = study()[1].verdicts["1"].model_copy(update={"judge_version": "v2"})
    with pytest.raises(UsageError, match="fit it again"):
        fitted().read(other)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": 9}'])
def test_a_damaged_judge_is_a_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "judge.json").write_text(text)
    with pytest.raises(UsageError, match="fit it again"):
        load_fitted(tmp_path)


def test_too_few_edits_are_refused() -> None:
    rated, measured = study()
    few = RatedFile(rated.path, 5, rated.edits[:5], ())
    with pytest.raises(UsageError, match="too few"):
        fit_judge(few, measured, "base", QUICK)


def test_a_judge_knows_the_images_that_it_was_fitted_to(tmp_path: Path) -> None:
    rated, measured = study()
    for name in "ab":
        (tmp_path / name).write_bytes(name.encode())
    here = [
        dataclasses.replace(edit, source=tmp_path / "a", edited=tmp_path / "b")
        for edit in rated.edits
    ]
    known = RatedFile(rated.path, N, tuple(here), ())
    judge = FittedJudge(fit_judge(known, measured, "base", QUICK).model)
    assert judge.was_fitted_to(here[0])
    (tmp_path / "c").write_bytes(b"c")
    new = dataclasses.replace(here[0], source=tmp_path / "c", edited=tmp_path / "c")
    assert not judge.was_fitted_to(new)


def test_a_plain_failure_that_no_rated_edit_showed_caps_the_score() -> None:
    judge, good = fitted(), study()[1].verdicts["7"]
    nothing = good.model_copy(
        update={"reject_reason": "no_change", "accepted": False, "axes": {"instruction": 1.4}}
    )
    assert judge.read(nothing).axes["overall"] <= 1.0 + 1e-9
    known = FittedJudge(judge.model.model_copy(update={"known_failures": ("no_change",)}))
    assert known.read(nothing).axes == known.read(good).axes


def test_an_axis_on_which_all_edits_are_rated_the_same_is_not_fitted() -> None:
    rated, judged = study()
    flat = dataclasses.replace(
        rated,
        edits=tuple(
            dataclasses.replace(edit, scores=dict(edit.scores) | {"charm": {"a": 3.0}})
            for edit in rated.edits
        ),
    )
    assert "charm" in flat.axes
    assert "charm" not in fit_judge(flat, judged, "base", QUICK).axes
    only = dataclasses.replace(
        rated,
        edits=tuple(
            dataclasses.replace(edit, scores={"charm": {"a": 3.0}}) for edit in rated.edits
        ),
    )
    with pytest.raises(UsageError, match="differing scores"):
        fit_judge(only, judged, "base", QUICK)

"""Calibration: what it wins, what it promises, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from tests.judges.calibrate.worlds import crooked_judge

from editloop.core.errors import UsageError
from editloop.judges.agreement import mean_absolute_error, pearson
from editloop.judges.calibrate.calibration import Calibration, fit_calibration
from editloop.judges.calibrate.described import Described
from editloop.judges.calibrate.learning_curve import calibrate


def test_few_labels_bring_a_crooked_judge_onto_peoples_scale() -> None:
    fitted = calibrate(crooked_judge(150, 0), "crooked", "1")
    test = crooked_judge(600, 1)
    before, after = test.described.column("overall"), fitted.predict(test.described)[:, 0]
    people = test.targets[:, 0]
    assert mean_absolute_error(after, people) < 0.6 * mean_absolute_error(before, people)
    assert pearson(after, people) > pearson(before, people) + 0.1


def test_reading_the_score_alone_fixes_the_scale_but_not_the_blindness() -> None:
    learnt, test = crooked_judge(300, 0), crooked_judge(600, 1)
    score_only = calibrate(learnt, "crooked", "1", columns=("overall",)).predict(test.described)
    everything = calibrate(learnt, "crooked", "1").predict(test.described)
    people, raw = test.targets[:, 0], test.described.column("overall")
    assert mean_absolute_error(score_only[:, 0], people) < mean_absolute_error(raw, people)
    assert pearson(everything[:, 0], people) > pearson(score_only[:, 0], people) + 0.05


def test_a_task_departs_only_as_far_as_its_labels_support() -> None:
    learnt = crooked_judge(150, 0)
    few_styles = [
        row
        for row, task in enumerate(learnt.described.tasks)
        if task != "style" or row in (2, 5, 8)
    ]
    fitted = calibrate(learnt.take(few_styles), "crooked", "1")
    offset = np.abs(np.array(fitted.coefficients)[1 + fitted.tasks.index("style"), 0, 0])
    full = calibrate(learnt, "crooked", "1")
    with_all = np.abs(np.array(full.coefficients)[1 + full.tasks.index("style"), 0, 0])
    assert 0.0 < offset < with_all


def test_predictions_stay_on_the_scale_and_unknown_tasks_are_served() -> None:
    fitted = calibrate(crooked_judge(150, 0), "crooked", "1")
    wild = Described(("overall", "p_blurred"), np.array([[99.0, -9.0], [-99.0, 9.0]]), ("x", "add"))
    np.testing.assert_array_equal(fitted.predict(wild)[:, 0], [5.0, 1.0])


def test_a_calibration_survives_its_json() -> None:
    fitted, test = calibrate(crooked_judge(60, 0), "crooked", "1"), crooked_judge(20, 1)
    again = Calibration.model_validate_json(fitted.model_dump_json())
    np.testing.assert_array_equal(again.predict(test.described), fitted.predict(test.described))


def test_the_same_labels_give_the_same_calibration() -> None:
    assert calibrate(crooked_judge(60, 0), "a", "1") == calibrate(crooked_judge(60, 0), "a", "1")


def test_too_few_labels_are_refused() -> None:
    with pytest.raises(UsageError, match="9 labels are too few"):
        calibrate(crooked_judge(9, 0), "crooked", "1")


def test_labels_must_match_the_triplets() -> None:
    learnt = crooked_judge(30, 0)
    with pytest.raises(UsageError, match=r"labels must be \(30, 1\), got \(29, 1\)"):
        fit_calibration(
            learnt.described, learnt.targets[1:], ("overall",), judge="crooked", judge_version="1"
        )


def test_a_judge_without_the_columns_is_refused() -> None:
    fitted = calibrate(crooked_judge(60, 0), "crooked", "1")
    other = Described(("overall",), np.ones((1, 1)), ("add",))
    with pytest.raises(UsageError, match="gives no p_blurred"):
        fitted.predict(other)

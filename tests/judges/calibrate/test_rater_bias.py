from __future__ import annotations

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.judges.calibrate.rater_bias import remove_rater_bias
from editloop.records.rating import Rating


def rows(table: dict[str, dict[str, float]]) -> list[Rating]:
    return [
        Rating(item, rater, "instruction", score)
        for item, answers in table.items()
        for rater, score in answers.items()
    ]


def test_the_formula_by_hand() -> None:
    # Item means 3 and 3.5. ann: mean 3.5 against (3 + 3.5) / 2; bob rated the first item alone: 2 against 3; cem: 3 against 3.5.
    found = remove_rater_bias(
        rows({"first": {"ann": 4, "bob": 2}, "second": {"ann": 4, "cem": 3}}), "instruction"
    )
    assert found.rater_biases == pytest.approx({"ann": 0.75, "bob": -1.0, "cem": -0.5})
    assert found.item_scores == pytest.approx({"first": 3.125, "second": 3.375})


def test_planted_biases_come_out_exactly_when_everybody_rates_everything() -> None:
    planted = {"ann": 0.5, "bob": -0.75, "cem": 0.25}
    truth = {f"item {place}": 1.0 + place / 2 for place in range(8)}
    table = {
        item: {rater: score + bias for rater, bias in planted.items()}
        for item, score in truth.items()
    }
    found = remove_rater_bias(rows(table), "instruction")
    assert found.rater_biases == pytest.approx(planted)
    assert found.item_scores == pytest.approx(truth)


def test_more_passes_find_the_whole_bias_where_few_rate_each_item() -> None:
    rng = np.random.default_rng(0)
    planted = dict(zip("abcdef", rng.normal(0, 0.6, 6).tolist(), strict=True))
    mean = sum(planted.values()) / 6
    table: dict[str, dict[str, float]] = {}
    for place in range(200):
        truth = rng.uniform(2, 4)
        chosen = rng.choice(list(planted), 2, replace=False)
        table[str(place)] = {rater: truth + planted[rater] - mean for rater in chosen}
    once = remove_rater_bias(rows(table), "instruction").rater_biases
    often = remove_rater_bias(rows(table), "instruction", passes=60).rater_biases
    worst_once = max(abs(once[rater] - planted[rater] + mean) for rater in planted)
    worst_often = max(abs(often[rater] - planted[rater] + mean) for rater in planted)
    assert worst_once > 0.1
    assert worst_often < 0.02


def test_other_axes_are_left_alone_and_mistakes_are_named() -> None:
    two = [Rating("a", "ann", "quality", 5.0), Rating("a", "ann", "instruction", 2.0)]
    assert remove_rater_bias(two, "quality").item_scores == {"a": 5.0}
    with pytest.raises(UsageError, match="no rating on axis 'overall'"):
        remove_rater_bias(two, "overall")
    with pytest.raises(UsageError, match="rated 'a' twice"):
        remove_rater_bias([*two, two[0]], "quality")
    with pytest.raises(UsageError, match="passes=0"):
        remove_rater_bias(two, "quality", passes=0)

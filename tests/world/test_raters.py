from __future__ import annotations

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.judges.agreement import human_ceiling
from editloop.judges.calibrate.rater_bias import remove_rater_bias
from editloop.world.oracle import OracleScore, overall_score
from editloop.world.raters import AXES, Rater, impression, rate, rate_many, rater_panel


def seen(instruction: float, preservation: float = 5.0, quality: float = 5.0) -> OracleScore:
    overall = overall_score(instruction, preservation, quality)
    return OracleScore(instruction, preservation, quality, overall, False, "half_done", "")


def steady(name: str = "ann", **fields: object) -> Rater:
    plain: dict[str, object] = {"noise": 0.0, "halo": 0.0, "lapse": 0.0}
    return Rater(name, **(plain | fields))  # type: ignore[arg-type]


def many(count: int = 120) -> dict[str, OracleScore]:
    rng = np.random.default_rng(3)
    return {f"item {place}": seen(*rng.uniform(1, 5, 3).tolist()) for place in range(count)}


def test_a_rater_without_faults_answers_the_axes() -> None:
    answers = rate(steady(), seen(4.2, 3.6, 1.2), np.random.default_rng(0))
    assert tuple(answers) == AXES
    assert (answers["instruction"], answers["preservation"], answers["quality"]) == (4, 4, 1)


def test_answers_lie_on_the_scale_that_was_offered() -> None:
    rng = np.random.default_rng(1)
    wild = Rater("wild", noise=3.0)
    halves = {
        value
        for _ in range(200)
        for value in rate(wild, seen(3.0), rng, scale="0-5", step=0.5).values()
    }
    assert min(halves) == 0.0
    assert max(halves) == 5.0
    assert all(value * 2 == int(value * 2) for value in halves)
    whole = rate(steady(), seen(1.0), rng, scale="0-5")
    assert whole["instruction"] == 0.0


def test_severity_punishes_failures_and_spares_perfection() -> None:
    harsh, rng = steady(severity=1.5), np.random.default_rng(0)
    assert rate(harsh, seen(5.0), rng, step=0.5)["instruction"] == 5.0
    assert rate(harsh, seen(3.0), rng, step=0.5)["instruction"] == 2.0


def test_halo_lets_a_failed_edit_spoil_the_other_answers() -> None:
    rng = np.random.default_rng(0)
    plain, swayed = (rate(steady(halo=h), seen(1.0), rng, step=0.5) for h in (0.0, 0.6))
    assert plain["quality"] == 5.0
    assert swayed["quality"] < 4.0


def test_weights_decide_what_counts() -> None:
    strict = impression(steady(weights=(1.0, 0.0, 0.0)), seen(4.0, 2.0, 2.0))
    looks = impression(steady(weights=(0.2, 0.4, 0.4)), seen(4.0, 2.0, 2.0))
    assert strict > looks


@pytest.mark.parametrize(
    "fields", [{"weights": (0.5, 0.5, 0.5)}, {"halo": 1.5}, {"noise": -1.0}, {"severity": 0.0}]
)
def test_impossible_people_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="ann"):
        steady(**fields)


def test_a_panel_differs_and_repeats() -> None:
    panel = rater_panel(6, seed=4)
    assert panel[:3] == rater_panel(3, seed=4)
    assert len({person.bias for person in panel}) == 6
    assert panel != rater_panel(6, seed=5)


def test_answers_depend_on_seed_item_and_rater_alone() -> None:
    panel, items = rater_panel(4, seed=0), many(10)
    few = rate_many(panel[:2], dict(list(items.items())[:4]), seed=7)
    assert set(few) <= set(rate_many(panel, items, seed=7))
    assert few != rate_many(panel[:2], dict(list(items.items())[:4]), seed=8)


def test_each_item_may_be_seen_by_a_part_of_the_panel() -> None:
    rows = rate_many(rater_panel(5, seed=0), many(20), seed=1, raters_per_item=2)
    by_item: dict[str, set[str]] = {}
    for row in rows:
        by_item.setdefault(row.item, set()).add(row.rater)
    assert {len(raters) for raters in by_item.values()} == {2}
    assert len(set().union(*by_item.values())) == 5
    with pytest.raises(UsageError, match="6 raters an item"):
        rate_many(rater_panel(5, seed=0), many(1), seed=1, raters_per_item=6)


def test_planted_leanings_are_recovered_from_the_answers() -> None:
    planted = {"ann": 0.6, "bob": -0.6, "cem": 0.0}
    panel = [Rater(name, bias=bias, noise=0.3, lapse=0.0) for name, bias in planted.items()]
    items = {f"item {place}": seen(2.0 + place % 11 / 5, 3.0, 3.0) for place in range(150)}
    rows = rate_many(panel, items, seed=2, step=0.5)
    assert remove_rater_bias(rows, "instruction").rater_biases == pytest.approx(planted, abs=0.1)


def test_people_agree_on_the_instruction_more_than_on_looks() -> None:
    rows = rate_many(rater_panel(6, seed=1), many(), seed=3)
    assert human_ceiling(rows, "quality").value < human_ceiling(rows, "instruction").value < 0.97

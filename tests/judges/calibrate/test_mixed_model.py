"""The rating model on planted people and on the storybook world's simulated raters."""

from __future__ import annotations

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.judges.agreement import pearson
from editloop.judges.calibrate.mixed_model import fit_mixed_model
from editloop.judges.calibrate.rater_bias import remove_rater_bias
from editloop.records.rating import Rating
from editloop.world.oracle.verdicts import OracleScore
from editloop.world.raters import Rater, rate_many

BIASES = np.array([1.0, -1.0, 0.5, -0.5])


def planted(
    items: int = 300, between: float = 1.5, noise: float = 0.8, seed: int = 0
) -> tuple[list[Rating], np.ndarray]:
    """Each item is rated by one to four of four people."""
    rng = np.random.default_rng(seed)
    truth = 5 + rng.normal(0, between, items)
    rows = []
    for item in range(items):
        for rater in rng.choice(4, rng.integers(1, 5), replace=False):
            score = truth[item] + BIASES[rater] + rng.normal(0, noise)
            rows.append(Rating(f"{item:03d}", f"r{rater}", "overall", float(score)))
    return rows, truth


def test_planted_biases_and_variances_are_recovered() -> None:
    ratings, _ = planted()
    fit = fit_mixed_model(ratings, "overall")
    assert [fit.rater_biases[f"r{j}"] for j in range(4)] == pytest.approx(BIASES, abs=0.15)
    assert fit.between == pytest.approx(1.5, abs=0.2)
    assert fit.noise == pytest.approx(0.8, abs=0.1)
    assert fit.reliability(1) == pytest.approx(1.5**2 / (1.5**2 + 0.8**2), abs=0.07)
    assert fit.reliability(4) > fit.reliability(1)


def test_item_scores_are_nearer_the_truth_than_means_and_than_the_papers_formula() -> None:
    ratings, truth = planted(noise=1.5)
    means = {}
    for row in ratings:
        means.setdefault(row.item, []).append(row.score)
    errors = {}
    for name, scores in (
        ("mean", {item: float(np.mean(own)) for item, own in means.items()}),
        ("formula", remove_rater_bias(ratings, "overall", passes=5).item_scores),
        ("mixed", fit_mixed_model(ratings, "overall").item_scores),
    ):
        errors[name] = np.sqrt(np.mean([(scores[f"{i:03d}"] - truth[i]) ** 2 for i in range(300)]))
    assert errors["mixed"] < errors["formula"] < errors["mean"]


def test_items_with_one_rating_are_drawn_to_the_mean_most() -> None:
    ratings = [Rating(f"i{n}", "a", "x", float(n % 5)) for n in range(20)]
    ratings += [Rating(f"i{n}", "b", "x", float((n + n % 2) % 5)) for n in range(1, 20)]
    fit = fit_mixed_model(ratings, "x")
    assert abs(fit.item_scores["i0"] - fit.mean) < abs(0 - fit.mean)


def test_biases_of_simulated_people_are_recovered() -> None:
    people = tuple(
        Rater(f"p{n}", bias=b, noise=0.4, lapse=0.0) for n, b in enumerate((-0.6, 0.0, 0.6))
    )
    rng = np.random.default_rng(1)
    scores = {}
    for number in range(200):
        value = float(rng.uniform(2, 4))
        scores[f"{number}"] = OracleScore(value, value, value, value, True, None, "none")
    ratings = rate_many(people, scores, seed=3, step=0.5)
    fit = fit_mixed_model(ratings, "overall")
    found = [fit.rater_biases[f"p{n}"] for n in range(3)]
    assert found == pytest.approx([-0.6, 0.0, 0.6], abs=0.12)
    truth = [scores[item].overall for item in fit.item_scores]
    assert pearson(list(fit.item_scores.values()), truth) > 0.85


def test_without_shared_items_there_is_no_model() -> None:
    with pytest.raises(UsageError, match="two people"):
        fit_mixed_model([Rating("a", "r", "x", 1.0)], "x")
    with pytest.raises(UsageError, match="no rating"):
        fit_mixed_model([], "x")

"""The published arithmetic on invented ratings worked out by hand, and on the real ones where they are at hand."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from editloop.core.errors import UsageError
from editloop.judges.meta.correlations import (
    agreement,
    fisher_mean,
    human_scores,
    judge_scores,
    published_mean,
)
from editloop.judges.meta.genai_bench import read_vote_pairs, vote_table
from editloop.judges.meta.imagenhub import judges_table, one_rater, read_judges, read_people

# O of four items by two models, in tenths: people (above) and the judge (below).
PEOPLE = {"m": (1, 2, 3, 4), "w": (4, 3, 2, 1)}
JUDGE = {"m": (1, 2, 4, 3), "w": (4, 3, 2, 1)}


def table(scores: dict[str, tuple[int, ...]]) -> dict[tuple[str, str], tuple[float, float, float]]:
    return {
        (model, f"i{place}"): (one / 10, one / 10, one / 10)
        for model, row in scores.items()
        for place, one in enumerate(row)
    }


def test_the_averaging_slip_by_hand() -> None:
    found = agreement(table(JUDGE), table(PEOPLE), resamples=50)
    # Spearman 0.8 for m and 1 for w.
    assert found.official["O"] == pytest.approx(math.tanh(0.9))
    assert found.fisher["O"] > found.official["O"]
    assert published_mean([0.5, 0.5]) == pytest.approx(math.tanh(0.5))
    assert fisher_mean([0.5, 0.5]) == pytest.approx(0.5)
    assert fisher_mean([1.0, 0.0]) < 1


def test_pairs_by_hand() -> None:
    found = agreement(table(JUDGE), table(PEOPLE), resamples=50)
    # Items 0 to 3: people say w, w, m, m; the judge w, w, m, m.
    assert (found.pairs.n, found.pairs.strict, found.pairs.tie, found.pairs.half) == (4, 1, 0, 1)
    flat = agreement(table({"m": (2, 2, 2, 2), "w": (2, 2, 2, 2)}), table(PEOPLE), resamples=50)
    assert (flat.pairs.strict, flat.pairs.tie, flat.pairs.half) == (0, 1, 0.5)
    assert flat.official["O"] == 0  # a constant judge counts as 0, as published
    assert math.isnan(flat.pooled["O"])


def test_ties_that_the_last_bit_breaks() -> None:
    judge = {("a", "i"): judge_scores([8], [9]), ("b", "i"): judge_scores([9], [8])}
    people = {("a", "i"): (1.0, 1.0, 1.0), ("b", "i"): (0.0, 0.0, 0.0)}
    pairs = agreement(judge, people, resamples=10).pairs
    assert (pairs.strict, pairs.tie, pairs.half) == (0, 1, 0.5)
    assert pairs.published_half >= pairs.half


def test_scores_of_one_edit() -> None:
    assert judge_scores([8, 6], [9, 4]) == (0.6, 0.4, pytest.approx(math.sqrt(0.24)))
    assert judge_scores([810], [12]) == (1, 1, 1)
    assert human_scores([(1, 1), (0.5, 0.5), (0, 1)]) == (0.5, pytest.approx(2.5 / 3), 0.5)
    with pytest.raises(UsageError, match="without ratings"):
        human_scores([])


def write_ratings(folder: Path) -> None:
    people, judged = [], []
    for model, shift in (("m", 0), ("w", 1)):
        for item in range(4):
            for rater in (1, 2, 3):
                level = ((item + shift + (rater == 3)) % 3) / 2
                people.append(
                    {"uid": f"i{item}", "model": model, "rater": rater, "sc": level, "pq": 1.0}
                )
            row = {"judge": "j", "shot": "0shot", "model": model, "uid": f"i{item}"}
            scores = [(item + shift) % 3 * 5, 10]
            judged += [{**row, "kind": kind, "scores": scores} for kind in ("SC", "PQ")]
    judged.append(
        {"judge": "j", "shot": "0shot", "model": "m", "kind": "SC", "uid": "only", "scores": [3]}
    )
    pq.write_table(pa.Table.from_pylist(people), folder / "human_ratings.parquet")
    pq.write_table(pa.Table.from_pylist(judged), folder / "judge_scores.parquet")


def test_from_files(tmp_path: Path) -> None:
    write_ratings(tmp_path)
    (found,) = judges_table(tmp_path, least=2, resamples=20).values()
    assert found.n == 8  # SC alone is no score
    ratings = read_people(tmp_path / "human_ratings.parquet")
    assert one_rater(ratings).n == 24
    assert one_rater(ratings, {"m"}).n == 12
    assert len(read_judges(tmp_path / "judge_scores.parquet")["j", "0shot"]) == 8
    with pytest.raises(UsageError, match="human_ratings"):
        judges_table(tmp_path / "none")


def test_votes_as_published_and_robustly(tmp_path: Path) -> None:
    labels = ["[[A>B]]", "[[ A > B ]]", "[[A=B]]", None, "[[B>A]]"]
    people = ["leftvote", "leftvote", "bothbad_vote", "tievote", "leftvote"]
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        "\n".join(
            json.dumps({"human_vote": vote, "judge_votes": {"j": label}})
            for vote, label in zip(people, labels, strict=True)
        )
    )
    found = vote_table(read_vote_pairs(path))["j"]
    assert found.official == 2 / 5  # the first, and the bare tie
    assert (found.read, found.robust) == (4, 2 / 4)
    assert (found.decided, found.preferred) == (3, 2 / 3)
    path.write_text('{"human_vote": "maybe", "judge_votes": {}}')
    with pytest.raises(UsageError, match="line 1"):
        read_vote_pairs(path)


GOLDEN = {
    # judge, shot -> Fisher and official mean of SC, PQ, O, to three digits
    ("gpt4o", "0shot"): ((0.454, 0.544, 0.419), (0.406, 0.486, 0.382)),
    ("gpt4o", "1shot"): ((0.399, 0.200, 0.368), (0.368, 0.194, 0.344)),
    ("gemini", "0shot"): ((0.299, 0.463, 0.287), (0.284, 0.429, 0.273)),
    ("gpt4v", "0shot"): ((0.282, 0.465, 0.255), (0.272, 0.430, 0.247)),
    ("llava", "0shot"): ((0.045, 0.059, 0.027), (0.045, 0.058, 0.027)),
    ("blip2", "0shot"): ((0.020, 0.024, 0.038), (0.020, 0.024, 0.038)),
}
GENAI = {"gemini-1.5-pro": 0.5593, "gpt4o": 0.5354, "llava": 0.2612}


@pytest.mark.slow
def test_the_published_judges_to_the_fourth_digit(shared_data: Path) -> None:
    folder = shared_data / "imagenhub_tie"
    if not folder.exists():
        pytest.skip(f"no {folder.name}")
    found = judges_table(folder, resamples=1000)
    with (folder / "golden_numbers.csv").open() as file:
        golden = {(row["judge"], row["shot"]): row for row in csv.DictReader(file)}
    assert found.keys() == golden.keys()
    for setup, row in golden.items():
        one = found[setup]
        assert one.n == int(row["n"])
        assert one.pairs.n == int(row["pair_n"])
        figures = {
            "pool_SC": one.pooled["SC"],
            "pool_PQ": one.pooled["PQ"],
            "pool_O": one.pooled["O"],
            "sys_rho_O": one.system_spearman,
            "sys_tau_O": one.system_kendall,
            "pair_strict": one.pairs.published_strict,
            "pair_tie": one.pairs.tie,
            "pair_half": one.pairs.published_half,
        }
        for name, value in figures.items():
            if row[name]:
                assert value == pytest.approx(float(row[name]), abs=5.1e-5), (setup, name)
        low, high = json.loads(row["half_ci"])
        assert one.pairs.interval.low == pytest.approx(low, abs=0.006)
        assert one.pairs.interval.high == pytest.approx(high, abs=0.006)
    for setup, (fisher, official) in GOLDEN.items():
        assert tuple(found[setup].fisher.values()) == pytest.approx(fisher, abs=5.1e-4)
        assert tuple(found[setup].official.values()) == pytest.approx(official, abs=6e-4)
    ratings = read_people(folder / "human_ratings.parquet")
    ceiling = one_rater(ratings, {model for model, _ in ratings} - {"Imagic"})
    assert tuple(ceiling.fisher.values()) == pytest.approx((0.542, 0.638, 0.545), abs=5.1e-4)


def test_the_published_votes(shared_data: Path) -> None:
    path = shared_data / "genai_bench_edit" / "pairs.jsonl"
    if not path.exists():
        pytest.skip(f"no {path.name}")
    found = vote_table(read_vote_pairs(path))
    for judge, official in GENAI.items():
        assert found[judge].n == 919
        assert found[judge].official == pytest.approx(official, abs=5e-5)
    assert all(one.read <= one.n for one in found.values())

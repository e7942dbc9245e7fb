"""Published agreement of judges with people, recomputed: `python benchmarks/published_numbers.py DATA [--write]`.

DATA holds `imagenhub_tie` (human_ratings.parquet, judge_scores.parquet) and `genai_bench_edit` (pairs.jsonl): the ratings and kept
answers that VIEScore (arXiv 2312.14867) and GenAI-Bench (arXiv 2406.04485) published. Every figure stands beside the one
without the script's slip.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from editloop.judges.meta.correlations import AXES, Agreement
from editloop.judges.meta.genai_bench import VoteAccuracy, read_vote_pairs, vote_table
from editloop.judges.meta.imagenhub import judges_table, one_rater, read_people
from harness.tables import Section, machine, parser, publish

PEOPLE = "one person, others as truth"


def correlation_section(table: Mapping[tuple[str, str], Agreement], folder: Path) -> Section:
    """The averages over models, as published and as described."""
    heads = [f"{name} {axis}" for name in ("pooled", "Fisher", "official") for axis in AXES]
    rows = [["judge", "n", *heads]]
    for setup, found in table.items():
        figures = (found.pooled, found.fisher, found.official)
        rows.append([" ".join(setup), str(found.n), *_cells(figures)])
    ratings = read_people(folder / "human_ratings.parquet")
    judged = {key[0] for key in ratings} - {"Imagic"}
    every, without = one_rater(ratings), one_rater(ratings, judged)
    rows.append([PEOPLE, str(every.n), *_cells((every.pooled, without.fisher)), "", "", ""])
    text = (
        "ImagenHub text-guided editing. Spearman of a judge with the mean of three people: over all edits (pooled), and by model, "
        "averaged as the published table says (Fisher) and as its script does it (official: tanh of the plain mean). The last "
        "row leaves Imagic out of its Fisher mean, as the judges did: its SC is constant."
    )
    runs = {" ".join(setup): [asdict(found)] for setup, found in table.items()}
    return Section("VIEScore: correlation with people", text, rows, runs)


def pair_section(table: Mapping[tuple[str, str], Agreement]) -> Section:
    """Order of models and of pairs."""
    rows = [["judge", "systems Spearman", "systems Kendall", "pairs", "strict", "tied", "half", "95 % of items",
             "strict, ties by the last bit", "half, likewise"]]  # fmt: skip
    for setup, found in table.items():
        pairs = found.pairs
        rows.append(
            [
                " ".join(setup),
                f"{found.system_spearman:.4f}",
                f"{found.system_kendall:.4f}",
                str(pairs.n),
                f"{pairs.strict:.4f}",
                f"{pairs.tie:.4f}",
                f"{pairs.half:.4f}",
                f"{pairs.interval.low:.3f}..{pairs.interval.high:.3f}",
                f"{pairs.published_strict:.4f}",
                f"{pairs.published_half:.4f}",
            ]
        )
    text = (
        "Pairs of models on one item whose human O differs: strict, ordered alike; tied, equal judge O; half, strict and half "
        "of the ties. Products of floats break some ties in the last bit (0.8 x 0.9 against 0.9 x 0.8); the last two columns "
        "count these as ordered, and as ties again. Interval: 1,000 resamples of items, seed 0."
    )
    return Section("VIEScore: systems and pairs", text, rows, {})


def vote_section(table: Mapping[str, VoteAccuracy]) -> Section:
    """GenAI-Bench's accuracies."""
    rows = [
        [
            "judge",
            "official, % of all",
            "read",
            "robust, % of read",
            "both prefer one",
            "of these alike, %",
        ]
    ]
    for judge, found in table.items():
        rows.append(
            [
                judge,
                f"{100 * found.official:.2f}",
                f"{found.read} of {found.n}",
                _percent(found.robust),
                str(found.decided),
                _percent(found.preferred),
            ]
        )
    text = (
        "Four answers: first, second, tie, both bad. Official: the label equals people's to the letter, and an unread reply is "
        "wrong. Robust: any spelling, unread replies left out and counted."
    )
    return Section(
        "GenAI-Bench: image editing",
        text,
        rows,
        {judge: [asdict(one)] for judge, one in table.items()},
    )


def _cells(figures: Sequence[Mapping[str, float]]) -> list[str]:
    return [f"{one[axis]:.4f}" for one in figures for axis in AXES]


def _percent(share: float) -> str:
    return "" if share != share else f"{100 * share:.2f}"


def main(arguments: Sequence[str]) -> None:
    options = parser(__doc__, repeats=1)
    options.add_argument("data", type=Path, help="folder with imagenhub_tie and genai_bench_edit")
    parsed = options.parse_args(arguments)
    parsed.own = True
    folder = parsed.data / "imagenhub_tie"
    table = judges_table(folder)
    votes = vote_table(read_vote_pairs(parsed.data / "genai_bench_edit" / "pairs.jsonl"))
    sections = [correlation_section(table, folder), pair_section(table), vote_section(votes)]
    publish("published_numbers", "Published figures, recomputed", sections, parsed, machine())


if __name__ == "__main__":
    main(sys.argv[1:])

"""`editloop judge PAIRS --judge rubric:pair@VLM`: which of two edits is better."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from editloop.cli.progress import say
from editloop.cli.tables import print_table
from editloop.core.log import Bar, ProgressDisplay


def judge_pairs_command(data: Path, spec: str, out: Path | None, *, as_json: bool) -> bool:
    """Compare the pairs of a table, when `spec` names a judge of pairs; False when it does not."""
    if not spec.startswith("rubric:"):
        return False
    from editloop.judges.vlm.spec import pair_judge

    judge = pair_judge(spec)
    if judge is None:
        return False
    from editloop.judges.kept.pairs import PAIRS, compare_pairs, pair_figures, write_pairs
    from editloop.records.formats.pair_table import read_pair_table
    from editloop.store.runs import check_writable

    if out is not None:
        check_writable(out / PAIRS)
    pairs, unusable = read_pair_table(data)
    with ProgressDisplay("judge") as display:
        compared, dropped = compare_pairs(
            pairs, judge, lambda done, total: display.update([Bar("pairs", done, total)])
        )
    if out is not None:
        write_pairs(out, compared)
        say(f"votes and replies: {out}")
    print_pairs(pair_figures(compared, [*unusable, *dropped]), as_json=as_json)
    return True


def print_pairs(figures: dict[str, Any], *, as_json: bool) -> None:
    """Counts, agreement with people, and the editors by strength."""
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    rows = [
        ["scored", f"{figures['n_scored']} of {figures['n']}"],
        *([vote, str(count)] for vote, count in figures["votes"].items()),
    ]
    if figures["flip_rate"] is not None:
        rows.append(
            [
                "vote changes with the order",
                f"{figures['flip_rate']:.3f} of {figures['n_both_orders']}",
            ]
        )
    rows += [[f"no vote, {why}", str(count)] for why, count in figures["unscored"].items()]
    rows += [[f"not judged, {why}", str(count)] for why, count in figures["dropped"].items()]
    if (people := figures.get("people")) is not None:
        rows += [
            ["as people say", _of(people["accuracy"], people["n_scored"])],
            ["where both prefer one", _of(people["decided_accuracy"], people["n_decided"])],
            [
                "where people do, ties half",
                _of(people["accuracy_ties_half"], people["n_people_prefer_one"]),
            ],
        ]
    print_table(["pairs", "figure"], rows, numbers=("figure",))
    if (editors := figures.get("editors")) is not None:
        typer.echo()
        print_table(
            ["editor", "Elo", "win rate", "pairs"],
            [
                [name, f"{one['elo']:.0f}", f"{one['win_rate']:.3f}", str(one["pairs"])]
                for name, one in editors.items()
            ],
            numbers=("Elo", "win rate", "pairs"),
        )


def _of(share: float | None, count: int) -> str:
    return f"{share:.3f} of {count}" if share is not None else f"none of {count}"

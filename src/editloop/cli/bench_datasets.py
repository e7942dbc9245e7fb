"""`editloop bench compare-datasets`: which data set is the better one to train on, by one judge on as many samples of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from editloop.cli.progress import say
from editloop.cli.tables import print_table
from editloop.core.log import Bar, ProgressDisplay


def compare_datasets(
    datasets: Annotated[
        list[Path], typer.Argument(help="Data sets of any known layout, or run folders.")
    ],
    judge: Annotated[
        str, typer.Option(help="Judge with NHR's two axes, e.g. rubric:nhr@openai:MODEL.")
    ] = "world:tiny-judge",
    samples: Annotated[int, typer.Option(min=2, help="Triplets drawn from each.")] = 200,
    seed: Annotated[int, typer.Option(help="Of samples and intervals.")] = 0,
    answers: Annotated[
        Path | None,
        typer.Option(help="SQLite file of kept verdicts; by default in the user's cache folder."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Adherence, aesthetics and their geometric mean for each data set, best first, with 95 % intervals."""
    from contextlib import ExitStack

    from editloop.bench import datasets as comparator
    from editloop.cli.judging import open_answers
    from editloop.cli.viewing import opened
    from editloop.judges.registry import load_judge

    with ExitStack() as stack:
        sampled = []
        for path in datasets:
            data = stack.enter_context(opened(path))
            sampled.append(comparator.draw(path.name, data.records, data.load, samples, seed))
        store = stack.enter_context(open_answers(answers))
        display = stack.enter_context(ProgressDisplay("compare"))
        ranked = comparator.compare_datasets(
            sampled,
            load_judge(judge),
            store=store,
            seed=seed,
            progress=lambda done, total: display.update([Bar("triplets", done, total)]),
        )
    if as_json:
        typer.echo(json.dumps(comparator.as_json(ranked), indent=2))
        return
    print_table(
        ["data set", *comparator.METRICS, "scored", "ahead of the next by"],
        [
            [
                row.name,
                *(f"{i.value:.2f} [{i.low:.2f}, {i.high:.2f}]" for i in row.metrics.values()),
                f"{row.scored} of {row.sampled}",
                *(
                    f"{gap.value:+.2f} [{gap.low:+.2f}, {gap.high:+.2f}]"
                    for gap in ranked.gaps[place : place + 1]
                ),
            ]
            for place, row in enumerate(ranked.rows)
        ],
        numbers=(*comparator.METRICS, "scored"),
    )
    low, high = ranked.scale
    say(
        f"{ranked.judge} {ranked.judge_version}, scale {low:g} to {high:g}, seed {seed}; numbers of another judge are not comparable"
    )

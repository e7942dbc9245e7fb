"""`editloop fit --candidate`: chooses between versions of a judge, task by task."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from editloop.cli.progress import say
from editloop.cli.tables import print_table
from editloop.core.errors import UsageError

if TYPE_CHECKING:
    from editloop.judges.calibrate.prompt_search import PromptSearch
    from editloop.judges.people.bulk import Judged
    from editloop.records.formats.rated_edits import RatedFile, Unusable


class ChoiceRequest(NamedTuple):
    """What the command line asked for."""

    base: str
    candidates: tuple[str, ...]
    axis: str
    labels: int
    out: Path
    workers: int | None
    answers: Path | None
    scale: tuple[float, float] | None
    seed: int


def choose_versions(rated: RatedFile, request: ChoiceRequest, *, as_json: bool) -> None:
    """Judge with every version, choose, check, write the folder and print.

    Raises:
        UsageError: people were not asked about `request.axis`, or too few edits were scored.
    """
    from editloop.cli.judging import judge_with_progress, open_answers, say_dropped
    from editloop.judges.calibrate.chosen import ChosenModel, labelled_edits, save_chosen
    from editloop.judges.calibrate.prompt_search import search_prompts

    if request.axis not in rated.axes:
        raise UsageError(
            f"nobody was asked about {request.axis!r}; people's axes are {', '.join(rated.axes)}"
        )
    with open_answers(request.answers) as store:
        judged = {
            spec: judge_with_progress(spec, rated, store, request.workers)
            for spec in dict.fromkeys((request.base, *request.candidates))
        }
    edits = labelled_edits(rated, judged, request.axis, request.scale or rated.scale)
    found = search_prompts(edits, request.base, labels=request.labels, seed=request.seed)
    body = _body(found, request)
    model = ChosenModel(base=request.base, versions=found.versions, report=body)
    folder = save_chosen(model, request.out).parent
    if as_json:
        lost = Counter(one.reason for one in (*rated.dropped, *_dropped(judged)))
        scored = {
            spec: sum(one.outcome == "scored" for one in each.verdicts.values())
            for spec, each in judged.items()
        }
        more = {"edits": len(rated.edits), "scored": scored, "dropped": dict(lost)}
        typer.echo(json.dumps({**body, **more, "out": str(folder)}, indent=2))
    else:
        _print(found)
    say_dropped((*rated.dropped, *_dropped(judged)), rated.ignored)
    say(f"judge: {folder} (use it with --judge {folder})")


def _dropped(judged: Mapping[str, Judged]) -> tuple[Unusable, ...]:
    """What any version could not judge, once."""
    return tuple(dict.fromkeys(one for each in judged.values() for one in each.dropped))


def _body(found: PromptSearch, request: ChoiceRequest) -> dict[str, Any]:
    return {
        "base": found.base,
        "axis": request.axis,
        "seed": request.seed,
        "held_out": found.held_out,
        "base_pearson": _number(found.base_pearson),
        "chosen_pearson": _number(found.chosen_pearson),
        "gain": _number(found.gain.value),
        "gain_ci": [_number(found.gain.low), _number(found.gain.high)],
        "tasks": [
            {
                "task": one.task,
                "chosen": one.chosen,
                "labels": one.labels,
                "pearson_on_labels": {name: _number(v) for name, v in one.on_labels.items()},
                "held_out": one.held_out,
                "base_held_out": _number(one.base_held_out),
                "chosen_held_out": _number(one.chosen_held_out),
            }
            for one in found.tasks
        ],
    }


def _print(found: PromptSearch) -> None:
    numbers = ["labels", "held out", "base", "chosen version's"]
    print_table(
        ["task", "chosen", *numbers],
        [
            [
                one.task,
                one.chosen,
                str(one.labels),
                str(one.held_out),
                _cell(one.base_held_out),
                _cell(one.chosen_held_out),
            ]
            for one in found.tasks
        ],
        numbers=numbers,
    )
    typer.echo(
        f"Pearson with people on {found.held_out} edits of other photographs: {_cell(found.base_pearson)} with {found.base} alone, "
        f"{_cell(found.chosen_pearson)} with the choice; gain {found.gain.value:+.3f} [{found.gain.low:+.3f}, {found.gain.high:+.3f}]"
    )


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _cell(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else ""

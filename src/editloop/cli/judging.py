"""`editloop judge`: score edits with any judge, and say how far it agrees with people."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from editloop.cli.progress import say
from editloop.cli.tables import print_table
from editloop.core.errors import EditloopError, StoreError, UsageError
from editloop.core.log import Bar, ProgressDisplay
from editloop.core.registry import did_you_mean

if TYPE_CHECKING:
    from editloop.judges.people.bulk import Judged
    from editloop.records.formats.rated_edits import RatedFile, Unusable
    from editloop.store.answers import AnswerStore

RatingsFile = Annotated[
    Path,
    typer.Argument(
        help="JSONL with instruction, source, edited and people's ratings a line (or CSV with their means); images relative to it."
    ),
]
DataPath = Annotated[
    Path | None,
    typer.Argument(
        metavar="DATA",
        help="JSONL or CSV with instruction, source, edited a row (images relative to it), a folder with one, or a data set; "
        "with people's ratings for --against-people.",
    ),
]
JudgeSpec = Annotated[
    str,
    typer.Option(
        "--judge",
        help="Judge: embedded:evidence, rubric:NAME@VLM (e.g. rubric:imgedit@openai:gpt-4o), panel:median;JUDGE;JUDGE, "
        "or a folder written by `editloop fit`.",
    ),
]
WorkerCount = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes; by default one for each CPU.")
]
Answers = Annotated[
    Path | None,
    typer.Option(
        "--answers", help="SQLite file of kept verdicts; by default in the user's cache folder."
    ),
]
PeopleScale = Annotated[
    str | None,
    typer.Option(
        "--people-scale",
        metavar="LOW,HIGH",
        help="Ends of the scale people used; by default the file's own `scale`, else the usual one that fits.",
    ),
]
_SHOWN_DROPS = 20


def judge(
    data: DataPath = None,
    judge: JudgeSpec = "embedded:evidence",
    against_people: Annotated[
        bool,
        typer.Option(
            "--against-people", help="Report agreement with the ratings instead of verdicts."
        ),
    ] = False,
    by: Annotated[
        str | None,
        typer.Option("--by", help="Also by this label of the file, e.g. semantic_category."),
    ] = None,
    workers: WorkerCount = None,
    answers: Answers = None,
    people_scale: PeopleScale = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the verdicts, replies included.")
    ] = None,
    rescore: Annotated[
        Path | None,
        typer.Option(
            "--rescore", help="Read the kept replies of this folder again, offline; takes no DATA."
        ),
    ] = None,
    reading: Annotated[
        str,
        typer.Option(
            "--reading", help="For --rescore: robust, or official (the published scripts' rules)."
        ),
    ] = "robust",
    card: Annotated[
        Path | None,
        typer.Option(
            "--card", help="With --against-people: also write the judge's card, one HTML file."
        ),
    ] = None,
    probes: Annotated[
        int, typer.Option("--probes", min=1, help="Edits that are probed for the --card.")
    ] = 12,
    seed: Annotated[int, typer.Option(help="Draws the bootstrap and the probed edits.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Score edits with a judge; with --against-people, say how far it agrees with those who rated them."""
    from editloop.cli.judging_folder import edits_to_print, judge_to_folder, rescore_folder
    from editloop.cli.judging_pairs import judge_pairs_command

    if rescore is not None:
        rescore_folder(rescore, reading, data, as_json=as_json)
        return
    if data is None:
        raise UsageError(
            "name what to judge (DATA), or a folder of verdicts to read again (--rescore)"
        )
    if judge_pairs_command(data, judge, out, as_json=as_json):
        return
    if out is not None:
        if against_people:
            raise UsageError("--out and --against-people do not go together: run the command twice")
        with open_answers(answers) as store:
            judge_to_folder(data, judge, out, store, workers, as_json=as_json)
        return
    from editloop.records.formats.rated_edits import read_rated_edits
    from editloop.store.runs import check_writable

    if card is not None and not against_people:
        raise UsageError("--card needs --against-people: a card compares a judge with people")
    if card is not None:
        check_writable(card)
    rated = read_rated_edits(data) if against_people else edits_to_print(data)
    scale = people_scale_of(people_scale, rated) if against_people else read_scale(people_scale)
    if by is not None and not any(by in edit.labels for edit in rated.edits):
        known = sorted({label for edit in rated.edits for label in edit.labels})
        raise UsageError(
            f"no edit of {data} has a label {by!r}{did_you_mean(by, known)} known: {', '.join(known) or 'none'}"
        )
    with open_answers(answers) as store:
        judged = judge_with_progress(judge, rated, store, workers)
    if not against_people:
        _print_verdicts(rated, judged, as_json=as_json)
        return
    from editloop.cli.agreeing import AgreementRequest, report_agreement

    request = AgreementRequest(judge, scale, by, card, probes, seed, workers or os.cpu_count() or 1)
    report_agreement(rated, judged, request, answers, as_json=as_json)
    say_dropped((*rated.dropped, *judged.dropped), rated.ignored)


def read_scale(text: str | None) -> tuple[float, float] | None:
    """``0,10`` as two numbers.

    Raises:
        UsageError: it is no pair of rising numbers.
    """
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--people-scale takes LOW,HIGH such as 0,10, got {text!r}") from error
    if not low < high:
        raise UsageError(f"--people-scale takes LOW,HIGH with LOW below HIGH, got {text!r}")
    return low, high


def people_scale_of(text: str | None, rated: RatedFile) -> tuple[float, float]:
    """People's scale: the option's, else the one that the file states, else a guess; stderr says when it is not the file's.

    Raises:
        UsageError: as `read_scale` and `RatedFile.scale`.
    """
    given = read_scale(text)
    if given is None:
        low, high = scale = rated.scale
        if rated.stated_scale is None:
            say(
                f"people's scale is taken to be {low:g} to {high:g}, the narrowest usual one that holds every score "
                "(--people-scale LOW,HIGH names another)"
            )
        return scale
    stated = {edit.scale for edit in rated.edits if edit.scale is not None} - {given}
    for low, high in sorted(stated):
        say(
            f"--people-scale {given[0]:g},{given[1]:g} overrides the scale that the file states, {low:g} to {high:g}"
        )
    return given


@contextmanager
def open_answers(path: Path | None) -> Iterator[AnswerStore]:
    """The file of kept verdicts; where the default one cannot be written, memory."""
    from editloop.store.answers import AnswerStore, default_answers_file

    try:
        store = AnswerStore(path or default_answers_file())
    except StoreError as error:
        if path is not None:
            raise
        say(f"verdicts are not kept: {error}")
        store = AnswerStore()
    with store:
        yield store


def judge_with_progress(
    spec: str, rated: RatedFile, store: AnswerStore, workers: int | None
) -> Judged:
    """All verdicts, with progress on stderr."""
    from editloop.judges.people.bulk import judge_edits
    from editloop.judges.people.report import why_unscored
    from editloop.records.verdict import Outcome

    with ProgressDisplay("judge") as display:

        def show(done: int, total: int) -> None:
            display.update([Bar("edits", done, total)])

        judged = judge_edits(
            spec,
            rated.edits,
            store=store,
            workers=workers or os.cpu_count() or 1,
            progress=show,
        )
    if not judged.verdicts:
        first = judged.dropped[0]
        raise EditloopError(
            f"none of {len(rated.edits)} edits could be judged; the first: {first.place}: {first.reason}: {first.detail}"
        )
    if all(one.outcome is Outcome.FAILED for one in judged.verdicts.values()):
        failed = next(iter(judged.verdicts.values()))
        raise EditloopError(
            f"every call of the judge failed ({len(judged.verdicts)} edits); the first: {why_unscored(failed)}"
        )
    return judged


def facts_of(rated: RatedFile, judged: Judged) -> dict[str, Any]:
    """What was judged by whom, and what was dropped why."""
    dropped = (*rated.dropped, *judged.dropped)
    return {
        "judge": judged.judge_name,
        "judge_version": judged.judge_version,
        "lines": rated.lines,
        "edits": len(rated.edits),
        "judged": len(judged.verdicts),
        "kept_verdicts": judged.kept,
        "dropped": dict(Counter(one.reason for one in dropped)),
        "dropped_edits": [_as_json(one) for one in dropped],
        "ignored_answers": [_as_json(one) for one in rated.ignored],
    }


def _as_json(one: Unusable) -> dict[str, str]:
    return {"place": one.place, "reason": one.reason, "detail": one.detail}


def say_dropped(dropped: tuple[Unusable, ...], ignored: tuple[Unusable, ...] = ()) -> None:
    """What was dropped, edits first and then single answers of people, on stderr."""
    for what, found in (("dropped", dropped), ("ignored single answers:", ignored)):
        if not found:
            continue
        counts = Counter(one.reason for one in found)
        say(f"{what} {len(found)}: {', '.join(f'{n} {reason}' for reason, n in counts.items())}")
        for one in found[:_SHOWN_DROPS]:
            say(f"  {one.place}: {one.reason}: {one.detail}")
        if len(found) > _SHOWN_DROPS:
            say(f"  and {len(found) - _SHOWN_DROPS} more (--json lists all)")


def _print_verdicts(rated: RatedFile, judged: Judged, *, as_json: bool) -> None:
    found = [
        (edit, judged.verdicts[edit.uid]) for edit in rated.edits if edit.uid in judged.verdicts
    ]
    if as_json:
        rows = [
            {
                "uid": edit.uid,
                "overall": verdict.overall,
                **verdict.model_dump(mode="json"),
            }
            for edit, verdict in found
        ]
        typer.echo(json.dumps({**facts_of(rated, judged), "verdicts": rows}, indent=2))
    else:
        print_table(
            ["edit", "outcome", "overall", "axes", "reasons"],
            [
                [
                    edit.uid,
                    str(verdict.outcome),
                    "" if verdict.overall is None else f"{verdict.overall:.2f}",
                    ", ".join(f"{axis} {value:.2f}" for axis, value in verdict.axes.items()),
                    " ".join(verdict.reasons),
                ]
                for edit, verdict in found
            ],
            numbers=("overall",),
        )
    say_dropped((*rated.dropped, *judged.dropped))

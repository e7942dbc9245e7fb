"""`editloop fit --fine-tune`: LoRA weights for a local vision-language judge, from ratings to a judge's folder."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import typer

from editloop.cli.progress import say
from editloop.cli.tables import print_table
from editloop.core.errors import UsageError
from editloop.core.log import Bar, ProgressDisplay

if TYPE_CHECKING:
    from editloop.judges.people.bulk import Judged
    from editloop.records.formats.rated_edits import RatedEdit, RatedFile
    from editloop.report.story import Strip
    from editloop.store.answers import AnswerStore
    from editloop.train.judge_sft.config import JudgeSftConfig
    from editloop.train.judge_sft.fit import FineTuned

SHOWN: Final = 12
"""Edits held out that the page shows."""


class FineTuneRequest(NamedTuple):
    """What the command line asked for."""

    base: str
    rubric: str
    learn: Sequence[str]
    held_out: float
    settings: Sequence[str]
    out: Path
    workers: int | None
    answers: Path | None
    scale: tuple[float, float]
    seed: int


def fine_tune_command(rated: RatedFile, request: FineTuneRequest, *, as_json: bool) -> None:
    """Train, measure on photographs held out, write the folder and print."""
    from editloop.cli.judging import open_answers, say_dropped
    from editloop.train.judge_sft.fit import FineTuning, fine_tune, report_of

    asked = FineTuning(
        base=request.base,
        people=request.scale,
        out=request.out,
        rubric=request.rubric,
        config=_config(request),
        held_out=request.held_out,
        axes=_pairs(request.learn),
    )
    with open_answers(request.answers) as store, ProgressDisplay("fine-tune") as display:
        witness = _Witness(store, request.workers, display)
        found = fine_tune(rated, asked, witness)
    page = _write_page(found, request, witness.losses)
    model, dropped = found.model, (*rated.dropped, *found.examples.dropped)
    if as_json:
        body = {
            **model.model_dump(mode="json", include={"base", "rubric", "rubric_version", "scale"}),
            "readout": model.settings.readout,
            "people_scale": list(model.people_scale),
            "training": model.training,
            "dropped": dict(Counter(one.reason for one in dropped)),
            "dropped_edits": [
                {"place": one.place, "reason": one.reason, "detail": one.detail} for one in dropped
            ],
            "out": str(request.out),
            "page": str(page),
            **report_of(found),
        }
        typer.echo(json.dumps(body, indent=2))
    else:
        _print(found)
    say_dropped(dropped)
    say(f"page: {page}")
    say(f"judge: {request.out} (use it with --judge {request.out})")


def _config(request: FineTuneRequest) -> JudgeSftConfig:
    from editloop.core.config import override
    from editloop.train.judge_sft.config import JudgeSftConfig

    return override(JudgeSftConfig, {}, [f"seed={request.seed}", *request.settings])


def _pairs(words: Sequence[str]) -> dict[str, str]:
    """``physics=consistency`` as a pair.

    Raises:
        UsageError: a word is none.
    """
    found = {}
    for word in words:
        axis, sign, people = word.partition("=")
        if not axis or not sign or not people:
            raise UsageError(
                f"--learn takes AXIS=PEOPLE_AXIS such as physics=consistency, got {word!r}"
            )
        found[axis] = people
    return found


class _Witness:
    """Judges with the command's store, shows progress and prints what is said."""

    def __init__(self, store: AnswerStore, workers: int | None, display: ProgressDisplay) -> None:
        self._store, self._workers, self._display = store, workers, display
        self.losses: list[tuple[int, float]] = []
        """Step and loss, of this session."""

    def judged(self, spec: str, edits: RatedFile) -> Judged:
        """Verdicts, kept ones from the store."""
        from editloop.judges.people.bulk import judge_edits

        def show(done: int, total: int) -> None:
            self._display.update([Bar("edits held out", done, total)])

        workers = self._workers or os.cpu_count() or 1
        return judge_edits(spec, edits.edits, store=self._store, workers=workers, progress=show)

    def trained(self, step: int, steps: int, loss: float) -> None:
        """Show the step and keep its loss for the page."""
        self.losses.append((step, loss))
        self._display.update([Bar("steps", step, steps, f"loss {loss:.4f}")])

    def say(self, words: str) -> None:
        """Print to stderr."""
        say(words)


NUMBERS: Final = ("before", "after", "gain", "95 % interval", "within 1", "MAE", "ceiling", "scored")  # fmt: skip
HEADINGS: Final = ("Spearman held out", "read from", *NUMBERS)


def _write_page(
    found: FineTuned, request: FineTuneRequest, losses: Sequence[tuple[int, float]]
) -> Path:
    """Agreement, some edits held out with both judges' scores beside people's, and the loss of this session."""
    from editloop.cli.training_page import PAGE_NAME, curve
    from editloop.report.story import Plot, Story, Table, write_story

    loss = curve("loss", losses)
    note = "On photographs held out; intervals are 95 % bootstrap intervals over whole photographs."
    facts = {
        "base": request.base,
        "rubric": f"{found.model.rubric} ({found.model.rubric_version})",
        "examples": str(found.model.training["examples"]),
        "dropped": str(len(found.examples.dropped)),
        "settings": json.dumps(found.model.training["config"]),
    }
    story = Story(
        title=f"{request.base} fine-tuned to judge as people do",
        lead="Scores of the judge before and after, carried onto people's scale, beside people's mean.",
        summary=[Table("Agreement with people", HEADINGS, tuple(map(tuple, _rows(found))), note)],
        strips=[_strip(found, edit, request.scale) for edit in found.examples.held_out[:SHOWN]],
        plots=[Plot("Loss of this session", "step", "loss", (loss,))] if loss.points else [],
        facts=facts,
    )
    return write_story(story, request.out, PAGE_NAME)


def _strip(found: FineTuned, edit: RatedEdit, scale: tuple[float, float]) -> Strip:
    """A rated edit, its two pictures, and what was said of it."""
    from editloop.cli.training_page import small
    from editloop.core.images import decode_image
    from editloop.judges.people.report import score_of
    from editloop.records.formats.rated_edits import image_bytes
    from editloop.report.story import StoryPicture, Strip

    axis = next(iter(found.gains))
    verdicts = [judged.verdicts.get(edit.uid) for judged in found.judged]
    scores = [None if one is None else score_of(axis, one, scale) for one in verdicts]
    told = {"people": edit.mean(axis), **dict(zip(("before", "after"), scores, strict=True))}
    note = ", ".join(
        f"{who} {'unscored' if value is None else format(value, '.1f')}"
        for who, value in told.items()
    )
    pictures = tuple(
        StoryPicture(label, small(decode_image(image_bytes(path)).pixels), note=words)
        for label, path, words in (
            ("source", edit.source, ""),
            ("edited", edit.edited, f"{axis}: {note}"),
        )
    )
    return Strip(edit.instruction, "", pictures)


def _rows(found: FineTuned) -> list[list[str]]:
    """A row an axis under `HEADINGS`."""
    rows = []
    after = {row.axis: row.as_json() for row in found.after.axes}
    for row in found.before.axes:
        old, new, gain = row.as_json(), after[row.axis], found.gains[row.axis].as_json()
        rows.append(
            [
                row.axis,
                new["judge_axis"],
                _spearman(old),
                _spearman(new),
                "" if gain["spearman"] is None else f"{gain['spearman']:+.3f}",
                _ends(gain["ci"]),
                _change(old["within_1"], new["within_1"]),
                _change(old["mae"], new["mae"]),
                _cell(new["ceiling"]),
                f"{old['n_scored']} -> {new['n_scored']} of {new['n']}",
            ]
        )
    return rows


def _print(found: FineTuned) -> None:
    facts = found.model.training
    print_table(HEADINGS, _rows(found), numbers=NUMBERS)
    learnt = ", ".join(f"{axis} from {people}" for axis, people in facts["learnt_from"].items())
    low, high = found.model.scale
    typer.echo(
        f"\n{facts['examples']} examples of {facts['edits']['trained']} edits of {facts['photographs']['trained']} photographs; measured on "
        f"{facts['edits']['held_out']} edits of {facts['photographs']['held_out']} photographs held out, none of them in both; intervals are "
        "95 % bootstrap intervals over whole photographs\n"
        f"rubric {found.model.rubric} ({found.model.rubric_version}), {low:g} to {high:g}, learnt {learnt}; scores are read as "
        f"{found.model.settings.readout}"
    )


def _spearman(row: dict[str, Any]) -> str:
    """The figure with its interval; in words where there is none."""
    if row["spearman"] is None:
        return "unscored" if not row["n_scored"] else "undefined"
    return f"{_cell(row['spearman'])} [{_ends(row['ci'])}]"


def _change(old: float | None, new: float | None) -> str:
    return f"{_cell(old) or '-'} -> {_cell(new) or '-'}"


def _ends(ends: list[float | None] | None) -> str:
    return f"{_cell(ends[0])} to {_cell(ends[1])}" if ends else ""


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

"""From verdicts to results: replies through the benchmark's own readings, numbers of other judges as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from editloop.bench.cases import BenchCase, CaseSet
from editloop.bench.context import ScoreContext
from editloop.bench.replies import Replies
from editloop.bench.results import BenchResult, ItemScore, Run
from editloop.bench.running.items import BenchItem
from editloop.bench.scoring import Scoring, context_of
from editloop.bench.tasks.base import Request, Task, figures, notes_of, unscored
from editloop.records.verdict import Outcome, Verdict
from editloop.store.runs import write_atomically

VERDICT: Final = "verdict"
"""Protocol of judges that give numbers, where there is no reply to be read officially or robustly."""
CAPPED: Final = ("imgedit", "uge")
"""Benchmarks whose rubrics state the cap."""
_SAID_NO: Final = ("refusal", "filtered")

Lost = Mapping[tuple[str, int], tuple[str, str]]
"""Key and run -> outcome and reason of an item that never reached the judge, or that the judge never answered."""


@dataclass(frozen=True)
class Judged:
    """What a run left behind.

    Args:
        items: With their verdicts.
        lost: See `Lost`.
        runs: Number of runs.
        editor: Name in tables.
        judge: Name and version.
        encoding: How images reached the judge.
    """

    items: Sequence[BenchItem]
    lost: Lost
    runs: int
    editor: str
    judge: tuple[str, str]
    encoding: str = "pixels"

    @cached_property
    def by_run(self) -> list[dict[str, BenchItem]]:
        """Of every run, key -> item."""
        found: list[dict[str, BenchItem]] = [{} for _ in range(self.runs)]
        for item in self.items:
            found[item.run][item.key] = item
        return found


def has_replies(items: Sequence[BenchItem]) -> bool:
    """Whether the judge answered in words that a protocol can read."""
    return any(kept_reply(item.verdict) is not None for item in items)


def kept_reply(verdict: Verdict | None) -> Any:
    """The words behind a verdict in the layout of an official replies file: text, list of repeats, or question -> text."""
    if verdict is None or not verdict.raw_reply:
        return None
    try:
        content = json.loads(verdict.raw_reply)
    except ValueError:
        return verdict.raw_reply
    if not isinstance(content, dict) or content.get("kept") != "replies":
        return verdict.raw_reply
    questions: dict[str, list[str]] = {}
    for reply in content["replies"]:
        questions.setdefault(reply["question"], []).append(reply["text"])
    plain = {name: texts[0] if len(texts) == 1 else texts for name, texts in questions.items()}
    return next(iter(plain.values())) if len(plain) == 1 else plain


def write_replies(judged: Judged, folder: Path) -> list[Path]:
    """One file of replies a run, in the layout of the published scripts, so that these can read them too."""
    paths = []
    for run in range(judged.runs):
        found = {key: kept_reply(item.verdict) for key, item in judged.by_run[run].items()}
        path = folder / f"run-{run}" / "result.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = {key: value for key, value in sorted(found.items()) if value is not None}
        write_atomically(path, json.dumps(kept, indent=1, ensure_ascii=False).encode())
        paths.append(path)
    return paths


def score_replies(
    task: Task, cases: Sequence[BenchCase], judged: Judged, folder: Path, scoring: Scoring
) -> BenchResult:
    """Read the kept replies by one protocol.

    Args:
        task: The benchmark.
        cases: That were run.
        judged: What came of them.
        folder: Where `write_replies` puts the files.
        scoring: How to read.
    """
    case_set = CaseSet(tuple(cases), {})
    runs = []
    for place, path in enumerate(write_replies(judged, folder)):
        replies = task.read_replies(path)
        request = Request(
            replies, case_set, scoring.cap, scoring.language, scoring.subset, scoring.seed
        )
        run = task.official(request) if scoring.protocol == "official" else task.robust(request)
        items = [_explained(item, place, judged) for item in run.items]
        source = {"name": f"run-{place}/{path.name}", "sha256": replies.sha256}
        runs.append(replace(run, items=tuple(items), source=source))
    return BenchResult(
        editor=judged.editor,
        context=context_of(task, cases, runs, replace(scoring, judge=_judged_by(judged))),
        metrics=task.metrics,
        headline=task.headline,
        scales=task.scales,
        runs=tuple(runs),
    )


def score_verdicts(
    task: Task, cases: Sequence[BenchCase], judged: Judged, scoring: Scoring
) -> BenchResult:
    """Take the judge's numbers as they are, converted to the scale of the benchmark's headline; one metric an axis.

    ImgEdit-Bench asks its judge to give no later score above the first. A judge that answers in numbers cannot be asked,
    so the headline keeps the rule here: an untouched picture is no good edit. The axes stay as given.
    """
    scale = task.scales[task.headline]
    if task.name in CAPPED:
        scoring = replace(scoring, cap="enforced")
    axes = list(
        dict.fromkeys(axis for item in judged.items if item.verdict for axis in item.verdict.axes)
    )
    metrics = (task.headline, *(axis for axis in axes if axis != task.headline))
    runs = []
    for place in range(judged.runs):
        found = judged.by_run[place]
        items = [
            _explained(
                _verdict_item(case, found.get(case.key), task, scale, scoring.cap), place, judged
            )
            for case in cases
        ]
        runs.append(
            Run(
                items=tuple(items),
                figures=figures(items, metrics, task.groups),
                notes=tuple(notes_of(items, task.groups, Replies({}))),
                source={"name": f"run-{place}", "sha256": ""},
            )
        )
    prompts = {item.verdict.prompt_version for item in judged.items if item.verdict} - {None}
    judge = _judged_by(judged) | {"prompt_version": next(iter(prompts), None) or "none"}
    context = context_of(task, cases, runs, replace(scoring, judge=judge))
    return BenchResult(
        editor=judged.editor,
        context=ScoreContext(**(context.model_dump() | {"protocol": VERDICT})),
        metrics=metrics,
        headline=task.headline,
        scales=dict.fromkeys(metrics, scale),
        runs=tuple(runs),
    )


def _verdict_item(
    case: BenchCase,
    item: BenchItem | None,
    task: Task,
    scale: tuple[float, float],
    cap: str,
) -> ItemScore:
    if item is None or item.verdict is None:
        return unscored(case, "missing", "no_verdict")
    verdict = item.verdict
    if verdict.outcome is not Outcome.SCORED or not verdict.axes:
        reason = verdict.reject_reason or "; ".join(verdict.reasons) or verdict.text or "no_scores"
        return unscored(case, str(verdict.outcome), f"judge: {reason}"[:200])
    axes = {axis: _converted(value, verdict.scale, scale) for axis, value in verdict.axes.items()}
    first = next(iter(axes.values()))
    counted = [min(value, first) if cap == "enforced" else value for value in axes.values()]
    overall = sum(counted) / len(counted)
    return ItemScore(
        case.key,
        case.group,
        case.cluster,
        metrics=axes | {task.headline: overall},
        axes=axes,
        reply=verdict.text or None,
        instruction=" / ".join(case.instructions),
    )


def _converted(value: float, given: tuple[float, float], wanted: tuple[float, float]) -> float:
    if given == wanted:
        return value
    share = (value - given[0]) / (given[1] - given[0])
    return wanted[0] + share * (wanted[1] - wanted[0])


def _explained(item: ItemScore, run: int, judged: Judged) -> ItemScore:
    """An unscored item with what is known of it: an editor that refused, an output that is absent, a judge that said no."""
    if item.outcome == "scored":
        return item
    known = judged.lost.get((item.key, run))
    if known is not None:
        return replace(item, outcome=known[0], reason=known[1])
    found = judged.by_run[run].get(item.key) if item.outcome != "refused" else None
    raw = found.verdict.raw_reply if found and found.verdict else None
    if raw and any(f'"ending":"{word}"' in raw for word in _SAID_NO):
        return replace(item, outcome="refused", reason="judge: refused")
    return item


def _judged_by(judged: Judged) -> dict[str, str]:
    verdict = next((item.verdict for item in judged.items if item.verdict), None)
    name, version = judged.judge
    temperature = verdict.temperature if verdict else None
    return {
        "judge": name,
        "judge_version": version,
        "prompt_version": (verdict.prompt_version if verdict else None) or "",
        "temperature": "none" if temperature is None else f"{temperature:g}",
        "image_encoding": judged.encoding,
    }

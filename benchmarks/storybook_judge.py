"""How far the storybook judges agree with people: `python benchmarks/storybook_judge.py WORK [--write]`.

WORK is a folder for the pairs (made when missing; `python -m editloop.train.judge` keeps its own in the same place). The pairs show
combinations of object, colour and edit that no judge was trained on, rated by simulated people whom no judge learnt from. Three
tables: every judge beside the human ceiling, the overall answer task by task, and the base scorer's agreement by number
of labels (HP-Scorer's claim, arXiv 2604.19406).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from editloop.core.stats import Interval
from editloop.judges.calibrate.described import Described
from editloop.judges.calibrate.learning_curve import CurvePoint, learning_curve
from editloop.judges.storybook import (
    base_scorer,
    calibrated_scorer,
    held_out_judge,
    tiny_judge,
)
from editloop.models.storybook.judge_shape import ANSWERS
from editloop.train.judge.card import by_task, ceilings, judge_card
from editloop.train.judge.study import Study, held_out_study, label_study
from harness.tables import Section, machine, parser, publish

COUNTS = (0, 5, 10, 25, 50, 100)
"""Labels a task."""


def predictions(study: Study) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Every judge's answers (pairs, answers), and the pairs a second that its network reads."""
    requests = study.requests()
    answers: dict[str, np.ndarray] = {}
    rates: dict[str, float] = {}
    for judge in (base_scorer(), tiny_judge(), held_out_judge()):
        judge.describe(requests[:2])
        start = time.process_time()
        described = judge.describe(requests)
        rates[judge.identity.name] = len(requests) / (time.process_time() - start)
        answers[judge.identity.name] = own_answers(described)
    calibrated = calibrated_scorer()
    answers[calibrated.name] = calibrated.predict(requests)
    order = ("world:base-scorer", calibrated.name, "world:tiny-judge", "world:held-out-judge")
    return {name: answers[name] for name in order}, rates


def own_answers(described: Described) -> np.ndarray:
    """A judge's uncalibrated answers, (pairs, answers)."""
    return np.stack([described.column(answer) for answer in ANSWERS], axis=1)


def agreement_section(answers: dict[str, np.ndarray], study: Study) -> Section:
    """Every judge beside the human ceiling."""
    heading = ["", "answer", "Spearman", "Pearson", "as one more person", "within 1"]
    rows, runs = [heading], {}
    for answer, ceiling in ceilings(study).items():
        rows.append(["one person (ceiling)", answer, "", "", _with_ends(ceiling), ""])
        runs[f"ceiling {answer}"] = [{"spearman": ceiling}]
    for name, scores in answers.items():
        card = judge_card(scores, study)
        runs[name] = [asdict(one) for one in card]
        rows += [
            [
                name,
                one.answer,
                _with_ends(one.spearman),
                _with_ends(one.pearson),
                f"{one.beside_one:.3f}",
                f"{one.within_one:.2f}",
            ]
            for one in card
        ]
    text = (
        f"{len(study.rows)} pairs, four ratings each. Spearman and Pearson: with the panel's mean, raters' leanings removed "
        "(95 % intervals over cases). As one more person: Spearman with the mean of all raters but one, averaged over who is left out, "
        "for a judge and for the left-out people themselves. Within 1: share of single ratings at most a point away."
    )
    return Section("Agreement with held-out people on held-out combinations", text, rows, runs)


def task_section(answers: dict[str, np.ndarray], study: Study) -> Section:
    """The overall answer, task by task."""
    figures = {name: by_task(scores, study) for name, scores in answers.items()}
    tasks = next(iter(figures.values()))
    rows = [["task", "pairs", *figures]]
    rows += [
        [task, str(count), *(f"{figures[name][task][0]:.2f}" for name in figures)]
        for task, (_, count) in tasks.items()
    ]
    runs = {
        name: [{t: value for t, (value, _) in found.items()}] for name, found in figures.items()
    }
    return Section("By task", "Spearman of the overall answer with people.", rows, runs)


def curve_section(study: Study, folder: Path) -> Section:
    """The base scorer by number of labels, reading its score alone or all that it says."""
    base = base_scorer()
    labelled, held_out = label_study(folder).labelled(base), study.labelled(base)
    rows = [["labels a task", "reads", "Pearson", "Spearman", "mean error", "within 1"]]
    runs: dict[str, list[dict[str, Any]]] = {}
    for reads, columns in (("its answers", ANSWERS), ("all it says", None)):
        curve = learning_curve(labelled, held_out, COUNTS, columns=columns, draws=3)
        runs[reads] = [asdict(point) for point in curve]
        rows += [_curve_row(point, reads) for point in curve]
    text = (
        "The overall answer of the base scorer after calibration on labels that other people gave to training combinations; "
        "means of three draws, the worst in parentheses. No labels: the base scorer as it comes."
    )
    return Section("Agreement by number of labels", text, rows, runs)


def _curve_row(point: CurvePoint, reads: str) -> list[str]:
    pairs = zip(asdict(point.mean).values(), asdict(point.worst).values(), strict=True)
    cells = [f"{mean:.3f} ({worst:.3f})" for mean, worst in pairs]
    return [str(point.labels), reads, *cells]


def _with_ends(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f}..{interval.high:.3f})"


def main(arguments: Sequence[str]) -> None:
    options = parser(__doc__, repeats=1)
    options.add_argument("work", type=Path, help="folder of the pairs")
    parsed = options.parse_args(arguments)
    parsed.own = True
    torch.set_num_threads(1)
    facts = machine()
    study = held_out_study(parsed.work)
    answers, rates = predictions(study)
    facts |= {f"{name} pairs/s on one core": round(rate) for name, rate in rates.items()}
    sections = [
        agreement_section(answers, study),
        task_section(answers, study),
        curve_section(study, parsed.work),
    ]
    publish("storybook_judge", "The storybook judges beside people", sections, parsed, facts)


if __name__ == "__main__":
    main(sys.argv[1:])

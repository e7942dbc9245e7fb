"""Figures of a running study: who did how much, whether they looked, and how well they agree."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from editloop.judges.agreement import spearman
from editloop.judges.reliability import Level, krippendorff_alpha
from editloop.rate.ratings import Given, RatingFile
from editloop.rate.sheets import WHOLE, Answer, Sheet
from editloop.records.rating import Rating

LEAST_SHARED: Final = 3
"""Items that two raters must share before their correlation means anything."""
_FOLLOWING: Final = ("instruction", "adherence", "alignment", "following", "overall")
"""Axes on which an image that was not edited at all must score low, the plainest first."""
_NOOP_SHARE, _REPEAT_SHARE = 0.3, 0.2
"""Of the scale: how high an unchanged image may be scored, and how far two answers to one item may lie apart."""

CHOICE_CODES: Final = {"first": 1.0, "second": 2.0, "tie": 3.0, "both_bad": 4.0}


def ratings_of(sheet: Sheet, given: Iterable[Given]) -> list[Rating]:
    """Answers as rows of the record format; attention checks and items that could not be judged give none.

    A dialogue's answers are 1 (yes) and 0 (no) on the axes ``turn_1.done``, ..., ``whole``; a pair's are the codes of
    `CHOICE_CODES` on the axis ``choice``, which are names and no quantities.
    """
    return [
        Rating(entry.assignment.item, rater_name(entry.assignment.rater), axis, score)
        for entry in given
        if entry.assignment.purpose == "rate" and not entry.answer.cannot_judge
        for axis, score in numbers_of(sheet, entry.answer).items()
    ]


def numbers_of(sheet: Sheet, answer: Answer) -> dict[str, float]:
    """One answer as numbers by axis."""
    if sheet.kind == "score":
        return dict(answer.scores)
    if sheet.kind == "pairs":
        return {"choice": CHOICE_CODES[answer.choice]} if answer.choice else {}
    turns = {
        f"turn_{number}.{axis}": float(value)
        for number, turn in enumerate(answer.turns, start=1)
        for axis, value in turn.answers.items()
    }
    return turns | ({WHOLE: float(answer.whole)} if answer.whole is not None else {})


def rater_name(number: int) -> str:
    """What exports call a rater."""
    return f"rater_{number}"


def overview(study: RatingFile) -> dict[str, Any]:
    """Everything that the overview page and `--agreement` show."""
    sheet, answers, items = study.sheet(), study.answers(), study.items()
    rated = [entry for entry in answers if entry.assignment.purpose == "rate"]
    need = study.schedule().raters_an_item
    per_item = Counter(entry.assignment.item for entry in rated)
    return {
        "title": sheet.title,
        "kind": sheet.kind,
        "items": len(items),
        "complete": sum(per_item[key] >= need for key in items),
        "ratings": len(rated),
        "unscored": sum(entry.answer.cannot_judge for entry in rated),
        "raters_an_item": need,
        "raters": _rater_rows(study, sheet, answers),
        "agreement": agreement(sheet, ratings_of(sheet, answers)),
    }


def agreement(sheet: Sheet, ratings: Sequence[Rating]) -> list[dict[str, Any]]:
    """Per axis Krippendorff's alpha, the mean Spearman correlation of two raters, and how often two say the same.

    The axes of a dialogue's turns are pooled by question.
    """
    level: Level = "interval" if sheet.kind == "score" else "nominal"
    by_question: dict[str, list[Rating]] = defaultdict(list)
    for rating in ratings:
        place, _, question = rating.axis.rpartition(".")
        pooled = rating._replace(item=f"{rating.item} {place}", axis=question)
        by_question[question].append(pooled)
    return [_agreement_row(axis, pooled, level) for axis, pooled in by_question.items()]


def _agreement_row(axis: str, ratings: Sequence[Rating], level: Level) -> dict[str, Any]:
    units: dict[str, dict[str, float]] = defaultdict(dict)
    for rating in ratings:
        units[rating.item][rating.rater] = rating.score
    shared = [answers for answers in units.values() if len(answers) > 1]
    pairs = [pair for answers in shared for pair in itertools.combinations(answers.values(), 2)]
    return {
        "axis": axis,
        "ratings": len(ratings),
        "units": len(units),
        "shared": len(shared),
        "level": level,
        "alpha": _number(krippendorff_alpha(ratings, axis, level)),
        "spearman": _number(_mean_spearman(units)) if level == "interval" else None,
        "same": _number(sum(a == b for a, b in pairs) / len(pairs) if pairs else math.nan),
    }


def _mean_spearman(units: Mapping[str, Mapping[str, float]]) -> float:
    columns: dict[str, dict[str, float]] = defaultdict(dict)
    for unit, answers in units.items():
        for rater, score in answers.items():
            columns[rater][unit] = score
    found = []
    for first, second in itertools.combinations(columns.values(), 2):
        both = sorted(first.keys() & second.keys())
        if len(both) >= LEAST_SHARED:
            found.append(spearman([first[unit] for unit in both], [second[unit] for unit in both]))
    known = [value for value in found if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _rater_rows(study: RatingFile, sheet: Sheet, answers: Sequence[Given]) -> list[dict[str, Any]]:
    by_rater: dict[int, list[Given]] = defaultdict(list)
    for entry in answers:
        by_rater[entry.assignment.rater].append(entry)
    rows = []
    for rater in study.raters():
        own = by_rater[rater.number]
        checks = check_results(sheet, own)
        seconds = sorted(entry.seconds for entry in own)
        scores = [score for entry in own for score in entry.answer.scores.values()]
        rows.append(
            {
                "rater": rater_name(rater.number),
                "name": rater.name,
                "rated": sum(entry.assignment.purpose == "rate" for entry in own),
                "unscored": sum(entry.answer.cannot_judge for entry in own),
                "median_seconds": seconds[len(seconds) // 2] if seconds else None,
                "mean_score": sum(scores) / len(scores) if scores else None,
                "checks_passed": sum(checks),
                "checks": len(checks),
            }
        )
    return rows


def check_results(sheet: Sheet, own: Sequence[Given]) -> list[bool]:
    """Of one rater's attention checks that were scored: which were passed."""
    first = {e.assignment.item: e.answer for e in own if e.assignment.purpose == "rate"}
    results = []
    for entry in own:
        if entry.answer.cannot_judge:
            continue
        if entry.assignment.purpose == "noop":
            results.append(_saw_nothing(sheet, entry.answer))
        before = first.get(entry.assignment.item)
        if entry.assignment.purpose == "repeat" and before and not before.cannot_judge:
            results.append(_same_again(sheet, before, entry.answer))
    return results


def _saw_nothing(sheet: Sheet, answer: Answer) -> bool:
    """Whether the rater noticed that nothing was edited."""
    if sheet.kind == "pairs":
        return answer.choice in ("tie", "both_bad")
    if sheet.kind == "dialogue":
        return answer.whole is False
    low, high = sheet.scale
    axis = next((name for name in _FOLLOWING if name in answer.scores), sheet.axes[0].name)
    return answer.scores[axis] <= low + _NOOP_SHARE * (high - low)


def _same_again(sheet: Sheet, before: Answer, after: Answer) -> bool:
    if sheet.kind == "pairs":
        return before.choice == after.choice
    if sheet.kind == "dialogue":
        return before.whole == after.whole
    low, high = sheet.scale
    gaps = [abs(before.scores[axis] - after.scores[axis]) for axis in sheet.axis_names()]
    return sum(gaps) / len(gaps) <= _REPEAT_SHARE * (high - low)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)

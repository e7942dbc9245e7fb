"""RewardEdit-20K's reward file (arXiv 2411.04713): for each triplet three scores of 0 to 5, each with the fault in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from editloop.core.errors import BadInputError
from editloop.records.verdict import Outcome, Verdict

AXES = ("following", "preserving", "quality")
"""Order of the three entries of a triplet."""
SCALE = (0.0, 5.0)
NO_FAULT = "None"
OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "following": ("following", "instruction", "adherence"),
    "preserving": ("preserving", "preservation", "consistency"),
    "quality": ("quality", "natural", "aesthetic"),
}
"""What other judges call the three perspectives."""


def read_rewards(path: Path) -> Iterator[tuple[str, Verdict]]:
    """Triplet key and verdict of every triplet; `reasons` are the three texts, in the order of `AXES`.

    Raises:
        BadInputError: `bad_annotation`: the file is not an object of lists of three.
    """
    try:
        content = json.loads(path.read_bytes())
        for key, entries in content.items():
            yield key, _verdict(entries)
    except (ValueError, AttributeError, TypeError) as error:
        raise BadInputError("bad_annotation", f"{path.name}: {error}") from error


def _verdict(entries: list[Mapping[str, Any]]) -> Verdict:
    if len(entries) != len(AXES):
        raise ValueError(f"{len(entries)} entries for a triplet, expected {len(AXES)}")
    scores = dict(zip(AXES, (_score(entry.get("Score")) for entry in entries), strict=True))
    axes = {axis: score for axis, score in scores.items() if score is not None}
    return Verdict(
        judge="rewardedit:gpt-4o",
        judge_version="2024-05-13",
        scale=SCALE,
        axes=axes,
        reasons=tuple(str(entry.get("Negative Prompt", "")) for entry in entries),
        outcome=Outcome.SCORED if axes else Outcome.UNPARSABLE,
        raw_reply=json.dumps(entries),
    )


def _score(value: object) -> float | None:
    try:
        score = float(str(value))
    except ValueError:
        return None
    return score if SCALE[0] <= score <= SCALE[1] else None


def write_rewards(verdicts: Iterable[tuple[str, Verdict]], path: Path) -> None:
    """Write verdicts with the axes of `AXES` in RewardEdit's form; an axis without a score becomes null."""
    content = {}
    for key, verdict in sorted(verdicts):
        texts = [*verdict.reasons, *[NO_FAULT] * len(AXES)][: len(AXES)]
        content[key] = [
            {"Score": verdict.axes.get(axis), "Negative Prompt": text}
            for axis, text in zip(AXES, texts, strict=True)
        ]
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def as_rewards(verdict: Verdict) -> Verdict | None:
    """Any judge's verdict in RewardEdit's terms, or None where it scores none of the three perspectives.

    Scores move linearly from the judge's scale to 0..5. Three reasons of a verdict with just these axes stay where they are;
    any others are put together at the perspective with the lowest score, since most judges do not say which one a fault
    counts against. `reasons` are the three texts, in the order of `AXES`.
    """
    low, high = verdict.scale
    axes = {}
    for axis, names in OTHER_NAMES.items():
        native = next((verdict.axes[name] for name in names if name in verdict.axes), None)
        if native is not None:
            axes[axis] = min(max(SCALE[1] * (native - low) / (high - low), SCALE[0]), SCALE[1])
    if not axes:
        return None
    if set(verdict.axes) == set(AXES) and len(verdict.reasons) == len(AXES):
        texts = tuple(text.strip() or NO_FAULT for text in verdict.reasons)
    else:
        scores = [axes.get(axis) for axis in AXES]
        texts = texts_at_worst(scores, "; ".join(verdict.reasons) or verdict.text)
    return verdict.model_copy(
        update={"scale": SCALE, "axes": axes, "reasons": texts, "text": "; ".join(texts)}
    )


def texts_at_worst(scores: Sequence[float | None], fault: str) -> tuple[str, str, str]:
    """`fault` at the perspective with the lowest score (the first of equals), `NO_FAULT` elsewhere."""
    texts = [NO_FAULT] * len(AXES)
    given = [index for index, score in enumerate(scores) if score is not None]
    if fault and given:
        texts[min(given, key=lambda index: scores[index] or 0.0)] = fault
    return texts[0], texts[1], texts[2]

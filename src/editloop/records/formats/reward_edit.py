"""RewardEdit-20K's reward file (arXiv 2411.04713): for each triplet three scores of 0 to 5, each with the fault in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from editloop.core.errors import BadInputError
from editloop.records.verdict import Outcome, Verdict

AXES = ("following", "preserving", "quality")
"""Order of the three entries of a triplet."""
SCALE = (0.0, 5.0)
NO_FAULT = "None"


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

"""GenAI-Bench's image editing (arXiv 2406.04485): judges' votes against people's, as published and read robustly."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from editloop.core.errors import UsageError
from editloop.judges.parsing import HUMAN_VOTES, ReadingMode, Vote, official_correct, read_vote


@dataclass(frozen=True, slots=True)
class VotePair:
    """One comparison: what people said, and the kept label of every judge (None where it gave none)."""

    human: Vote
    labels: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class VoteAccuracy:
    """How often a judge says what people said.

    Args:
        n: Comparisons.
        official: Share of all whose label equals people's vote to the letter; an unreadable one is wrong.
        read: Comparisons whose label could be read robustly.
        robust: Share of these that agree.
        decided: Comparisons in which both judge and people prefer one edit.
        preferred: Share of these that agree.
    """

    n: int
    official: float
    read: int
    robust: float
    decided: int
    preferred: float


def read_vote_pairs(path: Path) -> list[VotePair]:
    """Comparisons from JSONL with ``human_vote`` and ``judge_votes`` (judge -> bracketed label or null) a line.

    Raises:
        UsageError: the file cannot be read, or a line is no such comparison.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    pairs = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            pairs.append(VotePair(HUMAN_VOTES[row["human_vote"]], dict(row["judge_votes"])))
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{path}, line {number}: expected human_vote (one of {', '.join(HUMAN_VOTES)}) and judge_votes, "
                f"got {line[:80]!r} ({error!r})"
            ) from error
    return pairs


def vote_table(pairs: Sequence[VotePair]) -> dict[str, VoteAccuracy]:
    """Every judge's accuracy, the best official one first."""
    judges = dict.fromkeys(judge for pair in pairs for judge in pair.labels)
    table = {judge: _accuracy(pairs, judge) for judge in judges}
    return dict(sorted(table.items(), key=lambda row: -row[1].official))


def _accuracy(pairs: Sequence[VotePair], judge: str) -> VoteAccuracy:
    asked = [pair for pair in pairs if judge in pair.labels]
    official = sum(
        official_correct(read_vote(pair.labels[judge], ReadingMode.OFFICIAL).label, pair.human)
        for pair in asked
    )
    votes = [
        (vote, pair.human)
        for pair in asked
        if (vote := read_vote(pair.labels[judge] or "").vote) is not None
    ]
    preferring = (Vote.FIRST, Vote.SECOND)
    decided = [(vote, human) for vote, human in votes if vote in preferring and human in preferring]
    return VoteAccuracy(
        n=len(asked),
        official=_share(official, len(asked)),
        read=len(votes),
        robust=_share(sum(vote is human for vote, human in votes), len(votes)),
        decided=len(decided),
        preferred=_share(sum(vote is human for vote, human in decided), len(decided)),
    )


def _share(count: int, of: int) -> float:
    return count / of if of else math.nan

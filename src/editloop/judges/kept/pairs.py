"""Compares pairs of edits from a table: votes, flips, agreement with people, and who wins."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from editloop.core.errors import BadInputError, UsageError
from editloop.core.images import decode_image
from editloop.judges.kept.folder import replace_file
from editloop.judges.panel.ranking import Battle, flip_rate, rank_from_pairs, win_rates
from editloop.judges.parsing.reading import ReadingMode
from editloop.judges.parsing.votes import HUMAN_VOTES, Vote, read_vote
from editloop.judges.people.bulk import Progress
from editloop.judges.vlm.pairs import PairJudge, PairRequest, PairVerdict, merged_votes
from editloop.records.formats.pair_table import EditPair
from editloop.records.formats.rated_edits import Unusable, image_bytes
from editloop.records.taxonomy import known_edit_type

PAIRS: Final = "pairs.jsonl"
AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class Compared:
    """One pair and its verdict."""

    pair: EditPair
    verdict: PairVerdict


def compare_pairs(
    pairs: Sequence[EditPair], judge: PairJudge, progress: Progress | None = None
) -> tuple[list[Compared], list[Unusable]]:
    """A verdict on every pair whose pictures can be read, and the others with a reason."""
    done: list[Compared] = []
    dropped: list[Unusable] = []
    waiting = iter(pairs)
    while part := list(islice(waiting, AT_ONCE)):
        requests: list[tuple[EditPair, PairRequest]] = []
        for pair in part:
            try:
                requests.append((pair, _opened(pair)))
            except BadInputError as error:
                dropped.append(Unusable(pair.uid, error.reason, error.detail))
        verdicts = judge.compare_many([request for _, request in requests])
        done += [
            Compared(pair, verdict) for (pair, _), verdict in zip(requests, verdicts, strict=True)
        ]
        if progress is not None:
            progress(len(done) + len(dropped), len(pairs))
    return done, dropped


def pair_figures(compared: Sequence[Compared], dropped: Sequence[Unusable] = ()) -> dict[str, Any]:
    """What the verdicts say together, as plain data.

    Votes and outcomes are counted; `flip_rate` is the share of pairs whose vote changes with the order; `people` compares
    with the table's own votes where it has them; `editors` ranks where it names them.
    """
    verdicts = [one.verdict for one in compared]
    rate, asked = flip_rate(verdicts)
    figures: dict[str, Any] = {
        "n": len(verdicts),
        "n_scored": sum(one.vote is not None for one in verdicts),
        "outcomes": dict(Counter(str(one.outcome) for one in verdicts)),
        "unscored": dict(
            Counter(f"{one.outcome}: {one.reason}" for one in verdicts if one.vote is None)
        ),
        "votes": {str(vote): sum(one.vote is vote for one in verdicts) for vote in Vote},
        "flip_rate": None if math.isnan(rate) else round(rate, 6),
        "n_both_orders": asked,
        "dropped": dict(Counter(one.reason for one in dropped)),
    }
    if any(one.pair.vote is not None for one in compared):
        figures["people"] = _against_people(compared)
    battles = _battles(compared)
    if battles:
        figures["editors"] = _ranked(battles)
    return figures


def write_pairs(out: Path, compared: Sequence[Compared]) -> None:
    """Keep the verdicts, replies included.

    Raises:
        StoreError: they cannot be written.
    """
    lines = [
        json.dumps(
            {
                "uid": one.pair.uid,
                "instruction": one.pair.instruction,
                "first_editor": one.pair.first_editor,
                "second_editor": one.pair.second_editor,
                "human_vote": one.pair.vote,
                "verdict": one.verdict.model_dump(mode="json"),
            },
            ensure_ascii=False,
        )
        for one in compared
    ]
    out.mkdir(parents=True, exist_ok=True)
    replace_file(out / PAIRS, "".join(line + "\n" for line in lines))


def read_again(folder: Path, mode: ReadingMode) -> list[Compared]:
    """The kept pairs of a folder with their replies read once more, offline.

    Raises:
        UsageError: the folder holds no pairs, or a line is damaged.
    """
    try:
        lines = (folder / PAIRS).read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
        return [_again(row, mode) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"cannot read the pairs in {folder}: {error!r}") from error


def human_vote(pair: EditPair) -> Vote | None:
    """What people said, in our words or GenAI-Bench's; None where nobody was asked or the word is unknown."""
    if pair.vote is None:
        return None
    plain = pair.vote.strip().lower()
    return HUMAN_VOTES.get(plain) or next((vote for vote in Vote if vote == plain), None)


def _again(row: dict[str, Any], mode: ReadingMode) -> Compared:
    kept = PairVerdict.model_validate(row["verdict"])
    where = Path()
    pair = EditPair(
        row["uid"], row["instruction"], where, where, where,
        row.get("first_editor"), row.get("second_editor"), row.get("human_vote"),
    )  # fmt: skip
    if not kept.raw_replies:
        return Compared(pair, kept)
    fresh = {"vote": None, "flipped": None, "reason": ""}
    merged = merged_votes([read_vote(reply, mode) for reply in kept.raw_replies])
    return Compared(pair, kept.model_copy(update={**fresh, **merged}))


def _opened(pair: EditPair) -> PairRequest:
    source, first, second = (
        decode_image(image_bytes(path)).pixels for path in (pair.source, pair.first, pair.second)
    )
    kind = None if pair.edit_type is None else known_edit_type(pair.edit_type)
    return PairRequest(source, pair.instruction, first, second, kind)


def _against_people(compared: Sequence[Compared]) -> dict[str, Any]:
    both = [
        (one.verdict.vote, human)
        for one in compared
        if one.verdict.vote is not None and (human := human_vote(one.pair)) is not None
    ]
    asked = sum(human_vote(one.pair) is not None for one in compared)
    prefer = (Vote.FIRST, Vote.SECOND)
    decided = [(vote, human) for vote, human in both if vote in prefer and human in prefer]
    half = [
        0.5 if vote not in prefer else float(vote is human)
        for vote, human in both
        if human in prefer
    ]
    return {
        "accuracy": _share([vote is human for vote, human in both]),
        "n_scored": len(both),
        "n": asked,
        "decided_accuracy": _share([vote is human for vote, human in decided]),
        "n_decided": len(decided),
        "accuracy_ties_half": round(sum(half) / len(half), 6) if half else None,
        "n_people_prefer_one": len(half),
    }


def _battles(compared: Sequence[Compared]) -> list[Battle]:
    return [
        (one.pair.first_editor, one.pair.second_editor, one.verdict.vote)
        for one in compared
        if one.pair.first_editor and one.pair.second_editor and one.verdict.vote is not None
    ]


def _ranked(battles: Sequence[Battle]) -> dict[str, Any]:
    ranking = rank_from_pairs(battles)
    wins, elo = win_rates(battles), ranking.elo()
    return {
        name: {
            "win_rate": round(wins[name], 6),
            "elo": round(float(elo[name]), 2),
            "pairs": sum(name in battle[:2] for battle in battles),
        }
        for name in ranking.strengths
    }


def _share(right: Sequence[bool]) -> float | None:
    return round(sum(right) / len(right), 6) if right else None

"""Which of two edits: the vote of a pairwise reply."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from editloop.judges.parsing.normalise import normalised, without_markdown
from editloop.judges.parsing.official import read_vote_label
from editloop.judges.parsing.reading import ReadingMode
from editloop.judges.parsing.refusals import is_endpoint_error, is_refusal
from editloop.records.verdict import Outcome


class Vote(StrEnum):
    """GenAI-Bench's four answers. Ties are answers, not failures."""

    FIRST = "first"
    SECOND = "second"
    TIE = "tie"
    BOTH_BAD = "both_bad"

    @property
    def swapped(self) -> Vote:
        """The same vote when the two are shown in the other order."""
        return {Vote.FIRST: Vote.SECOND, Vote.SECOND: Vote.FIRST}.get(self, self)


@dataclass(frozen=True, slots=True)
class VoteReading:
    """A pairwise reply, read; `label` is what the official reading compares, in brackets."""

    outcome: Outcome
    vote: Vote | None = None
    label: str | None = None
    reason: str = ""
    slips: tuple[str, ...] = ()


HUMAN_VOTES: Final = {
    "leftvote": Vote.FIRST,
    "rightvote": Vote.SECOND,
    "tievote": Vote.TIE,
    "bothbad_vote": Vote.BOTH_BAD,
}
"""GenAI-Bench's names for what people answered."""

_EXACT: Final = {
    "[[A>B]]": Vote.FIRST,
    "[[A>>B]]": Vote.FIRST,
    "[[B>A]]": Vote.SECOND,
    "[[B>>A]]": Vote.SECOND,
    "[[A=B=Good]]": Vote.TIE,
    "[[A=B]]": Vote.TIE,
    "[[A=B=Bad]]": Vote.BOTH_BAD,
}
_BRACKETED = re.compile(r"\[\[([^\[\]\n]{1,80})\]\]")
_NOISE = re.compile(r"[\s\"'.,]+|model|is|:")
_SPELLINGS: Final = (
    (re.compile(r"a>+b|a(?:better|best)|1>+2|first(?:better)?|left(?:better)?|a"), Vote.FIRST),
    (re.compile(r"b>+a|b(?:better|best)|2>+1|second(?:better)?|right(?:better)?|b"), Vote.SECOND),
    (re.compile(r"a=+b(?:=+good)?|b=+a(?:=+good)?|(?:bothgood|tie|equal|draw)"), Vote.TIE),
    (re.compile(r"a=+b=+bad|b=+a=+bad|bothbad|botharebad|neither"), Vote.BOTH_BAD),
)
_PROSE: Final = (
    (
        re.compile(
            r"\b(?:model|image|edit|option|candidate)\s+(?:a|1|one)\s+is\s+(?:clearly |much |slightly )?better\b"
        ),
        Vote.FIRST,
    ),
    (
        re.compile(
            r"\b(?:model|image|edit|option|candidate)\s+(?:b|2|two)\s+is\s+(?:clearly |much |slightly )?better\b"
        ),
        Vote.SECOND,
    ),
    (re.compile(r"\bboth (?:edits |images |models )?are (?:equally )?bad\b"), Vote.BOTH_BAD),
    (
        re.compile(r"\b(?:it(?:'s| is) a tie|both (?:edits |images |models )?are equally good)\b"),
        Vote.TIE,
    ),
)
_LABELLED = re.compile(
    r"(?<![^\W_])(?:verdict|vote|answer|choice|winner|preference|better)[\"'\s]*[:=]\s*[\"'\[(]*\s*"
    r"([\w]+(?:[\s_]+(?:is[\s_]+)?(?:better|bad|are[\s_]+bad|a|b|1|2))*(?:\s*[>=]+\s*\w+)*)",
    re.IGNORECASE,
)


def read_vote(reply: object, mode: ReadingMode = ReadingMode.ROBUST) -> VoteReading:
    """The vote of a pairwise reply. Never raises.

    Official: the text from the first ``[[`` to the last ``]]`` of a line must equal one of the template's labels. Robust:
    bracketed labels in any spelling, else a labelled answer, else a plain statement; two different votes are unparsable.
    """
    if mode is ReadingMode.OFFICIAL:
        return _official(reply)
    if not isinstance(reply, str):
        return VoteReading(Outcome.FAILED, reason="no_reply")
    if is_endpoint_error(reply):
        return VoteReading(Outcome.FAILED, reason="endpoint_error")
    text = normalised(reply)
    return VoteReading(Outcome.UNPARSABLE, reason="too_long") if text is None else _robust(text)


def official_correct(label: str | None, human: Vote) -> bool:
    """Whether GenAI-Bench counts an official label as right: ``[[A=B]]`` fits both kinds of tie."""
    if label == "[[A=B]]":
        return human in (Vote.TIE, Vote.BOTH_BAD)
    return label is not None and _EXACT.get(label) is human


def _official(reply: object) -> VoteReading:
    label = read_vote_label(reply)
    if label is None:
        return VoteReading(Outcome.UNPARSABLE, reason="no_label", slips=("unread_is_wrong",))
    vote = _EXACT.get(label)
    if vote is None:
        joined = label.count("[[") > 1
        slip = "brackets_joined" if joined else "vote_not_exact"
        return VoteReading(Outcome.UNPARSABLE, None, label, "unknown_label", (slip,))
    slips = ("bare_tie_counts_twice",) if label == "[[A=B]]" else ()
    return VoteReading(Outcome.SCORED, vote, label, slips=slips)


def _robust(text: str) -> VoteReading:
    votes: set[Vote | None] = {_spelt(label) for label in _BRACKETED.findall(text)}
    if not votes:
        plain = without_markdown(text)
        votes = {vote for label in _LABELLED.findall(plain) if (vote := _spelt(label)) is not None}
    if not votes:
        plain = without_markdown(text).lower().replace("’", "'")
        votes = {vote for pattern, vote in _PROSE if pattern.search(plain)}
    if not votes and len(text.strip()) <= 24:
        votes = {_spelt(text)} - {None}
    if len(votes) == 1 and (vote := next(iter(votes))) is not None:
        return VoteReading(Outcome.SCORED, vote)
    if votes - {None}:
        return VoteReading(Outcome.UNPARSABLE, reason="contradiction")
    if is_refusal(text):
        return VoteReading(Outcome.REFUSED, reason="refusal")
    return VoteReading(Outcome.UNPARSABLE, reason="no_vote" if text.strip() else "empty")


def _spelt(label: str) -> Vote | None:
    plain = _NOISE.sub("", label.lower().replace("_", " "))
    return next((vote for pattern, vote in _SPELLINGS if pattern.fullmatch(plain)), None)

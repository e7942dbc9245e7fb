from __future__ import annotations

import pytest

from editloop.judges.parsing import (
    HUMAN_VOTES,
    ReadingMode,
    Vote,
    official_correct,
    read_vote,
    read_yes_no,
)

ECHO = "[[A>B]] 2. Model B is better: [[B>A]] 3. Tie: [[A=B=Good]] 4. Both are bad: [[A=B=Bad]]"
VOTES: dict[str, tuple[object, str, str]] = {
    "canonical": ("The left edit is clean. [[A>B]]", "first", "first"),
    "strong": ("[[B>>A]]", "second", "second"),
    "tie": ("[[A=B=Good]]", "tie", "tie"),
    "both bad": ("[[A=B=Bad]]", "both_bad", "both_bad"),
    "bare tie": ("[[A=B]]", "tie", "tie"),
    "spaces": ("[[ A > B ]]", "unknown_label", "first"),
    "quotes": ("[['A'='B'= 'Good']]", "unknown_label", "tie"),
    "mirrored tie": ("[[B=A=Bad]]", "unknown_label", "both_bad"),
    "words in brackets": ("[[Model B is better]]", "unknown_label", "second"),
    "option list echoed": (ECHO, "unknown_label", "contradiction"),
    "said twice": ("[[A>B]] so [[A>B]]", "unknown_label", "first"),
    "other letters": ("[[D>]]", "unknown_label", "no_vote"),
    "no brackets": ("Model A is better.", "no_label", "first"),
    "json": ('{"reasoning": "seams in A", "verdict": "B"}', "no_label", "second"),
    "json tie": ('{"verdict": "both_bad"}', "no_label", "both_bad"),
    "prose about both": ("Model A is better at light, Model B is better at shape.", "no_label", "contradiction"),
    "letter": ("B", "no_label", "second"),
    "refusal": ("I'm sorry, I cannot compare these.", "no_label", "refusal"),
    "empty": ("", "no_label", "empty"),
    "no text": (None, "no_label", "no_reply"),
}  # fmt: skip


@pytest.mark.parametrize("name", VOTES)
def test_votes(name: str) -> None:
    reply, official, robust = VOTES[name]
    readings = [read_vote(reply, mode) for mode in (ReadingMode.OFFICIAL, ReadingMode.ROBUST)]
    assert [str(one.vote or one.reason) for one in readings] == [official, robust]


def test_a_bare_tie_is_right_twice_officially() -> None:
    right = [human for human in HUMAN_VOTES.values() if official_correct("[[A=B]]", human)]
    assert right == [Vote.TIE, Vote.BOTH_BAD]
    assert official_correct("[[A>>B]]", Vote.FIRST)
    assert not official_correct("[[A > B]]", Vote.FIRST)
    assert not official_correct(None, Vote.FIRST)


def test_swapping_twice_changes_nothing() -> None:
    assert [vote.swapped for vote in Vote] == [Vote.SECOND, Vote.FIRST, Vote.TIE, Vote.BOTH_BAD]


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Yes", True),
        ("**No**, the sky changed.", False),
        ("The sky changed, so the answer is: no.", False),
        ('```json\n{"answer": "Yes"}\n```', True),
        ("Oui.", True),
        ("是", True),
        ("Answer: yes\nAnswer: no", "contradiction"),
        ("Perhaps", "no_answer"),
        ("I can't help with that.", "refusal"),
        ("Notably clean", "no_answer"),
        (None, "no_reply"),
    ],
)
def test_yes_no(reply: object, answer: bool | str) -> None:
    reading = read_yes_no(reply, "unchanged")
    assert reading.flags.get("unchanged", reading.reason) == answer

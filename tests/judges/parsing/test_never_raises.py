"""Whatever a judge replies, the readers return; a robust score never leaves its scale."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from editloop.judges.parsing import (
    Reading,
    ReadingMode,
    read_hp_scorer,
    read_imgedit,
    read_mrc,
    read_nhr,
    read_post_filter,
    read_uge,
    read_vie,
    read_vote,
    read_yes_no,
)
from editloop.judges.parsing.protocols import IMGEDIT_AXES
from editloop.judges.parsing.reading import Axis

PIECES = [
    "Prompt Compliance", "Visual Naturalness", "Physical & Detail Coherence", "Score", "score", "following", "Score 1",
    "Score 2", "InstructionAdherence", "ImageAesthetic", "Final score", ": ", ":", "=", " is ", " of ", "/5", "/10", "%", "4",
    "5", "0", "-1", "4.5", "4,5", "1e999", "NaN", "Infinity", "９", "²", "½", "3½", "four", "and a half", "十分", "三", "★", "☆",
    "yes", "no", "[", "]", "{", "}", '"', "'", ",", ".", "\n", "\r", "\t", "```json", "**", "|", "<think>", "</think>",
    "<answer>", "</answer>", "[[A>B]]", "[[", "]]", "||V^=^V||", "\u200b", "\x00", "\ud800", "I'm sorry", "null", "true",
    '{"score": [8, 7]}', '{"score": ', "[[[[[[[[", "{{{{{{{{", "999999999999999999999999",
]  # fmt: skip
REPLIES = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.none() | st.integers() | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
SCORED: dict[str, tuple[Callable[[object], Reading], tuple[float, float]]] = {
    "imgedit": (lambda reply: read_imgedit(reply, "add"), (1, 5)),
    "imgedit capped": (lambda reply: read_imgedit(reply, "style", cap="enforced"), (1, 5)),
    "uge": (read_uge, (1, 5)),
    "post-filter": (read_post_filter, (1, 5)),
    "vie": (lambda reply: read_vie(reply, "PQ"), (0, 10)),
    "mrc": (lambda reply: read_mrc(reply, "following"), (0, 5)),
    "nhr": (read_nhr, (1, 5)),
    "hp": (read_hp_scorer, (0, 5)),
}


@settings(max_examples=300, deadline=None)
@given(REPLIES)
def test_robust_scores_stay_on_their_scale(reply: object) -> None:
    for read, (low, high) in SCORED.values():
        reading = read(reply)
        assert reading.scored == bool(reading.axes)
        assert reading.scored == (reading.value is not None)
        assert reading.scored != bool(reading.reason)
        assert all(low <= score <= high for score in (*reading.axes.values(), *_value(reading)))


@settings(max_examples=300, deadline=None)
@given(REPLIES)
def test_the_other_readers_return_too(reply: object) -> None:
    read_imgedit(reply, "add", ReadingMode.OFFICIAL)
    read_uge(reply, ReadingMode.OFFICIAL)
    read_vie(reply, "SC", ReadingMode.OFFICIAL)
    read_vie(reply, "SC", ReadingMode.OFFICIAL, guess=3)
    read_mrc(reply, "clear", ReadingMode.OFFICIAL)
    read_yes_no(reply, "clear")
    for mode in ReadingMode:
        read_vote(reply, mode)


@pytest.mark.parametrize(
    "reply",
    ["[" * 100_000, '{"a":' * 50_000, "9" * 100_000, "Score: " * 20_000, "{" * 100_000, "<think>" * 20_000, "x" * 300_000],
    ids=["brackets", "objects", "digits", "labels", "braces", "thoughts", "long"],
)  # fmt: skip
@pytest.mark.parametrize("length", [19_000, 300_000])
@pytest.mark.timeout(20)
def test_monsters_are_read_in_no_time(reply: str, length: int) -> None:
    reply = reply[:length]
    for read, _ in SCORED.values():
        assert not read(reply).scored
    read_vie(reply, "SC", ReadingMode.OFFICIAL)
    read_vote(reply)
    read_yes_no(reply, "clear")


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(IMGEDIT_AXES)),
    st.lists(st.integers(1, 5), min_size=3, max_size=3),
    st.sampled_from(["{}: {}", "**{}**: {}/5", "- {} (1-5) = {}", "{} score: {}.", "| {} | {} |", '"{}": {},']),
)  # fmt: skip
def test_what_is_written_is_read(edit_type: str, scores: list[int], form: str) -> None:
    axes: tuple[Axis, ...] = IMGEDIT_AXES[edit_type]
    reply = "\n".join(
        form.format(axis.labels[0], score) for axis, score in zip(axes, scores, strict=True)
    )
    assert list(read_imgedit(reply, edit_type).axes.values()) == scores


def _value(reading: Reading) -> tuple[float, ...]:
    return () if reading.value is None else (reading.value,)

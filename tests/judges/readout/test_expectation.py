from __future__ import annotations

import math
import re

import pytest

from editloop.judges.parsing.protocols import IMGEDIT_AXES, SCORE, VIE_AXES
from editloop.judges.readout import expected_scores
from editloop.models.vlms.messages import TokenLogprobs

LINES = "Brief reasoning: 2 seams.\nPrompt Compliance: 5\nVisual Naturalness: 4\nPhysical & Detail Coherence: 3"


def tokens(text: str, chances: dict[str, float] | None = None) -> list[TokenLogprobs]:
    """Words with the space before them, digits alone; every digit has the same alternatives."""
    top = tuple((word, math.log(p)) for word, p in (chances or {}).items())
    return [
        TokenLogprobs(piece, -0.5, top if piece.isdigit() else ())
        for piece in re.findall(r"\d|\s*[^\s\d]+|\s+", text)
    ]


def test_every_axis_has_its_own_place() -> None:
    found = expected_scores(
        LINES, tokens(LINES, {"4": 0.5, "2": 0.25}), IMGEDIT_AXES["add"], (1, 5)
    )
    assert list(found) == ["compliance", "naturalness", "physics"]
    written = math.exp(-0.5)  # the token that was written counts even where the list lacks it
    mass = 0.5 + 0.25 + written
    assert found["compliance"].mean == pytest.approx((4 * 0.5 + 2 * 0.25 + 5 * written) / mass)
    assert found["naturalness"].mean < found["compliance"].mean
    assert found["physics"].spread > 0


def test_only_scores_of_the_scale_count() -> None:
    found = expected_scores(
        "4", tokens("4", {"4": 0.6, "9": 0.2, "four": 0.1, "0": 0.1}), (SCORE,), (1, 5)
    )
    assert found["score"].mean == 4
    assert found["score"].mass == pytest.approx(math.exp(-0.5))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("4.5", "decimals have two places"),
        ("Score: 4\nScore: 4", "two places"),
        ("Score: four", "no digit"),
        ("Score: 4-5", "a range has no one place, and no score"),
    ],
)
def test_where_there_is_none(text: str, why: str) -> None:
    found = expected_scores(text, tokens(text, {"4": 0.9}), (SCORE,), (1, 5))
    assert not found or text == "Score: 4-5", why


def test_json_and_long_scales() -> None:
    text = '{"score": 4, "reasoning": "x"}'
    assert expected_scores(text, tokens(text, {"4": 0.9}), (SCORE,), (0, 5))["score"].mean > 3.9
    assert not expected_scores("[8, 7]", tokens("[8, 7]", {"8": 0.9}), VIE_AXES["SC"], (0, 10))


def test_little_mass_or_other_text_leaves_the_written_score() -> None:
    unsure = [TokenLogprobs("4", math.log(0.2), (("4", math.log(0.2)), ("so", math.log(0.7))))]
    assert not expected_scores("4", unsure, (SCORE,), (1, 5))
    assert not expected_scores("4!", unsure, (SCORE,), (1, 5))
    assert not expected_scores("4", [], (SCORE,), (1, 5))

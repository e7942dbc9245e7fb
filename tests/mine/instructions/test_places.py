"""From boxes to words."""

from __future__ import annotations

import pytest

from editloop.mine.instructions.places import PlaceWords, describe_place
from editloop.mine.instructions.words import (
    article,
    indefinite,
    is_plural,
    possessive,
    pronouns,
    tidy,
)
from editloop.records.record import Box

W, H = 900, 600


def _box(x: float, y: float, side: float = 0.1) -> Box:
    """A box around the centre (x, y), all in shares of the picture."""
    return Box(
        left=round((x - side / 2) * W),
        top=round((y - side / 2) * H),
        right=round((x + side / 2) * W),
        bottom=round((y + side / 2) * H),
    )


@pytest.mark.parametrize(
    ("x", "y", "position", "corner"),
    [
        (0.1, 0.1, "top left", True),
        (0.9, 0.12, "top right", True),
        (0.3, 0.9, "bottom left", False),
        (0.9, 0.9, "bottom right", True),
        (0.2, 0.5, "left", False),
        (0.8, 0.5, "right", False),
        (0.5, 0.1, "top", False),
        (0.5, 0.9, "bottom", False),
        (0.5, 0.5, "centre", False),
    ],
)
def test_positions(x, y, position, corner):
    assert describe_place(_box(x, y), W, H) == PlaceWords(position, corner, "small")


def test_size_and_span():
    assert describe_place(_box(0.5, 0.5, 0.3), W, H).size == ""
    assert describe_place(_box(0.5, 0.5, 0.6), W, H) == PlaceWords("centre", size="large")
    assert describe_place(_box(0.5, 0.5, 0.95), W, H) == PlaceWords("", size="large")
    wide = Box(left=10, top=500, right=890, bottom=590)
    assert describe_place(wide, W, H).position == "bottom"
    tall = Box(left=10, top=10, right=100, bottom=590)
    assert describe_place(tall, W, H).position == "left"


def _rank(subject: Box, *others: Box) -> str:
    return describe_place(subject, W, H, others).rank


def test_order_from_left_to_right():
    row = [_box(x, 0.5) for x in (0.1, 0.35, 0.6, 0.85)]
    assert _rank(row[0], row[3]) == "left"
    assert _rank(row[3], row[0]) == "right"
    assert _rank(row[1], row[0]) == "rightmost", "both are left of the middle"
    assert _rank(row[1], row[0], row[3]) == "middle"
    ranks = [_rank(box, *(o for o in row if o is not box)) for box in row]
    assert ranks == ["leftmost", "second from the left", "second from the right", "rightmost"]


def test_height_and_size_tell_apart_what_order_does_not():
    assert _rank(_box(0.5, 0.2), _box(0.52, 0.8)) == "upper"
    assert _rank(_box(0.52, 0.8), _box(0.5, 0.2)) == "lower"
    assert _rank(_box(0.5, 0.5, 0.3), _box(0.52, 0.52)) == "larger"
    assert _rank(_box(0.5, 0.5), _box(0.52, 0.52, 0.3), _box(0.48, 0.5, 0.35)) == "smallest"


def test_what_nothing_tells_apart_is_not_certain():
    place = describe_place(_box(0.5, 0.5), W, H, [_box(0.52, 0.5)])
    assert not place.certain
    assert place.rank == ""
    assert describe_place(_box(0.5, 0.5), W, H).certain


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [("apple", "an"), ("cup", "a"), ("unicorn", "a"), ("umbrella", "an"), ("hourglass", "an"), ("house", "a"),
     ("8-bit game", "an"), ("European street", "a"), ("one-eyed cat", "a"), ("uninspired photo", "an"), ("ukulele", "a"), ("utensil", "a")],
)  # fmt: skip
def test_articles(phrase, expected):
    assert article(phrase) == expected


@pytest.mark.parametrize("noun", ["scissors", "sunglasses", "people", "red shoes", "books"])
def test_plurals(noun):
    assert is_plural(noun)


@pytest.mark.parametrize("noun", ["bus", "glass", "lens", "vase", "cactus", "wine glass", "dress"])
def test_singulars_that_end_like_plurals(noun):
    assert not is_plural(noun)


def test_small_words():
    assert indefinite("a lake") == "a lake"
    assert indefinite("sunglasses", plural=True) == "some sunglasses"
    assert possessive("the bus") == "the bus's"
    assert possessive("the scissors") == "the scissors'"
    assert pronouns("person").object == "them"
    assert pronouns("dog").possessive == "its"
    assert tidy("  remove  the cup  . ") == "Remove the cup."

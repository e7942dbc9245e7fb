"""The studio papers a background may be swapped for.

Each is saturated enough to keep the name of its colour in its own shade, where a paler one would read as grey.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paper:
    """A seamless studio backdrop: its colour in full light, and the words for it."""

    rgb: tuple[int, int, int]
    phrase: str
    description: str


BACKDROPS: dict[str, Paper] = {
    "light_grey": Paper(
        (205, 206, 208), "a light grey studio backdrop", "seamless paper and soft even light"
    ),
    "warm_beige": Paper(
        (222, 205, 184), "a warm beige studio backdrop", "seamless paper and a soft shadow"
    ),
    "sky_blue": Paper(
        (168, 200, 224), "a pale blue studio backdrop", "seamless paper with a gentle gradient"
    ),
    "sage_green": Paper(
        (176, 192, 168), "a sage green studio backdrop", "muted seamless paper and soft light"
    ),
    "dusty_pink": Paper(
        (226, 190, 188), "a dusty pink studio backdrop", "seamless paper with a soft gradient"
    ),
    "mustard": Paper(
        (214, 172, 84),
        "a mustard yellow studio backdrop",
        "saturated seamless paper, lit from the side",
    ),
    "charcoal": Paper(
        (74, 76, 80), "a charcoal studio backdrop", "dark seamless paper with a lighter floor"
    ),
}
"""Name -> paper."""

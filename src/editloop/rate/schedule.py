"""In which order a rater sees what, and where attention checks stand: all of it follows from one seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from editloop.core.seeds import derive_seed

Purpose: TypeAlias = Literal["rate", "noop", "repeat"]
"""``noop`` shows an unchanged image as if it were edited, ``repeat`` an item that the rater has answered before."""
LEAST_SPACING = 4


class Schedule(BaseModel):
    """How items are handed out.

    Args:
        seed: Gives every rater an order of their own, and sides of pairs.
        raters_an_item: People who are to rate each item.
        checks: Attention checks per rater.
        repeat_gap: Items that lie at least between an item and its repetition.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    raters_an_item: int = Field(default=3, ge=1)
    checks: int = Field(default=0, ge=0)
    repeat_gap: int = Field(default=3, ge=1)

    def order(self, rater: int, word: str) -> int:
        """A number that orders items for one rater, at random and always the same."""
        return derive_seed(self.seed, "rate", rater, word)

    def first(self, rater: int, keys: Sequence[str], word: str = "") -> str:
        """The first of `keys` in the rater's own order."""
        return min(keys, key=lambda key: self.order(rater, f"{word} {key}"))

    def check_at(self, rater: int, place: int, items: int) -> Purpose | None:
        """Which check stands at `place` of the rater's sequence, if any; the kinds take turns."""
        spacing = max(LEAST_SPACING, items // (self.checks + 1))
        for number in range(self.checks):
            jitter = self.order(rater, f"check {number}") % (spacing // 2 + 1)
            if place == 2 + number * spacing + jitter:
                return "repeat" if number % 2 else "noop"
        return None

"""One answer that one person gave about one item: the row that every rating tool exports."""

from __future__ import annotations

from typing import NamedTuple


class Rating(NamedTuple):
    """`score` that `rater` gave to `item` on `axis` (``instruction``, ``overall``, ...), on the native scale."""

    item: str
    rater: str
    axis: str
    score: float

"""A pool of a few cases, made once."""

from __future__ import annotations

import pytest

from editloop.train.judge.pool import Pool, make_pairs
from editloop.world.sampling import cases


@pytest.fixture(scope="session")
def pool() -> Pool:
    """All variants of sixteen cases, at least one of them with a reference picture."""
    return make_pairs(list(cases(3, 16)), seed=1)

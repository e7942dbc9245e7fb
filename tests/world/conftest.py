"""Sampled cases that many tests of the world look at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from editloop.records.taxonomy import DIALOGUE_TYPES
from editloop.world.cases import Case
from editloop.world.dialogues import sample_dialogue
from editloop.world.sampling import EDIT_TYPES, cases


@pytest.fixture(scope="session")
def train_cases() -> tuple[Case, ...]:
    """3,000 training cases by the default weights."""
    return tuple(cases(1, 3000))


@pytest.fixture(scope="session")
def every_type() -> tuple[Case, ...]:
    """Forty training cases of every type."""
    return tuple(cases(2, 40 * len(EDIT_TYPES), edit_types=EDIT_TYPES))


@pytest.fixture(scope="session")
def held_out_cases() -> tuple[Case, ...]:
    """Twenty held-out cases of every type."""
    return tuple(cases(3, 20 * len(EDIT_TYPES), "held_out", EDIT_TYPES))


@pytest.fixture(scope="session")
def dialogues() -> tuple[tuple[Case, ...], ...]:
    """Sixty whole dialogues of every kind."""

    def drawn() -> Iterator[tuple[Case, ...]]:
        rng = np.random.default_rng(4)
        for kind in sorted(DIALOGUE_TYPES):
            for _ in range(60):
                yield sample_dialogue(rng, kind)

    return tuple(drawn())

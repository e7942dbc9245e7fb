"""The base editor's training stream: the same everywhere, and as imperfect as it says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from torch.utils.data import DataLoader

from editloop.models.storybook.pipeline import BLANK
from editloop.models.storybook.text import TURN
from editloop.train.storybook.stream import (
    DRAWING_SHARE,
    Triplet,
    TripletBatches,
    batch_of,
    drawing,
    imperfect_triplets,
)
from editloop.world.imperfect import FLAW_SHARES
from editloop.world.render import render


@pytest.fixture(scope="module")
def triplets() -> list[Triplet]:
    return imperfect_triplets(5, 500)


def test_a_batch_is_the_same_whenever_it_is_made() -> None:
    first, again = batch_of(3, 7, 6), batch_of(3, 7, 6)
    for one, other in zip(first, again, strict=True):
        assert (one.text, one.flaw) == (other.text, other.flaw)
        np.testing.assert_array_equal(one.target, other.target)
    texts = {tuple(t.text for t in batch_of(seed, index, 6)) for seed, index in ((3, 7), (3, 8))}
    assert len(texts | {tuple(t.text for t in batch_of(4, 7, 6))}) == 3


def test_resuming_and_loading_in_workers_change_no_batch() -> None:
    whole = list(TripletBatches(0, 3, 0, 4))
    resumed = list(TripletBatches(0, 3, 2, 4))
    loaded = list(DataLoader(TripletBatches(0, 3, 2, 4), batch_size=None))
    assert [texts for _, texts in whole[2:]] == [texts for _, texts in resumed]
    assert [list(texts) for _, texts in loaded] == [texts for _, texts in resumed]
    assert whole[0][0].shape == (3, 3, 32, 32, 3)
    for (pixels, _), (other, _) in zip(whole[2:], resumed, strict=True):
        np.testing.assert_array_equal(pixels, other)


def test_flaws_are_as_frequent_as_said(triplets: list[Triplet]) -> None:
    found = Counter(triplet.flaw for triplet in triplets)
    count = len(triplets)
    assert set(found) <= {None, *FLAW_SHARES}
    flawed = 1 - found[None] / count
    # A flaw that cannot be made on a scene leaves the triplet right, so shares fall a little short.
    assert 0.5 * sum(FLAW_SHARES.values()) < flawed < sum(FLAW_SHARES.values()) + 0.06
    for flaw, share in FLAW_SHARES.items():
        assert found[flaw] / count <= share + 3.5 * np.sqrt(share * (1 - share) / count)
    assert found["no_op"] > 0.5 * FLAW_SHARES["no_op"] * count


def test_a_flaw_shows_and_a_right_edit_is_the_true_one(triplets: list[Triplet]) -> None:
    for triplet in triplets[:120]:
        assert triplet.case is not None
        target = render(triplet.case.target, 32)
        assert (triplet.flaw is None) == bool((triplet.target == target).all())
        if triplet.flaw == "no_op":
            np.testing.assert_array_equal(triplet.target, triplet.source)


def test_dialogues_and_references_are_told(triplets: list[Triplet]) -> None:
    dialogues = [t for t in triplets if t.case is not None and t.case.context]
    shown = [t for t in triplets if t.case is not None and t.case.references]
    assert dialogues
    assert shown
    assert all(t.text.count(TURN) == len(t.case.context) for t in dialogues if t.case)
    assert all((t.reference != BLANK).any() for t in shown)
    plain = next(t for t in triplets if t.case is not None and not t.case.references)
    assert (plain.reference == BLANK).all()


def test_drawings_begin_with_nothing() -> None:
    sample = drawing(np.random.default_rng(0))
    assert (sample.source == BLANK).all()
    assert (sample.target != BLANK).any()
    assert sample.text.startswith("draw")
    batches = [batch_of(0, index, 20) for index in range(10)]
    drawn = sum(triplet.case is None for batch in batches for triplet in batch)
    assert abs(drawn / 200 - DRAWING_SHARE) < 0.08


def test_flaws_come_late() -> None:
    early = [t for index in range(20) for t in batch_of(0, index, 8, flawed_from=20)]
    assert all(triplet.flaw is None for triplet in early)
    for triplet in early:
        if triplet.case:
            np.testing.assert_array_equal(triplet.target, render(triplet.case.target))
    late = [t for index in range(20, 40) for t in batch_of(0, index, 8, flawed_from=20)]
    assert any(triplet.flaw for triplet in late)

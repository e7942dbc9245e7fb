"""Every planted flaw is there, is visible, and leaves the rest of the triplet alone."""

from __future__ import annotations

import numpy as np
import pytest
from tests.judges.pictures import disc_mask, textured, with_thing

from editloop.core.seeds import generator
from editloop.judges.base import JudgeRequest
from editloop.judges.corruptors import FLAWS, Specimen
from editloop.judges.evidence.pixels import grow
from editloop.records.taxonomy import EditType

CENTRE = (110, 150)
MASK = grow(disc_mask(CENTRE, 36), 4)


@pytest.fixture(scope="module")
def specimens(meadow):
    fruit = with_thing(meadow, "apple", CENTRE)
    other = with_thing(textured(4), "car", (250, 120))
    return {
        EditType.REMOVE: Specimen(
            JudgeRequest(fruit, "Remove the apple.", meadow, MASK), EditType.REMOVE
        ),
        EditType.ADJUST: Specimen(
            JudgeRequest(fruit, "Make the apple blue.", with_thing(meadow, "car", CENTRE), MASK),
            EditType.ADJUST,
        ),
        EditType.REPLACE: Specimen(
            JudgeRequest(
                fruit,
                "Replace the apple with a banana.",
                with_thing(meadow, "banana", CENTRE),
                MASK,
            ),
            EditType.REPLACE,
        ),
        EditType.TONE: Specimen(
            JudgeRequest(other, "Make it darker.", (other * 0.5).astype(np.uint8)), EditType.TONE
        ),
    }


def _plant(name, specimens, kind):
    good = specimens[kind]
    others = [specimen for key, specimen in specimens.items() if key is not kind]
    return good.request, FLAWS[name](good, others, generator(0, name))


@pytest.mark.parametrize("name", FLAWS)
@pytest.mark.parametrize(
    "kind", [EditType.REMOVE, EditType.ADJUST, EditType.REPLACE, EditType.TONE]
)
def test_a_flaw_changes_the_triplet_visibly_or_not_at_all(specimens, name, kind):
    good, broken = _plant(name, specimens, kind)
    if broken is None:
        return
    assert broken.edited.shape == good.source.shape
    assert broken.edited.dtype == np.uint8
    np.testing.assert_array_equal(broken.source, good.source)
    if name == "swapped_instruction":
        assert broken.instruction != good.instruction
        np.testing.assert_array_equal(broken.edited, good.edited)
    else:
        assert broken.instruction == good.instruction
        assert np.abs(broken.edited.astype(int) - good.edited).max() > 20


@pytest.mark.parametrize("name", FLAWS)
def test_the_same_seed_plants_the_same_flaw(specimens, name):
    _, first = _plant(name, specimens, EditType.REMOVE)
    _, second = _plant(name, specimens, EditType.REMOVE)
    if first is not None:
        np.testing.assert_array_equal(first.edited, second.edited)
        assert first.instruction == second.instruction


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("wrong_object", EditType.TONE),
        ("wrong_colour", EditType.REMOVE),
        ("half_done", EditType.ADJUST),
        ("damage_outside", EditType.TONE),
        ("shifted_outside", EditType.TONE),
        ("heavy_seam", EditType.TONE),
    ],
)
def test_flaws_that_make_no_sense_are_not_planted(specimens, name, kind):
    assert _plant(name, specimens, kind)[1] is None


def test_the_wrong_object_leaves_the_named_one_untouched(specimens):
    good, broken = _plant("wrong_object", specimens, EditType.ADJUST)
    np.testing.assert_array_equal(
        broken.edited[disc_mask(CENTRE, 20)], good.source[disc_mask(CENTRE, 20)]
    )
    assert broken.mask.sum() == good.mask.sum()
    assert not (broken.mask & disc_mask(CENTRE, 20)).any()


def test_half_done_keeps_about_half(specimens):
    good, broken = _plant("half_done", specimens, EditType.REMOVE)
    thing = disc_mask(CENTRE, 34)
    left = (np.abs(broken.edited.astype(int) - good.source).max(axis=2) < 3)[thing].mean()
    assert 0.3 < left < 0.7


def test_damage_lies_outside_the_mask(specimens):
    good, broken = _plant("damage_outside", specimens, EditType.REMOVE)
    touched = np.abs(broken.edited.astype(int) - good.edited).max(axis=2) > 0
    assert not (touched & good.mask).any()
    assert 0.01 < touched.mean() < 0.08


def test_a_cast_leaves_the_edit_alone(specimens):
    good, broken = _plant("shifted_outside", specimens, EditType.REMOVE)
    inner = disc_mask(CENTRE, 28)
    np.testing.assert_allclose(broken.edited[inner], good.edited[inner], atol=2)
    assert np.abs(broken.edited[~good.mask].astype(int) - good.edited[~good.mask]).mean() > 5


def test_without_strangers_nothing_can_be_swapped(specimens):
    good = specimens[EditType.REMOVE]
    for name in ("swapped_instruction", "other_photo"):
        assert FLAWS[name](good, [], generator(0)) is None
        assert FLAWS[name](good, [good], generator(0)) is None

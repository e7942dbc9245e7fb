"""The background blurs, the object does not."""

import numpy as np
import pytest

from editloop.core.errors import BadInputError, UnknownNameError
from editloop.models.editors.procedural.bokeh import STRENGTHS, background_sharpness, bokeh


@pytest.fixture
def busy(build_scene):
    return build_scene(centre=(192, 200), axes=(60, 70))


@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_background_loses_detail_and_the_object_keeps_its_bytes(busy, strength):
    result = bokeh(busy.image, busy.matte, strength)
    core = busy.matte >= 0.999
    assert np.array_equal(result.image[core], busy.image[core])
    assert result.facts["sharpness_after"] < 0.7 * result.facts["sharpness_before"]
    assert result.changed[:80].mean() > 0.5


def test_the_ground_at_the_foot_stays_sharp(busy):
    result = bokeh(busy.image, busy.matte).image.astype(int)
    foot = busy.box.bottom

    def moved(row):
        return np.abs(result[row - 3 : row + 3, :100] - busy.image[row - 3 : row + 3, :100]).mean()

    assert moved(foot) < 0.5
    assert moved(60) > 3


def test_nothing_of_the_object_bleeds_into_the_blur(busy):
    result = bokeh(busy.image, busy.matte, "strong").image.astype(int)
    ring = (busy.matte == 0) & np.roll(busy.matte > 0.5, -8, axis=0)
    redness = (result[..., 0] - result[..., 1])[ring].mean()
    clean = (busy.clean[..., 0].astype(int) - busy.clean[..., 1])[ring].mean()
    assert abs(redness - clean) < 6


def test_equal_seeds_agree(busy):
    first, second, third = (bokeh(busy.image, busy.matte, seed=seed).image for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_a_blurred_background_is_refused(busy):
    blurred = busy.image.copy()
    blurred[busy.matte == 0] = (120, 118, 112)
    assert background_sharpness(blurred, busy.matte) < 0.05
    with pytest.raises(BadInputError) as refusal:
        bokeh(blurred, busy.matte)
    assert refusal.value.reason == "already_blurred"


def test_an_undecided_matte_is_refused(busy):
    vague = busy.matte.copy()
    vague[:, 192:] *= 0.5
    with pytest.raises(BadInputError) as refusal:
        bokeh(busy.image, vague)
    assert refusal.value.reason == "uncertain_matte"


def test_unknown_strengths_are_named(busy):
    with pytest.raises(UnknownNameError, match="strong"):
        bokeh(busy.image, busy.matte, "stronk")

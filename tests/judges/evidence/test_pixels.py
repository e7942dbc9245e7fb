"""Change maps and similarity on pictures whose differences are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from tests.judges.pictures import disc_mask, with_thing

from editloop.judges.evidence.config import EvidenceConfig
from editloop.judges.evidence.pixels import clean_map, correlation, make_pair, ssim_map

CONFIG = EvidenceConfig()


def _jpeg(image, quality):
    data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


@pytest.mark.parametrize("quality", [85, 92, 98])
def test_compression_is_no_change(meadow, quality):
    assert make_pair(meadow, _jpeg(meadow, quality), None, CONFIG).changed.mean() < 0.002


def test_the_change_map_is_where_the_change_is(meadow):
    pair = make_pair(meadow, _jpeg(with_thing(meadow, "apple", (120, 150)), 92), None, CONFIG)
    truth = disc_mask((120, 150), 36)
    overlap = (pair.changed & truth).sum() / (pair.changed | truth).sum()
    assert overlap > 0.9


def test_images_are_compared_at_working_size(meadow):
    large = cv2.resize(meadow, (1600, 1200), interpolation=cv2.INTER_CUBIC)
    mask = np.zeros((1200, 1600), bool)
    mask[:, :800] = True
    pair = make_pair(large, meadow, mask, CONFIG)
    assert pair.source.shape == pair.edited.shape == (384, 512, 3)
    assert pair.mask.mean() == pytest.approx(0.5, abs=0.01)
    assert pair.changed.mean() < 0.02
    assert pair.shape_ratio == pytest.approx(1.0)


def test_another_shape_is_noticed(meadow):
    assert make_pair(meadow, meadow[:, :300], None, CONFIG).shape_ratio == pytest.approx(0.75)


def test_specks_are_dropped_and_gaps_closed():
    rough = np.zeros((200, 200), bool)
    rough[50:90, 50:90] = True
    rough[70, 50:90] = False
    rough[150, 150] = True
    tidy = clean_map(rough, 0.0004)
    assert tidy[70, 70]
    assert not tidy[150, 150]


def test_similarity_is_one_for_equal_and_near_zero_for_unrelated_noise():
    rng = np.random.default_rng(1)
    first, second = (rng.uniform(0, 100, (64, 64)).astype(np.float32) for _ in range(2))
    assert ssim_map(first, first).min() == pytest.approx(1.0, abs=1e-4)
    assert abs(ssim_map(first, second).mean()) < 0.1


def test_correlation_of_flat_planes_is_zero_and_of_equal_ones_one():
    ramp = np.tile(np.arange(32, dtype=np.float32), (32, 1))
    assert correlation(ramp, ramp) == pytest.approx(1.0)
    assert correlation(ramp, 5 - 2 * ramp) == pytest.approx(-1.0)
    assert correlation(ramp, np.ones_like(ramp)) == 0.0

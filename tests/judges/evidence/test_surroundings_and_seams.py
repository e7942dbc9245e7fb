"""Damage outside, mirrored and foreign scenes, and seams, planted one at a time."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from tests.judges.pictures import disc_mask, textured, with_thing

from editloop.judges.evidence.config import EvidenceConfig
from editloop.judges.evidence.pixels import grow, make_pair
from editloop.judges.evidence.seams import seam_evidence
from editloop.judges.evidence.surroundings import (
    change_spread,
    layout_evidence,
    outside_evidence,
    structure_kept,
)

CONFIG = EvidenceConfig()
CENTRE = (120, 150)
MASK = grow(disc_mask(CENTRE, 36), 4)


@pytest.fixture
def edited(meadow):
    return with_thing(meadow, "apple", CENTRE)


def test_a_clean_local_edit_leaves_the_outside_alone(meadow, edited):
    found = outside_evidence(make_pair(meadow, edited, MASK, CONFIG), MASK)
    assert found["outside_similarity"] > 0.999
    assert found["outside_blob_frac"] == found["outside_rewritten_frac"] == 0.0
    assert found["outside_shift"] < 0.1


def test_damage_elsewhere_is_measured_by_its_size(meadow, edited):
    small, large = edited.copy(), edited.copy()
    small[200:220, 300:320] = 255
    large[200:260, 300:360] = 255
    sizes = [
        outside_evidence(make_pair(meadow, image, MASK, CONFIG), MASK)["outside_blob_frac"]
        for image in (small, large)
    ]
    assert sizes[0] == pytest.approx(400 / 120_000, rel=0.35)
    assert sizes[1] == pytest.approx(3600 / 120_000, rel=0.2)


def test_rewritten_texture_of_the_same_colour_is_damage(meadow, edited):
    broken = edited.copy()
    broken[180:280, 250:380] = textured(seed=9)[180:280, 250:380]
    found = outside_evidence(make_pair(meadow, broken, MASK, CONFIG), MASK)
    assert found["outside_rewritten_frac"] > 0.02


def test_a_cast_shifts_the_outside(meadow, edited):
    cast = np.clip(edited.astype(int) + np.array([18, 0, -18]), 0, 255).astype(np.uint8)
    assert outside_evidence(make_pair(meadow, cast, MASK, CONFIG), MASK)["outside_shift"] > 8


def test_a_mask_of_everything_has_no_outside(meadow, edited):
    everything = np.ones(meadow.shape[:2], bool)
    found = outside_evidence(make_pair(meadow, edited, everything, CONFIG), everything)
    assert set(found) == {"outside_frac"}


def test_layout_tells_same_other_and_mirrored_scenes_apart(meadow, edited):
    same = layout_evidence(
        make_pair(edited, np.clip(edited * 0.7, 0, 255).astype(np.uint8), None, CONFIG)
    )
    other = layout_evidence(make_pair(edited, textured(seed=5), None, CONFIG))
    mirror = layout_evidence(make_pair(edited, np.ascontiguousarray(edited[:, ::-1]), None, CONFIG))
    assert same["layout"] > 0.9
    assert same["mirrored"] < -0.3
    assert other["layout"] < 0.35
    assert other["layout_gone"] > 0.4
    assert mirror["mirrored"] > 0.3


def test_a_plain_wall_has_no_layout():
    wall = np.full((120, 160, 3), 128, np.uint8)
    assert layout_evidence(make_pair(wall, wall, None, CONFIG)) == {}


def test_spread_tells_a_new_look_from_a_new_thing(meadow, edited):
    assert change_spread(make_pair(meadow, edited, None, CONFIG)) < 0.3
    assert change_spread(make_pair(meadow, 255 - meadow, None, CONFIG)) == 1.0


def test_structure_survives_new_colours_but_not_new_content(meadow, edited):
    recoloured = edited[..., ::-1].copy()
    assert structure_kept(make_pair(edited, recoloured, None, CONFIG)) > 0.8
    assert structure_kept(make_pair(edited, textured(seed=5), None, CONFIG)) < 0.3


def test_a_soft_paste_with_margin_shows_no_seam(meadow, edited):
    found = seam_evidence(make_pair(meadow, edited, MASK, CONFIG), MASK)
    assert found["seam_step"] < CONFIG.seam_step_declared[1]


def test_a_rim_of_foreign_pixels_is_a_seam_and_a_halo(meadow, edited):
    ring = grow(MASK, 5) & ~MASK
    broken = np.where(ring[..., None], np.uint8(250), edited)
    mask = grow(MASK, 6)
    clean = seam_evidence(make_pair(meadow, edited, mask, CONFIG), mask)
    found = seam_evidence(make_pair(meadow, broken, mask, CONFIG), mask)
    assert found["seam_step"] > CONFIG.seam_step_declared[0]
    assert found["halo"] > clean["halo"] + 3


def test_a_pasted_rectangle_has_straight_edges(meadow):
    patch = np.zeros(meadow.shape[:2], bool)
    patch[80:200, 100:260] = True
    darker = np.where(patch[..., None], (meadow * 0.2).astype(np.uint8), meadow)
    soft = cv2.GaussianBlur(patch.astype(np.float32), (0, 0), 12)[..., None]
    blended = (meadow * (1 - 0.6 * soft)).astype(np.uint8)
    hard = seam_evidence(make_pair(meadow, darker, None, CONFIG), patch)
    mild = seam_evidence(make_pair(meadow, blended, None, CONFIG), patch)
    assert hard["straight_seam"] > 0.7
    assert mild["straight_seam"] < 0.2


def test_a_region_without_border_has_no_seam(meadow):
    nowhere = np.zeros(meadow.shape[:2], bool)
    assert seam_evidence(make_pair(meadow, meadow, None, CONFIG), nowhere) == {}

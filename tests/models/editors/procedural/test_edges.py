import numpy as np
import pytest

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural import edges


def test_composite_leaves_bytes_outside_the_matte(scene):
    result = edges.composite(scene.image, np.zeros_like(scene.image), scene.matte)
    outside = scene.matte == 0
    assert (result[outside] == scene.image[outside]).all()
    assert (result[scene.matte == 1] == 0).all()


def test_dominant_piece_prefers_the_box(build_matte):
    small, large = (
        build_matte((200, 200), (40, 40), (15, 15)),
        build_matte((200, 200), (130, 130), (40, 40)),
    )
    both = np.maximum(small, large)
    largest, share = edges.dominant_piece(both)
    assert largest[130, 130] == 1
    assert largest[40, 40] == 0
    assert 0.8 < share < 0.95
    chosen, _ = edges.dominant_piece(both, edges.bounding_box(small > 0.5))
    assert chosen[40, 40] == 1
    assert chosen[130, 130] == 0


def test_foreground_colours_take_the_background_out_of_a_soft_edge():
    ramp = np.clip((np.arange(384) - 192) / 5 + 0.5, 0, 1)
    matte = np.broadcast_to(ramp, (384, 384)).astype(np.float32)
    red, green = np.array([220.0, 20, 20]), np.array([20.0, 200, 20])
    image = np.rint(matte[..., None] * red + (1 - matte[..., None]) * green).astype(np.uint8)
    colours = edges.foreground_colours(image, matte)
    half = (matte > 0.4) & (matte < 0.6)
    assert abs(colours[half].mean(0) - red).max() < 25
    assert abs(image[half].mean(0) - red).max() > 70


def test_matte_quality_tells_crisp_from_soft(scene):
    crisp, soft = edges.matte_quality(scene.matte), edges.matte_quality(edges.blur(scene.matte, 8))
    assert crisp.edge_width_px < soft.edge_width_px / 2
    assert crisp.interior_opacity > 0.99
    assert crisp.dominance == 1


def test_stance_measures_support_and_hidden_feet():
    block = np.zeros((200, 200), bool)
    block[60:160, 60:140] = True
    assert edges.stance(block).stable
    leaning = block.copy()
    leaning[160:190, 62:70] = True
    assert not edges.stance(leaning).stable
    grassy = block.copy()
    grassy[150:160, 60:140:6] = False
    grassy[150:160, 61:140:6] = False
    assert edges.stance(grassy).notches > 0.115 > edges.stance(block).notches


@pytest.mark.parametrize(
    ("image", "matte", "reason"),
    [
        (np.zeros((100, 100), np.uint8), np.zeros((100, 100), np.float32), "not_rgb"),
        (np.zeros((100, 100, 3), np.uint8), np.zeros((90, 100), np.float32), "matte_mismatch"),
    ],
)
def test_bad_pairs_are_refused(image, matte, reason):
    with pytest.raises(BadInputError) as caught:
        edges.check_pair(image, matte)
    assert caught.value.reason == reason


def test_empty_matte_is_refused():
    with pytest.raises(BadInputError, match="empty_matte"):
        edges.dominant_piece(np.zeros((50, 50), np.float32))

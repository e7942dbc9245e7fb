"""Small synthetic photographs with known objects."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from editloop.records.record import Box


@dataclass(frozen=True)
class Scene:
    """A photograph of one object, with the truth."""

    image: np.ndarray
    matte: np.ndarray
    clean: np.ndarray
    box: Box


def textured(shape, colour, seed, strength=9.0):
    """Ground with fine and coarse texture."""
    rng = np.random.default_rng(seed)
    fine = cv2.GaussianBlur(rng.standard_normal(shape).astype(np.float32), (0, 0), 0.8)
    coarse = cv2.GaussianBlur(rng.standard_normal(shape).astype(np.float32), (0, 0), 4)
    texture = strength * (fine / fine.std() + 0.6 * coarse / coarse.std())
    return np.clip(np.array(colour, np.float32) + texture[..., None], 0, 255).astype(np.uint8)


def soft_ellipse(shape, centre, axes):
    """Matte of an ellipse with a rim of about two pixels."""
    big = np.zeros((shape[0] * 4, shape[1] * 4), np.uint8)
    cv2.ellipse(big, (centre[0] * 4, centre[1] * 4), (axes[0] * 4, axes[1] * 4), 0, 0, 360, 255, -1)
    small = cv2.resize(big, shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return cv2.GaussianBlur(small, (0, 0), 0.7)


def make_scene(shape=(384, 384), centre=(192, 220), axes=(60, 70), ground=(120, 118, 112), seed=0):
    """A shaded red egg on textured ground."""
    clean = textured(shape, ground, seed)
    matte = soft_ellipse(shape, centre, axes)
    shade = np.linspace(1.1, 0.75, shape[0], dtype=np.float32)[:, None, None]
    egg = np.clip(textured(shape, (190, 40, 40), seed + 1, 4.0) * shade, 0, 255)
    image = np.rint(clean * (1 - matte[..., None]) + egg * matte[..., None]).astype(np.uint8)
    box = Box(
        left=centre[0] - axes[0],
        top=centre[1] - axes[1],
        right=centre[0] + axes[0],
        bottom=centre[1] + axes[1],
    )
    return Scene(image, matte, clean, box)


@pytest.fixture
def scene():
    return make_scene()


@pytest.fixture
def build_scene():
    return make_scene


@pytest.fixture
def build_ground():
    return textured


@pytest.fixture
def build_matte():
    return soft_ellipse

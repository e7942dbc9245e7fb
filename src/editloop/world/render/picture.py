"""A scene as pixels, and which of them belong to which object."""

from __future__ import annotations

import numpy as np

from editloop.core.errors import UsageError
from editloop.models.roles import Mask, RgbImage
from editloop.world.render.backgrounds import background_pixels
from editloop.world.render.looks import lit, out_of_focus, styled, toned, worn
from editloop.world.render.palette import FloatImage
from editloop.world.render.sprites import sprite
from editloop.world.scenes import Scene, SceneObject

SMALLEST = 16
"""Below this side no kind can be told from another."""
_MOSTLY = 0.5


def render(scene: Scene, size: int = 32) -> RgbImage:
    """Draw the scene, anti-aliased, and apply its looks in the order that `Scene` gives.

    Returns:
        A new array, shape (size, size, 3), red, green and blue in 0..255: the same one for the same scene and size.

    Raises:
        UsageError: `size` is below 16, or `focus` names an object that is not there.
    """
    _check_size(size)
    pixels = background_pixels(scene.background, size).copy()
    if scene.focus is None:
        _lay(pixels, scene.objects)
    else:
        pixels = _focused(pixels, scene, scene.focus)
    if scene.light is not None:
        pixels = lit(pixels, scene.light)
    if scene.tone is not None:
        pixels = toned(pixels, scene.tone)
    if scene.style is not None:
        pixels = styled(pixels, scene.style)
    if scene.wear is not None:
        # Damage falls on a picture that has already been clipped to what a file can hold.
        pixels = worn(np.clip(pixels, 0, 255), scene.wear, scene.wear_seed)
    return np.asarray(np.clip(pixels, 0, 255) + 0.5, np.uint8)


def object_alpha(scene: Scene, index: int, size: int = 32) -> FloatImage:
    """How much of each pixel shows that object, 0..1, shape (size, size); what stands before it counts as not it.

    Raises:
        UsageError: There is no object of that index, or `size` is below 16.
    """
    _check_size(size)
    _check_index(scene, index)
    own = sprite(scene.objects[index], size)
    alpha = np.zeros((size, size, 1), np.float32)
    alpha[own.rows, own.columns] = own.alpha
    for front in scene.objects[index + 1 :]:
        cover = sprite(front, size)
        alpha[cover.rows, cover.columns] *= 1 - cover.alpha
    return alpha[..., 0]


def object_mask(scene: Scene, index: int, size: int = 32) -> Mask:
    """Pixels of which at least half show that object, shape (size, size); `object_alpha` has the rim too.

    Raises:
        UsageError: There is no object of that index, or `size` is below 16.
    """
    return np.asarray(object_alpha(scene, index, size) >= _MOSTLY)


def _lay(pixels: FloatImage, objects: tuple[SceneObject, ...]) -> None:
    for thing in objects:
        drawn = sprite(thing, pixels.shape[0])
        window = pixels[drawn.rows, drawn.columns]
        window *= 1 - drawn.alpha
        window += drawn.rgb


def _focused(pixels: FloatImage, scene: Scene, index: int) -> FloatImage:
    """Everything else blurred as if the object were not there, so that it has no halo, then the object where it is seen."""
    size = pixels.shape[0]
    seen = object_alpha(scene, index, size)[..., None]
    _lay(pixels, scene.objects[:index] + scene.objects[index + 1 :])
    pixels = out_of_focus(pixels)
    drawn = sprite(scene.objects[index], size)
    window = pixels[drawn.rows, drawn.columns]
    share = seen[drawn.rows, drawn.columns]
    window *= 1 - share
    window += drawn.rgb * (share / np.maximum(drawn.alpha, 1e-6))
    return pixels


def _check_size(size: int) -> None:
    if size < SMALLEST:
        raise UsageError(f"a storybook picture of {size} px; give at least {SMALLEST}")


def _check_index(scene: Scene, index: int) -> None:
    if not 0 <= index < len(scene.objects):
        raise UsageError(
            f"object {index} of a scene that holds {len(scene.objects)}; indices start at 0"
        )

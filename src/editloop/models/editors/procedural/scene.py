"""What can be read from a photograph without a model: sky, foliage, a studio backdrop, distance."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from editloop.models.editors.procedural import pixels
from editloop.models.editors.procedural.colours import chroma, hue, oklab
from editloop.models.editors.procedural.pixels import Plane, Planes
from editloop.models.roles import Matte, RgbImage


@dataclass(frozen=True, slots=True)
class Scene:
    """What the tones need to know about a photograph."""

    image: RgbImage
    lab: Planes
    """The picture in OKLab."""
    sky: Plane
    """Soft membership of sky, (h, w) in [0, 1]."""
    green: Plane
    """Soft membership of foliage and grass, (h, w) in [0, 1]."""
    near: Plane
    """Soft membership of the main object, (h, w) in [0, 1]; all 0 where the caller gave none."""
    plain_border: bool
    """Whether the frame's border is one flat, very bright or very dark tone (a studio shot)."""

    @property
    def open_air(self) -> bool:
        """Whether blue sky or much green says that the picture was taken outdoors."""
        blue_sky = self.sky * (self.lab[..., 2] < -0.02)
        return bool(not self.plain_border and (blue_sky.mean() > 0.08 or self.green.mean() > 0.10))


def _sky(image: RgbImage, lab: Planes) -> Plane:
    """Bright, smooth or blue area connected with the top edge."""
    factor = 256 / min(image.shape[:2])
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    small = np.asarray(cv2.resize(lab, size, interpolation=cv2.INTER_AREA), np.float32)
    lightness, blue = small[..., 0], -small[..., 2]
    rough = pixels.blur(np.abs(lightness - pixels.blur(lightness, 2.0)), 2.0)
    likely = (rough < 0.03) & (
        ((lightness > 0.72) & (small[..., 2] < 0.045)) | ((blue > 0.02) & (lightness > 0.4))
    )
    _, labels = cv2.connectedComponents(likely.astype(np.uint8), connectivity=4)
    touching = np.unique(labels[:2][likely[:2]])
    sky = np.isin(labels, touching[touching > 0]).astype(np.float32)
    return _to_the_edges(sky, lab)


def _to_the_edges(sky: Plane, lab: Planes) -> Plane:
    """A coarse sky mask brought to full size and grown up to the outlines of what stands before the sky.

    A pixel near the mask is sky in the measure that it looks like the sky next to it; masks that merely are smooth leave
    a bright rim around mountains and trees as soon as the sky is darkened.
    """
    factor = pixels.size_factor(lab)
    size = (lab.shape[1], lab.shape[0])
    core = np.asarray(cv2.resize(sky, size, interpolation=cv2.INTER_LINEAR), np.float32)
    reach = 14 * factor
    weight = pixels.blur(core, reach)
    local = pixels.blur(lab * core[..., None], reach) / np.maximum(weight, 1e-3)[..., None]
    alike = 1 - pixels.smoothstep(np.linalg.norm(lab - local, axis=2), 0.07, 0.17)
    near = pixels.smoothstep(weight, 0.02, 0.10)
    return pixels.clipped(np.maximum(near * alike, pixels.smoothstep(weight, 0.9, 1.0) * core))


def _green(image: RgbImage, lab: Planes) -> Plane:
    angle, strength = hue(lab), chroma(lab)
    member = (
        pixels.smoothstep(angle, 92, 106)
        * (1 - pixels.smoothstep(angle, 150, 172))
        * pixels.smoothstep(strength, 0.025, 0.05)
    )
    guided = cv2.ximgproc.guidedFilter(
        pixels.unit(image), member, max(2, round(4 * pixels.size_factor(image))), 1e-3
    )
    return np.clip(np.asarray(guided, np.float32), 0, 1)


def _plain_border(lab: Planes) -> bool:
    edge = max(2, min(lab.shape[:2]) // 25)
    border = np.concatenate(
        [lab[:edge].reshape(-1, 3), lab[:, :edge].reshape(-1, 3), lab[:, -edge:].reshape(-1, 3)]
    )
    lightness = border[:, 0]
    flat = float(np.percentile(lightness, 90) - np.percentile(lightness, 10)) < 0.16
    pale = chroma(border).mean() < 0.02 and lightness.mean() > 0.82
    return bool(flat and (pale or lightness.mean() < 0.12))


def read_scene(image: RgbImage, matte: Matte | None = None) -> Scene:
    """Sky, foliage and backdrop of a photograph.

    Args:
        image: RGB uint8 (h, w, 3).
        matte: The main object where it is known, float32 (h, w) in [0, 1]; it is neither sky nor foliage nor far away.
    """
    lab = oklab(image)
    near = np.zeros(image.shape[:2], np.float32) if matte is None else matte
    return Scene(
        image=image,
        lab=lab,
        sky=_sky(image, lab) * (1 - near),
        green=_green(image, lab) * (1 - near),
        near=near,
        plain_border=_plain_border(lab),
    )


def distance(scene: Scene) -> Plane:
    """A guess at relative distance from height in the frame, sky and haze: 0 near, 1 far."""
    image = scene.image
    rows = np.linspace(1, 0, image.shape[0], dtype=np.float32)[:, None]
    darkest = cv2.erode(pixels.unit(image).min(axis=2), np.ones((9, 9), np.uint8))
    hazy = cv2.ximgproc.guidedFilter(
        pixels.unit(image), darkest, max(8, round(30 * pixels.size_factor(image))), 1e-3
    )
    ground = pixels.smoothstep(np.broadcast_to(rows, image.shape[:2]), -0.1, 0.8)
    far = np.maximum(ground * (0.65 + 0.5 * np.asarray(hazy)), scene.sky) * (1 - 0.85 * scene.near)
    return pixels.clipped(far)

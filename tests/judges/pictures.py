"""Pictures with known truth, and small models that really look at them."""

from __future__ import annotations

import cv2
import numpy as np

from editloop.models.roles import Detection, ModelIdentity, Tag
from editloop.records.record import Box

HEIGHT, WIDTH = 300, 400
THINGS = {"apple": (200, 30, 35), "banana": (240, 205, 40), "car": (40, 90, 205)}
"""What the little detector knows, by paint."""
NEAR = 60


def textured(seed: int = 0) -> np.ndarray:
    """A green meadow with broad shadows and fine grain, uint8 (300, 400, 3)."""
    rng = np.random.default_rng(seed)
    broad = cv2.GaussianBlur(rng.normal(0, 1, (HEIGHT, WIDTH)), (0, 0), 18)
    fine = cv2.GaussianBlur(rng.normal(0, 1, (HEIGHT, WIDTH)), (0, 0), 1)
    light = 110 + 260 * broad + 60 * fine
    return np.clip(light[..., None] * [0.75, 1.0, 0.6], 0, 255).astype(np.uint8)


def with_thing(
    picture: np.ndarray, name: str, centre: tuple[int, int], radius: int = 36
) -> np.ndarray:
    """A shaded ball of the thing's paint with soft edges."""
    yy, xx = np.mgrid[: picture.shape[0], : picture.shape[1]]
    distance = np.hypot(xx - centre[0], yy - centre[1])
    alpha = np.clip((radius - distance) / 1.5, 0, 1)[..., None]
    grain = np.sin(xx / 1.5) * np.cos(yy / 1.9)
    shade = (1.08 - 0.25 * (distance / radius) ** 2 + 0.12 * grain)[..., None]
    ball = np.clip(np.array(THINGS[name]) * shade, 0, 255)
    return (picture * (1 - alpha) + ball * alpha + 0.5).astype(np.uint8)


def disc_mask(centre: tuple[int, int], radius: int) -> np.ndarray:
    """A round mask, bool (300, 400)."""
    yy, xx = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot(xx - centre[0], yy - centre[1]) <= radius


def _paint_map(image: np.ndarray, paint: tuple[int, int, int]) -> np.ndarray:
    return np.abs(image.astype(int) - paint).max(axis=2) < NEAR


class PaintDetector:
    """Finds balls by their paint; the score is how well the blob fills its box."""

    identity = ModelIdentity("test:paint-detector", "1")

    def detect(self, image, *, threshold=0.3):
        """Every blob of a known paint."""
        found = []
        for label, paint in THINGS.items():
            _, _, stats, _ = cv2.connectedComponentsWithStats(
                _paint_map(image, paint).astype(np.uint8)
            )
            for left, top, width, height, area in stats[1:]:
                score = min(1.0, area / (0.75 * width * height))
                if area > 150 and score >= threshold:
                    box = Box(left=left, top=top, right=left + width, bottom=top + height)
                    found.append(Detection(label, float(score), box))
        return sorted(found, key=lambda d: -d.score)


class PaintTagger:
    """Names crops by the share of each paint."""

    identity = ModelIdentity("test:paint-tagger", "1")

    def _shares(self, image):
        return {name: float(_paint_map(image, paint).mean()) for name, paint in THINGS.items()}

    def tags(self, images, top=5):
        """Paints by share."""
        return [
            [
                Tag(name, share)
                for name, share in sorted(self._shares(image).items(), key=lambda kv: -kv[1])
            ][:top]
            for image in images
        ]

    def probabilities(self, images):
        """Paints as the first of 1,000 classes, the rest of the mass on one class of no paint."""
        rows = np.zeros((len(images), 1000), np.float32)
        for row, image in zip(rows, images, strict=True):
            shares = list(self._shares(image).values())
            row[: len(shares)] = shares
            row[-1] = 1 - sum(shares)
        return rows

    def similarity(self, images, texts):
        """Share of the paint that a text names."""
        return np.array(
            [[self._shares(image).get(text, 0.0) for text in texts] for image in images], np.float32
        )


class EdgeQuality:
    """Quality as the strength of fine detail."""

    identity = ModelIdentity("test:edge-quality", "1")

    def quality(self, image):
        """0..1."""
        return float(np.clip(cv2.Laplacian(image, cv2.CV_32F).std() / 40, 0, 1))

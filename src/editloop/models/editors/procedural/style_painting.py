"""Painted styles: oil, watercolour, pointillism."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.models.editors.procedural import pixels, strokes
from editloop.models.editors.procedural.pixels import Plane, Planes
from editloop.models.roles import RgbImage


def _brush_layer(
    canvas: NDArray[np.uint8],
    reference: RgbImage,
    angle: Plane,
    width: float,
    chosen: NDArray[np.bool_],
    rng: np.random.Generator,
) -> None:
    """Lays one size of short, slightly bent strokes over the canvas, in random order.

    Args:
        canvas: The painting so far, uint8 (h, w, 4), changed in place: colour and thickness of paint.
        reference: Where stroke colours come from.
        angle: Stroke direction in radians.
        width: Stroke width in pixels.
        chosen: Where strokes of this size may start.
        rng: Order, jitter and colour variation.
    """
    step = max(2.0, width * 0.95)
    rows, columns = np.meshgrid(
        np.arange(step / 2, canvas.shape[0], step),
        np.arange(step / 2, canvas.shape[1], step),
        indexing="ij",
    )
    points = np.stack([columns.ravel(), rows.ravel()], axis=1)
    points += rng.uniform(-0.5, 0.5, points.shape) * step
    points = np.clip(points, 0, [canvas.shape[1] - 1, canvas.shape[0] - 1])
    whole = points.astype(np.int64)
    points = points[chosen[whole[:, 1], whole[:, 0]]]
    rng.shuffle(points)
    whole = points.astype(np.int64)
    turns = angle[whole[:, 1], whole[:, 0]] + rng.normal(0, 0.12, len(points))
    lengths = width * rng.uniform(1.3, 2.6, len(points))
    tints = rng.normal(0, 5.0, (len(points), 1)) + rng.normal(0, 3.0, (len(points), 3))
    colours = np.clip(reference[whole[:, 1], whole[:, 0]] + tints, 0, 255)
    along = np.stack([np.cos(turns), np.sin(turns)], axis=1) * lengths[:, None]
    bends = np.stack([-along[:, 1], along[:, 0]], axis=1) * rng.uniform(
        -0.14, 0.14, (len(points), 1)
    )
    paths = np.stack([points - along, points + bends, points + along], axis=1)
    thickness = max(1, round(width))
    inks = np.column_stack([colours, rng.integers(60, 255, len(points))])
    for path, ink in zip(np.rint(paths * 8).astype(np.int32), inks.tolist(), strict=True):
        cv2.polylines(canvas, [path], False, ink, thickness, cv2.LINE_AA, 3)


def oil_painting(image: RgbImage, rng: np.random.Generator) -> Planes:
    """Visible brush strokes from broad to fine that follow the form, with raised paint."""
    factor = pixels.size_factor(image)
    base = strokes.saturated(strokes.flattened(image), 1.22)
    lightness = pixels.grey(image)
    angle = strokes.flow(pixels.blur(lightness, 2 * factor), 9 * factor)
    detail = pixels.blur(np.abs(lightness - pixels.blur(lightness, 5 * factor)), 4 * factor)
    level = strokes.even(detail)
    ground = pixels.to_bytes(pixels.blur(pixels.unit(base), 10 * factor))
    canvas = np.ascontiguousarray(np.dstack([ground, np.zeros(lightness.shape, np.uint8)]))
    everywhere = np.ones(lightness.shape, bool)
    for width, chosen in (
        (24.0, everywhere),
        (11.0, everywhere),
        (6.0, (level > 0.5) | (detail > 0.020)),
        (3.4, ((level > 0.78) & (detail > 0.012)) | (detail > 0.040)),
    ):
        reference = pixels.to_bytes(pixels.blur(pixels.unit(base), width * factor * 0.3))
        _brush_layer(canvas, reference, angle, width * factor, chosen, rng)
    noise = rng.standard_normal(lightness.shape).astype(np.float32)
    bristles = strokes.along_flow(
        pixels.blur(noise, 0.8 * factor), angle, max(4, round(9 * factor))
    )
    relief = canvas[..., 3].astype(np.float32) / 255 * 1.2 + 0.30 * bristles / (
        bristles.std() + 1e-6
    )
    relief = pixels.blur(relief, 0.8 * factor)
    slope = cv2.Sobel(relief, cv2.CV_32F, 1, 0) + cv2.Sobel(relief, cv2.CV_32F, 0, 1)
    lit = np.clip(-0.034 * slope, -0.09, 0.09)[..., None]
    return pixels.clipped(pixels.unit(np.ascontiguousarray(canvas[..., :3])) + lit)


def watercolour(image: RgbImage, rng: np.random.Generator) -> Planes:
    """Transparent washes with dark rims and granulation, on white paper with an unpainted border."""
    factor = pixels.size_factor(image)
    shape = image.shape[:2]
    bleed = [1.1 * factor * pixels.fractal_noise(shape, 20 * factor, rng, 3) for _ in range(2)]
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    flat = strokes.flattened(image, 1.2)
    warped = cv2.remap(
        flat, columns + bleed[0], rows + bleed[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    lab = cv2.cvtColor(pixels.unit(warped), cv2.COLOR_RGB2LAB)
    steps = 7.0
    level = lab[..., 0] / 100 * steps
    washed = (np.floor(level) + pixels.smoothstep(level % 1.0, 0.30, 0.70)) / steps
    lab[..., 0] = 100 * (0.20 + 0.82 * (0.5 * washed + 0.5 * lab[..., 0] / 100))
    lab[..., 1:] *= 1.30
    colour = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0.02, 1)
    density = -np.log(colour)
    softened = pixels.blur(washed.astype(np.float32), 3.2 * factor)
    rim = np.clip(
        pixels.blur(np.abs(washed - softened).astype(np.float32), 0.8 * factor) * 7.0, 0, 1
    )
    pigment = pixels.fractal_noise(shape, 90 * factor, rng, 4)
    tooth = strokes.paper(shape, factor, rng)
    density = density * (1 + 0.22 * pigment + 0.10 * tooth + 0.55 * rim)[..., None]
    edge = (
        np.minimum(
            np.minimum(rows, shape[0] - 1 - rows), np.minimum(columns, shape[1] - 1 - columns)
        )
        / factor
    )
    edge = edge + 6 * pixels.fractal_noise(shape, 90 * factor, rng, 4)
    painted = pixels.smoothstep(edge, 17, 24)
    pool = np.exp(-(((edge - 27) / 5) ** 2)) * 0.35
    density = np.clip(density, 0, None) * (painted * (1 + pool))[..., None]
    ground = np.array([0.985, 0.98, 0.965], np.float32) + 0.010 * tooth[..., None]
    return pixels.clipped(ground * np.exp(-density))


def pointillism(image: RgbImage, rng: np.random.Generator) -> Planes:
    """Dots of pure colour on a pale ground."""
    factor = pixels.size_factor(image)
    base = strokes.saturated(strokes.flattened(image, 0.8), 1.5)
    canvas = np.ascontiguousarray(
        pixels.to_bytes(0.55 * pixels.blur(pixels.unit(base), 12 * factor) + 0.42)
    )
    lightness = pixels.grey(image)
    detail = strokes.even(
        pixels.blur(np.abs(lightness - pixels.blur(lightness, 5 * factor)), 4 * factor)
    )
    for radius, chosen in (
        (6.2, detail < 2.0),
        (4.6, detail < 2.0),
        (3.3, detail > 0.55),
        (2.2, detail > 0.85),
    ):
        spacing = radius * factor * 1.75
        number = round(lightness.size / spacing**2)
        x = rng.integers(0, lightness.shape[1], number)
        y = rng.integers(0, lightness.shape[0], number)
        keep = chosen[y, x]
        x, y = x[keep], y[keep]
        hsv = cv2.cvtColor(base[y, x][None], cv2.COLOR_RGB2HSV)[0].astype(np.float32)
        hsv[:, 0] = (hsv[:, 0] + rng.normal(0, 7, len(hsv))) % 180
        hsv[:, 1] = np.clip(hsv[:, 1] * rng.uniform(0.8, 1.5, len(hsv)) + 14, 0, 255)
        hsv[:, 2] = np.clip(hsv[:, 2] + rng.normal(0, 16, len(hsv)), 0, 255)
        colours = cv2.cvtColor(hsv.astype(np.uint8)[None], cv2.COLOR_HSV2RGB)[0]
        sizes = np.maximum(
            8, np.rint(16 * radius * factor * rng.uniform(0.8, 1.15, len(x)))
        ).astype(np.int64)
        for column, row, size, colour in zip(
            x.tolist(), y.tolist(), sizes.tolist(), colours.tolist(), strict=True
        ):
            cv2.circle(canvas, (16 * column, 16 * row), size, colour, -1, cv2.LINE_AA, 4)
    return pixels.unit(canvas)

"""Parts that several styles are made of: flow fields, ink lines, hatching, paper, quantised colour."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.models.editors.procedural import pixels
from editloop.models.editors.procedural.pixels import Plane, Planes
from editloop.models.roles import RgbImage


def flow(lightness: Plane, sigma: float) -> Plane:
    """Direction along the edges in radians, from the smoothed structure tensor."""
    across = cv2.Sobel(lightness, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(lightness, cv2.CV_32F, 0, 1)
    xx, yy, xy = (pixels.blur(product, sigma) for product in (across**2, down**2, across * down))
    return np.asarray(0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2, np.float32)


def along_flow(values: NDArray[np.float32], angle: Plane, reach: int) -> NDArray[np.float32]:
    """Mean of `values` over `2 reach + 1` pixels along the flow (line integral convolution).

    Long reaches are followed two pixels a step, which strokes this smooth do not show.
    """
    pace = 2.0 if reach > 6 else 1.0
    height, width = angle.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    step_x, step_y = pace * np.cos(angle), pace * np.sin(angle)
    total = values.copy()
    count = round(reach / pace)
    for sign in (-1.0, 1.0):
        x, y = columns.copy(), rows.copy()
        before_x, before_y = sign * step_x, sign * step_y
        for _ in range(count):
            here_x = cv2.remap(step_x, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)
            here_y = cv2.remap(step_y, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)
            # The field has no sign of its own: keep going the way we came.
            turned = np.where(
                here_x * before_x + here_y * before_y < 0, np.float32(-1), np.float32(1)
            )
            before_x, before_y = here_x * turned, here_y * turned
            x += before_x
            y += before_y
            total += cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(total / (2 * count + 1), np.float32)


def ink_lines(lightness: Plane, sigma: float, sharpness: float, threshold: float) -> Plane:
    """Lines as a pen would set them: 1 = paper, 0 = ink (extended difference of Gaussians, Winnemoeller 2012)."""
    fine = pixels.blur(lightness, sigma)
    wide = pixels.blur(lightness, 1.6 * sigma)
    response = fine - 0.98 * wide
    return np.where(
        response > threshold, 1.0, np.clip(1 + np.tanh(sharpness * (response - threshold)), 0, 1)
    ).astype(np.float32)


def flattened(image: RgbImage, strength: float = 1.0) -> RgbImage:
    """The picture without fine texture, its edges kept."""
    factor = pixels.size_factor(image)
    size = image.shape[1::-1]
    step = max(1.0, factor * 1.5)
    small = cv2.resize(
        image, (round(size[0] / step), round(size[1] / step)), interpolation=cv2.INTER_AREA
    )
    for _ in range(3):
        small = cv2.bilateralFilter(small, 7, 26 * strength, 4.0)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def paper(shape: tuple[int, int], factor: float, rng: np.random.Generator) -> Plane:
    """Tooth of drawing paper, mean 0, deviation 1."""
    fine = pixels.smooth_noise(shape, max(1.2, 2.2 * factor), rng)
    fibre = pixels.smooth_noise(shape, max(1.5, 6 * factor), rng)
    return np.asarray(0.8 * fine + 0.45 * fibre, np.float32)


def hatching(
    shape: tuple[int, int], degrees: float, length: float, factor: float, rng: np.random.Generator
) -> Plane:
    """A field of pencil strokes in one direction, even histogram in [0, 1]."""
    noise = rng.standard_normal(shape).astype(np.float32)
    reach = pixels.odd(length * factor)
    kernel = np.zeros((reach, reach), np.float32)
    middle = reach // 2
    dx, dy = np.cos(np.radians(degrees)) * middle, -np.sin(np.radians(degrees)) * middle
    start = (round(middle - dx), round(middle - dy))
    cv2.line(kernel, start, (round(middle + dx), round(middle + dy)), 1.0, 1, cv2.LINE_AA)
    strokes = cv2.filter2D(pixels.blur(noise, 0.7 * max(factor, 0.7)), -1, kernel / kernel.sum())
    return even(strokes)


def even(values: Plane) -> Plane:
    """Values replaced by their rank in [0, 1], so that a threshold t covers a share t."""
    sample = np.sort(values.ravel()[:: max(1, values.size // 20_000)])
    ranks = np.interp(values, sample, np.linspace(0, 1, len(sample)))
    return np.asarray(ranks, np.float32)


def stretched(lightness: Plane, low: float = 1.0, high: float = 99.0) -> Plane:
    """Lightness scaled so that the given percentiles become 0 and 1."""
    bottom, top = np.percentile(lightness, [low, high])
    scaled = np.clip((lightness - bottom) / max(float(top - bottom), 0.15), 0, 1)
    return np.asarray(scaled, np.float32)


def equalised(lightness: Plane) -> Plane:
    """Lightness with local contrast evened out, so that drawings show detail in shade and in sun."""
    table = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(6, 6))
    return np.asarray(table.apply(pixels.to_bytes(lightness)), np.float32) / np.float32(255)


def palette_of(image: RgbImage, colours: int, seed: int) -> NDArray[np.float32]:
    """The picture's own main colours by k-means in Lab, sRGB in [0, 1], shape (colours, 3)."""
    small = cv2.resize(image, (96, 96), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float32)
    cv2.setRNGSeed(seed % 2**31)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, _, centres = cv2.kmeans(lab, colours, None, stop, 2, cv2.KMEANS_PP_CENTERS)
    as_bytes = np.clip(centres, 0, 255).astype(np.uint8)[None]
    return np.asarray(cv2.cvtColor(as_bytes, cv2.COLOR_LAB2RGB)[0], np.float32) / np.float32(255)


def nearest_in_palette(image: RgbImage, palette: NDArray[np.float32]) -> NDArray[np.int64]:
    """Index of the palette colour nearest to each pixel in Lab."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    inks = cv2.cvtColor(pixels.to_bytes(palette)[None], cv2.COLOR_RGB2LAB)[0].astype(np.float32)
    best = np.full(image.shape[:2], np.inf, np.float32)
    index = np.zeros(image.shape[:2], np.int64)
    for position, ink in enumerate(inks):
        distance = ((lab - ink) ** 2).sum(axis=2)
        closer = distance < best
        best[closer], index[closer] = distance[closer], position
    return index


def saturated(image: RgbImage, gain: float) -> RgbImage:
    """Chroma scaled by `gain`."""
    lab = cv2.cvtColor(pixels.unit(image), cv2.COLOR_RGB2LAB)
    lab[..., 1:] *= gain
    return pixels.to_bytes(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))


def multiplied(base: Planes, ink: Plane) -> Planes:
    """`base` darkened by a line plane (1 = untouched, 0 = black)."""
    return np.asarray(base * ink[..., None], np.float32)

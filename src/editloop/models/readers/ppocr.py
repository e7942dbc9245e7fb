"""PP-OCR: finds and reads lines of text (https://github.com/PaddlePaddle/PaddleOCR, version 6, small).

Detection is a map of text probability whose blobs are fitted with rotated rectangles ("Real-time Scene Text Detection
with Differentiable Binarization", arXiv 1911.08947). Each rectangle is straightened and read by a second network,
whose output is decoded greedily (connectionist temporal classification).
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from editloop.core.assets import ensure_asset
from editloop.models.embedded import identity_of_asset
from editloop.models.onnx_session import OnnxSession
from editloop.models.prerequisites import require
from editloop.models.roles import ModelIdentity, RgbImage, TextRegion
from editloop.records.record import Box

_CODE_VERSION = 1
_LONG_SIDE = 960
_STRIDE = 32
_TEXT_PROBABILITY = 0.3
_LEAST_BOX_SCORE = 0.5
_LEAST_SIDE_PX = 3
_GROWTH = 1.6
_LINE_HEIGHT = 48
_LEAST_LINE_WIDTH = 32
_MOST_LINE_WIDTH = 1600
_UPRIGHT_RATIO = 1.5
_LEAST_LONE_SCORE = 0.9


class PpOcr:
    """Spec ``embedded:ppocr``. Lines whose reading scores under `least_score` are left out."""

    def __init__(self, least_score: float = 0.5) -> None:
        self._least_score = least_score
        self._detector = OnnxSession(lambda: ensure_asset("ppocr") / "det.onnx")
        self._recogniser = OnnxSession(lambda: ensure_asset("ppocr") / "rec.onnx")

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and licence."""
        return identity_of_asset("embedded:ppocr", "ppocr", _CODE_VERSION)

    def read(self, image: RgbImage) -> list[TextRegion]:
        """Lines of text, top to bottom; boxes are upright, also around slanted lines."""
        regions = []
        for corners in self._find_lines(image):
            lines = _orientations(_straighten(image, corners))
            text, score = max(map(self._read_line, lines), key=lambda reading: reading[1])
            if text.strip() and score >= max(self._least_score, _lone_character_bar(text)):
                regions.append(TextRegion(text, score, _upright_box(corners, image)))
        return sorted(regions, key=lambda region: (region.box.top, region.box.left))

    def _find_lines(self, image: RgbImage) -> list[NDArray[np.float32]]:
        """Corners (4, 2) of the rectangle around each line, in pixels, from top left clockwise."""
        cv2 = require("cv2", "photos")
        height, width = image.shape[:2]
        scale = min(1.0, _LONG_SIDE / max(height, width))
        size = _to_stride(width * scale), _to_stride(height * scale)
        probability = self._detector.run(_normalise(cv2.resize(image, size)))[0][0, 0]
        blobs = cv2.dilate((probability > _TEXT_PROBABILITY).astype(np.uint8), np.ones((2, 2)))
        contours, _ = cv2.findContours(blobs, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        to_image = np.array([width / size[0], height / size[1]], np.float32)
        lines = []
        for contour in contours:
            rectangle = cv2.minAreaRect(contour)
            if min(rectangle[1]) < _LEAST_SIDE_PX:
                continue
            if _mean_inside(probability, cv2.boxPoints(rectangle), cv2) < _LEAST_BOX_SCORE:
                continue
            lines.append(_clockwise(cv2.boxPoints(_grow(rectangle)) * to_image))
        return lines

    def _read_line(self, line: RgbImage) -> tuple[str, float]:
        cv2 = require("cv2", "photos")
        width = round(line.shape[1] * _LINE_HEIGHT / line.shape[0])
        size = min(_MOST_LINE_WIDTH, max(_LEAST_LINE_WIDTH, width)), _LINE_HEIGHT
        probabilities = self._recogniser.run(_normalise(cv2.resize(line, size)))[0][0]
        return decode_greedily(probabilities, self._characters)

    @cached_property
    def _characters(self) -> list[str]:
        """The alphabet stored in the network; index 0 is CTC's blank, the last one the space."""
        return ["", *self._recogniser.metadata()["character"].splitlines(), " "]


def _lone_character_bar(text: str) -> float:
    """A handle or a rim is easily read as one letter or stroke; words are not made up."""
    return _LEAST_LONE_SCORE if len(text.strip()) == 1 else 0.0


def decode_greedily(probabilities: NDArray[np.float32], characters: list[str]) -> tuple[str, float]:
    """Text and mean probability of its characters from (steps, characters): best path, repeats and blanks removed."""
    best = probabilities.argmax(axis=1)
    is_new = np.concatenate([[True], best[1:] != best[:-1]]) & (best != 0)
    if not is_new.any():
        return "", 0.0
    text = "".join(characters[index] for index in best[is_new])
    return text, float(probabilities.max(axis=1)[is_new].mean())


def _to_stride(side: float) -> int:
    return max(_STRIDE, round(side / _STRIDE) * _STRIDE)


def _normalise(image: RgbImage) -> NDArray[np.float32]:
    """To (1, 3, h, w) in [-1, 1], blue first."""
    scaled = image[..., ::-1].astype(np.float32) / np.float32(127.5) - np.float32(1)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def _mean_inside(probability: NDArray[np.float32], corners: NDArray[np.float32], cv2: Any) -> float:
    inside = np.zeros(probability.shape, np.uint8)
    cv2.fillPoly(inside, [corners.astype(np.int32)], 1)
    return float(probability[inside > 0].mean()) if inside.any() else 0.0


def _grow(rectangle: Any) -> Any:
    """The network marks the core of a line; its sides move out by area x growth / perimeter."""
    centre, (width, height), angle = rectangle
    outwards = width * height * _GROWTH / (2 * (width + height))
    return centre, (width + 2 * outwards, height + 2 * outwards), angle


def _clockwise(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    left_to_right = corners[np.argsort(corners[:, 0], kind="stable")]
    left = left_to_right[:2][np.argsort(left_to_right[:2, 1], kind="stable")]
    right = left_to_right[2:][np.argsort(left_to_right[2:, 1], kind="stable")]
    return np.stack([left[0], right[0], right[1], left[1]])


def _straighten(image: RgbImage, corners: NDArray[np.float32]) -> RgbImage:
    cv2 = require("cv2", "photos")
    width = max(1, round(float(np.linalg.norm(corners[1] - corners[0]))))
    height = max(1, round(float(np.linalg.norm(corners[3] - corners[0]))))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    transform = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    line: RgbImage = cv2.warpPerspective(
        image, transform, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return line


def _orientations(line: RgbImage) -> list[RgbImage]:
    """A tall line may run upwards or downwards; the better reading tells."""
    height, width = line.shape[:2]
    if height < _UPRIGHT_RATIO * width:
        return [line]
    return [np.rot90(line), np.rot90(line, 3)]


def _upright_box(corners: NDArray[np.float32], image: RgbImage) -> Box:
    height, width = image.shape[:2]
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return Box(
        left=max(0, int(left)),
        top=max(0, int(top)),
        right=min(width, int(np.ceil(right))),
        bottom=min(height, int(np.ceil(bottom))),
    )

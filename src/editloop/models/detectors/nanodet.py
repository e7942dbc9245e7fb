"""NanoDet: a small one-stage detector of the 80 classes of COCO (https://github.com/RangiLyu/nanodet).

Boxes are read the way the network was trained ("generalised focal loss", arXiv 2006.04388): each side of a box is a
distribution over 11 distances, of which the mean is taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from editloop.models.detectors.coco import COCO_CLASSES
from editloop.models.embedded import identity_of_asset, nanodet_onnx
from editloop.models.geometry import drop_parts, suppress_duplicates
from editloop.models.onnx_session import OnnxSession
from editloop.models.roles import Detection, ModelIdentity, RgbImage
from editloop.records.record import Box

_CODE_VERSION = 2
_SIZE = 416
_GRIDS = (52, 26, 13)
_DISTANCES = 11
_BGR_MEAN = np.array([103.53, 116.28, 123.675], np.float32)
_BGR_SCALE = np.array([57.375, 57.12, 58.395], np.float32)
_SAME_CLASS_OVERLAP = 0.5
_ANY_CLASS_OVERLAP = 0.8
_PART_INSIDE = 0.85
_PART_WEAKER = 0.7


class NanoDet:
    """Spec ``embedded:nanodet``. About 0.1 CPU-seconds an image."""

    def __init__(self) -> None:
        self._session = OnnxSession(nanodet_onnx)

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and licence."""
        return identity_of_asset("embedded:nanodet", "nanodet", _CODE_VERSION)

    def detect(self, image: RgbImage, *, threshold: float = 0.3) -> list[Detection]:
        """Detections with score >= `threshold`, best first."""
        height, width = image.shape[:2]
        boxes, scores, classes = self._candidates(_prepare(image), threshold)
        frame = [width, height, width, height]
        boxes = np.clip(boxes * max(width, height), 0, frame)
        kept = suppress_duplicates(
            boxes, scores, classes, same_class=_SAME_CLASS_OVERLAP, any_class=_ANY_CLASS_OVERLAP
        )
        kept = drop_parts(boxes, scores, classes, kept, contained=_PART_INSIDE, weaker=_PART_WEAKER)
        found = []
        for index in kept:
            left, top, right, bottom = (int(side) for side in boxes[index].round())
            box = Box(left=left, top=top, right=right, bottom=bottom)
            if box.area:
                found.append(Detection(COCO_CLASSES[classes[index]], float(scores[index]), box))
        return found

    def _candidates(
        self, image: NDArray[np.float32], threshold: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Boxes (n, 4) as fractions of the square seen, scores (n,) and classes (n,) from all three grids."""
        outputs = {output.shape[1:]: output[0] for output in self._session.run(image)}
        boxes, scores, classes = [], [], []
        for grid in _GRIDS:
            cells = grid * grid
            grid_scores = outputs[cells, len(COCO_CLASSES)].astype(np.float64)
            cell, label = np.nonzero(grid_scores >= threshold)
            sides = decode_distances(outputs[cells, 4 * _DISTANCES][cell]) / grid
            centre = (np.stack([cell % grid, cell // grid], axis=1) + 0.5) / grid
            boxes.append(np.concatenate([centre - sides[:, :2], centre + sides[:, 2:]], axis=1))
            scores.append(grid_scores[cell, label])
            classes.append(label)
        return np.concatenate(boxes), np.concatenate(scores), np.concatenate(classes)


def decode_distances(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Distances (n, 4) from a cell's centre to left, top, right and bottom, in cells, from logits (n, 44)."""
    weights = np.exp(
        logits.reshape(-1, 4, _DISTANCES).astype(np.float64)
        - logits.reshape(-1, 4, _DISTANCES).max(axis=2, keepdims=True, initial=-np.inf)
    )
    return np.asarray((weights @ np.arange(_DISTANCES)) / weights.sum(axis=2))


def _prepare(image: RgbImage) -> NDArray[np.float32]:
    """The image in the top left of a square of the mean colour: undistorted animals are recognised more often."""
    height, width = image.shape[:2]
    scale = _SIZE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)
    square = np.zeros((_SIZE, _SIZE, 3), np.float32)
    square[: size[1], : size[0]] = (
        np.asarray(small, np.float32)[..., ::-1] - _BGR_MEAN
    ) / _BGR_SCALE
    return np.ascontiguousarray(square.transpose(2, 0, 1)[None])

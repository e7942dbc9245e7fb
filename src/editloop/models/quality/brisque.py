"""BRISQUE: technical quality without a reference (Mittal, Moorthy and Bovik, IEEE TIP 2012, doi 10.1109/TIP.2012.2214050).

36 statistics of the locally normalised luminance at two scales, fed to the authors' support vector regression, which
predicts the difference mean opinion score of the LIVE database (0 pristine to about 100 bad). It sees blur, noise,
compression and enlargement. It does not see over-saturation, wrong exposure or ugliness, and smooth or drawn pictures
look degraded to it.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from editloop.core.assets import ensure_asset
from editloop.core.errors import BadInputError
from editloop.models.convert.plain_pickle import read_plain_pickle
from editloop.models.embedded import identity_of_asset
from editloop.models.prerequisites import require
from editloop.models.roles import ModelIdentity, RgbImage

_CODE_VERSION = 1
_FEATURES = 36
_WORST_SCORE = 100.0
_LEAST_SIDE_PX = 32


class SupportVectorRegression(NamedTuple):
    """A regression with a radial kernel: sum_i weights_i exp(-gamma |x - vectors_i|^2) - rho."""

    vectors: NDArray[np.float64]
    weights: NDArray[np.float64]
    gamma: float
    rho: float

    def predict(self, features: NDArray[np.float64]) -> float:
        """The predicted value for features (d,) scaled to [-1, 1]."""
        distances = ((self.vectors - features) ** 2).sum(axis=1)
        return float(self.weights @ np.exp(-self.gamma * distances) - self.rho)


class Brisque:
    """Spec ``embedded:brisque``. About 0.02 CPU-seconds an image."""

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and licence."""
        return identity_of_asset("embedded:brisque", "brisque", _CODE_VERSION)

    def quality(self, image: RgbImage) -> float:
        """Technical quality in [0, 1], 1 best: 1 - BRISQUE / 100, cut to the range."""
        return float(np.clip(1 - self.brisque(image) / _WORST_SCORE, 0, 1))

    def brisque(self, image: RgbImage) -> float:
        """The score on its own scale, 0 (pristine) to about 100 (bad); values outside occur.

        An image without any texture has no statistics and scores 100.

        Raises:
            BadInputError: ``too-small`` for an image under 32 pixels.
        """
        if min(image.shape[:2]) < _LEAST_SIDE_PX:
            raise BadInputError(
                "too-small", f"{image.shape[1]} x {image.shape[0]} pixels, 32 needed"
            )
        cv2 = require("cv2", "photos")
        bgr = np.ascontiguousarray(image[..., ::-1])
        features = cv2.quality.QualityBRISQUE_computeFeatures(bgr)[0].astype(np.float64)
        if not np.isfinite(features).all():
            return _WORST_SCORE
        low, high = self._limits
        return self._regression.predict(2 * (features - low) / (high - low) - 1)

    @cached_property
    def _regression(self) -> SupportVectorRegression:
        return read_libsvm_regression(ensure_asset("brisque") / "svm.txt", _FEATURES)

    @cached_property
    def _limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        with (ensure_asset("brisque") / "normalize.pickle").open("rb") as stream:
            limits = read_plain_pickle(stream)
        return np.array(limits["min_"]), np.array(limits["max_"])


def read_libsvm_regression(path: Path, features: int) -> SupportVectorRegression:
    """A regression from LIBSVM's text format.

    Raises:
        BadInputError: ``bad-weights`` for another kind of machine or kernel.
    """
    head, _, body = path.read_text("ascii").partition("\nSV\n")
    settings = dict(line.split(maxsplit=1) for line in head.splitlines())
    if (settings.get("svm_type"), settings.get("kernel_type")) != ("epsilon_svr", "rbf"):
        raise BadInputError("bad-weights", f"{path.name} is no epsilon-SVR with a radial kernel")
    rows = [line.split() for line in body.splitlines() if line.strip()]
    vectors = np.zeros((len(rows), features))
    for index, (_, *entries) in enumerate(rows):
        for entry in entries:
            position, _, value = entry.partition(":")
            vectors[index, int(position) - 1] = float(value)
    weights = np.array([float(row[0]) for row in rows])
    return SupportVectorRegression(
        vectors, weights, float(settings["gamma"]), float(settings["rho"])
    )

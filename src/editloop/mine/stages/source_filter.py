"""Which files are photographs worth editing: PhotoFile -> Photo (ImgEdit's step 1).

ImgEdit asks for a short side of 1280 px and an aesthetic score above 4.75. Nothing embedded judges aesthetics, so the filter asks
for size, technical quality and sharpness, named as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError
from editloop.core.images import (
    DECODE_REASONS,
    DecodedImage,
    decode_image,
    perceptual_hash,
    read_image_file,
)
from editloop.engine.stage import Dropped, Kept, Lane, Stage, StageConfig, StageContext
from editloop.mine.photos import MAX_FILE_BYTES, open_path
from editloop.mine.scene import Photo, PhotoFile, model_step
from editloop.models import load_model
from editloop.models.roles import QualityModel, RgbImage
from editloop.records.image_ref import ImageRef


class SourceFilterConfig(StageConfig):
    """What a source photograph must be."""

    quality_model: str = "embedded:brisque"
    min_short_side_px: int = 384
    max_aspect: float = 2.5
    """Longer side over shorter side."""
    working_long_side_px: int = 1024
    """Larger photographs are scaled down to this; ImgEdit works at a short side of 1024."""
    min_quality: float = 0.2
    min_sharpness: float = 0.02
    max_flat_frac: float = 0.97
    """Largest share of the picture that may be one flat tone (icons, screenshots, blank pages)."""
    max_bars_frac: float = 0.02
    """Largest share of black bars (letterboxing) at the borders."""


class SourceFilter(Stage[PhotoFile, Photo, SourceFilterConfig]):
    """Decodes, checks and scales a photograph; originals that need no change are stored byte for byte."""

    name: ClassVar[str] = "source_filter"
    version: ClassVar[str] = "2"
    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 4
    input = PhotoFile
    output = Photo
    reasons: tuple[str, ...] = (
        *DECODE_REASONS,
        "exact_duplicate",
        "too_small",
        "extreme_aspect",
        "low_quality",
        "blurred",
        "flat",
        "bars",
    )

    def open(self, context: StageContext) -> None:
        """Load the quality model once per worker."""
        super().open(context)
        self.quality: QualityModel = load_model("quality", self.config.quality_model)

    @property
    def model_versions(self) -> dict[str, str]:
        """Version of the quality model."""
        return {"quality": load_model("quality", self.config.quality_model).identity.version}

    def run(self, records: Sequence[PhotoFile]) -> Sequence[Kept[Photo] | Dropped]:
        """One photo per usable file."""
        return [self._one(file) for file in records]

    def _one(self, file: PhotoFile) -> Kept[Photo] | Dropped:
        if file.problem:
            return Dropped(file.problem, file.detail)
        try:
            data = read_image_file(open_path(file), max_bytes=MAX_FILE_BYTES)
            decoded = decode_image(data)
        except BadInputError as error:
            return Dropped(error.reason, error.detail)
        refused = self._wrong_shape(decoded)
        if refused:
            return refused
        pixels = _scaled(decoded.pixels, self.config.working_long_side_px)
        quality, sharpness = self.quality.quality(pixels), _sharpness(pixels)
        refused = self._too_poor(pixels, quality, sharpness)
        if refused:
            return refused
        photo = Photo(
            id=file.id,
            image=self._store(data, decoded, pixels),
            origin=file.origin,
            quality=quality,
            sharpness=sharpness,
            phash=f"{perceptual_hash(pixels):016x}",
            notes=("transparency flattened on white",) if decoded.facts.flattened else (),
            steps=(model_step(self.name, self.version, self.quality),),
        )
        return Kept((photo,))

    def _wrong_shape(self, decoded: DecodedImage) -> Dropped | None:
        width, height = decoded.facts.width_px, decoded.facts.height_px
        short, long = sorted((width, height))
        if short < self.config.min_short_side_px:
            return Dropped(
                "too_small",
                f"{width} x {height}, the short side must be at least {self.config.min_short_side_px}",
                {"short_side_px": float(short)},
            )
        if long > self.config.max_aspect * short:
            return Dropped("extreme_aspect", f"{width} x {height}", {"aspect": long / short})
        return None

    def _too_poor(self, pixels: RgbImage, quality: float, sharpness: float) -> Dropped | None:
        evidence = {"quality": quality, "sharpness": sharpness, "flat_frac": _flat_frac(pixels)}
        bars = _bars_frac(pixels)
        if bars > self.config.max_bars_frac:
            return Dropped(
                "bars", f"black bars take {bars:.0%} of the picture", {"bars_frac": bars}
            )
        if evidence["flat_frac"] > self.config.max_flat_frac:
            return Dropped("flat", "nearly all of the picture is one tone", evidence)
        if quality < self.config.min_quality:
            return Dropped(
                "low_quality",
                f"technical quality {quality:.2f} < {self.config.min_quality}",
                evidence,
            )
        if sharpness < self.config.min_sharpness:
            return Dropped(
                "blurred", f"sharpness {sharpness:.3f} < {self.config.min_sharpness}", evidence
            )
        return None

    def _store(self, data: bytes, decoded: DecodedImage, pixels: RgbImage) -> ImageRef:
        facts = decoded.facts
        untouched = pixels is decoded.pixels and facts.mode == "RGB" and facts.orientation == 1
        if untouched and facts.media_type == "image/jpeg":
            return self.context.save_bytes(data, facts.width_px, facts.height_px, facts.media_type)
        return self.context.save(pixels)


def _scaled(pixels: RgbImage, long_side: int) -> RgbImage:
    import cv2

    height, width = pixels.shape[:2]
    scale = long_side / max(width, height)
    if scale >= 1:
        return pixels
    size = (round(width * scale), round(height * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _sharpness(pixels: RgbImage) -> float:
    """Share of pixels with a strong luminance gradient (above 12 grey levels a pixel), in [0, 1]."""
    grey = pixels.astype(np.float32).mean(axis=2)
    return float((np.hypot(*np.gradient(grey)) > 12).mean())


def _flat_frac(pixels: RgbImage) -> float:
    """Share of pixels within two grey levels of the commonest luminance."""
    histogram = np.bincount(pixels.mean(axis=2).astype(np.uint8).ravel(), minlength=256)
    return float(np.convolve(histogram, np.ones(5), mode="same").max() / histogram.sum())


def _bars_frac(pixels: RgbImage) -> float:
    """Share of the picture in black rows and columns at its borders."""
    dark_rows = pixels.max(axis=(1, 2)) < 24
    dark_columns = pixels.max(axis=(0, 2)) < 24
    return max(_run_at_ends(dark_rows), _run_at_ends(dark_columns))


def _run_at_ends(dark: NDArray[np.bool_]) -> float:
    light = np.flatnonzero(~dark)
    if not len(light):
        return 1.0
    return float(light[0] + len(dark) - 1 - light[-1]) / len(dark)

"""Objects, mattes, names and region scores: Photo -> Scene (ImgEdit's grounding steps 3 to 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from editloop.core.errors import BadInputError
from editloop.engine.stage import Dropped, Kept, Lane, Stage, StageConfig, StageContext
from editloop.mine.naming import Name, detector_noun, name_region
from editloop.mine.regions import (
    Shape,
    box_of,
    crispness,
    grown,
    intersection_over_union,
    parts,
    squared,
    touches,
)
from editloop.mine.scene import ColourOption, Photo, Region, Scene, model_step
from editloop.models import load_model
from editloop.models.nouns import category_of, noun_scores
from editloop.models.roles import Detection, Detector, Matte, RgbImage, Segmenter, Tagger
from editloop.records.record import Box

VIEWS: dict[str, tuple[int, ...]] = {
    "mountain": (970, 980),
    "valley": (979,),
    "beach": (978, 977),
    "lake shore": (975,),
    "coast": (976, 972),
}
"""Landscapes among the tagger's ImageNet classes."""


class ObjectsConfig(StageConfig):
    """Thresholds of the stage."""

    detector: str = "embedded:nanodet"
    segmenter: str = "embedded:isnet"
    tagger: str = "embedded:conse"
    detection_threshold: float = 0.3
    min_box_frac: float = 0.01
    """Smallest box as a share of the image (ImgEdit: 0.01)."""
    max_box_frac: float = 0.6
    """Largest box of a detected object (ImgEdit: 0.6); a salient object may be larger."""
    max_salient_frac: float = 0.85
    same_object_iou: float = 0.6
    max_extra_mattes: int = 2
    """Detections beside the salient objects that get a matte of their own (a matte costs seconds)."""
    min_view_probability: float = 0.45


class _Found:
    """A region before it is named: box, matte, and the detection behind it."""

    def __init__(
        self, box: Box, matte: Matte, detection: Detection | None, *, salient: bool
    ) -> None:
        self.box = box
        self.matte = matte
        self.detection = detection
        self.salient = salient


class Objects(Stage[Photo, Scene, ObjectsConfig]):
    """Finds, cuts out and names the objects of a photograph."""

    name: ClassVar[str] = "objects"
    version: ClassVar[str] = "4"
    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 1
    input = Photo
    output = Scene

    def open(self, context: StageContext) -> None:
        """Load the three models once per worker."""
        super().open(context)
        self.detector: Detector = load_model("detector", self.config.detector)
        self.segmenter: Segmenter = load_model("segmenter", self.config.segmenter)
        self.tagger: Tagger = load_model("tagger", self.config.tagger)

    @property
    def model_versions(self) -> dict[str, str]:
        """Versions of the three models."""
        return {
            "detector": load_model("detector", self.config.detector).identity.version,
            "segmenter": load_model("segmenter", self.config.segmenter).identity.version,
            "tagger": load_model("tagger", self.config.tagger).identity.version,
        }

    def run(self, records: Sequence[Photo]) -> Sequence[Kept[Scene] | Dropped]:
        """One scene per photograph."""
        return [Kept((self._scene(photo),)) for photo in records]

    def _scene(self, photo: Photo) -> Scene:
        image = self.context.load(photo.image)
        found = self._find(image)
        regions = tuple(self._region(image, f"r{i}", f) for i, f in enumerate(found))
        return Scene(
            id=photo.id,
            photo=photo,
            regions=regions,
            view=self._view(image, regions),
            tones=_tones(image, [f.matte for f in found if f.salient]),
            styles=_styles(image),
            steps=tuple(
                model_step(self.name, self.version, model)
                for model in (self.detector, self.segmenter, self.tagger)
            ),
        )

    def _find(self, image: RgbImage) -> list[_Found]:
        height, width = image.shape[:2]
        detections = self.detector.detect(image, threshold=self.config.detection_threshold)
        found: list[_Found] = []
        used: set[int] = set()
        for part in parts(self.segmenter.matte(image)):
            box = box_of(part)
            if box.area > self.config.max_salient_frac * width * height:
                continue
            match = self._best_match(box, detections)
            if match is not None:
                used.add(match)
            found.append(
                _Found(box, part, detections[match] if match is not None else None, salient=True)
            )
        extra = [
            d
            for i, d in enumerate(detections)
            if i not in used and self._usable(d, image) and not self._covered(d.box, found)
        ]
        for detection in extra[: self.config.max_extra_mattes]:
            matte = self.segmenter.matte(image, detection.box)
            inside = parts(matte)
            if (
                inside
                and intersection_over_union(box_of(inside[0]), detection.box)
                >= self.config.same_object_iou
            ):
                found.append(_Found(box_of(inside[0]), inside[0], detection, salient=False))
        return found

    def _usable(self, detection: Detection, image: RgbImage) -> bool:
        frac = detection.box.area / (image.shape[0] * image.shape[1])
        if not self.config.min_box_frac < frac <= self.config.max_box_frac:
            return False
        return self._name(image, detection.box, detection, salient=False) is not None

    def _best_match(self, box: Box, detections: Sequence[Detection]) -> int | None:
        overlaps = [intersection_over_union(box, d.box) for d in detections]
        best = max(range(len(overlaps)), key=overlaps.__getitem__, default=None)
        return best if best is not None and overlaps[best] >= self.config.same_object_iou else None

    def _covered(self, box: Box, found: Sequence[_Found]) -> bool:
        return any(intersection_over_union(box, f.box) >= 0.3 for f in found)

    def _name(
        self,
        image: RgbImage,
        box: Box,
        detection: Detection | None,
        matte: Matte | None = None,
        *,
        salient: bool,
    ) -> Name | None:
        views = [_crop(image, box, 0.05), _crop(image, box, 0.15)]
        if matte is not None:
            on_grey = image * matte[..., None] + np.float32(128) * (1 - matte[..., None])
            views.append(_crop(on_grey.astype(np.uint8), box, 0.1))
        tags = noun_scores(self.tagger.probabilities(views).mean(axis=0))
        label = detector_noun(detection.label) if detection else None
        return name_region(label, detection.score if detection else 0.0, tags, salient=salient)

    def _region(self, image: RgbImage, key: str, found: _Found) -> Region:
        name = self._name(image, found.box, found.detection, found.matte, salient=found.salient)
        word = name.word if name else ""
        shape = Shape.of(image)
        return Region(
            key=key,
            label=word,
            category=category_of(word) if word else "",
            box=found.box,
            box_frac=found.box.area / shape.area,
            mask_frac=float(found.matte.mean()),
            score=found.detection.score if found.detection else 0.0,
            similarity=name.similarity if name else 0.0,
            salient=found.salient,
            matte=self.context.save_mask(np.round(found.matte * 255).astype(np.uint8)),
            crispness=crispness(found.matte),
            touches=touches(found.matte),
            colours=_colours(image, found.matte),
            recolours=_recolours(image, found.matte),
            materials=_materials(image, found.matte),
            lights=_lights(image, found.matte),
            cutout_problem=_cutout_problem(image, found.matte, found.box),
        )

    def _view(self, image: RgbImage, regions: Sequence[Region]) -> str:
        if any(r.label and r.mask_frac > 0.01 for r in regions):
            return ""
        probabilities = self.tagger.probabilities([image])[0]
        sums = {view: float(probabilities[list(classes)].sum()) for view, classes in VIEWS.items()}
        best = max(sums, key=lambda view: sums[view])
        return best if sum(sums.values()) >= self.config.min_view_probability else ""


def _crop(image: RgbImage, box: Box, margin: float) -> RgbImage:
    around = squared(grown(box, margin, *Shape.of(image)), *Shape.of(image))
    return image[around.top : around.bottom, around.left : around.right]


def _colours(image: RgbImage, matte: Matte) -> tuple[str, ...]:
    from editloop.models.editors.procedural.colours import dominant_colours

    return tuple(share.name for share in dominant_colours(image, matte > 0.5)[:3])


def _materials(image: RgbImage, matte: Matte) -> tuple[str, ...]:
    from editloop.models.editors.procedural.retexture import material_options

    return tuple(material_options(image, matte))


def _recolours(image: RgbImage, matte: Matte) -> tuple[ColourOption, ...]:
    from editloop.models.editors.procedural.recolour import recolour_options

    return tuple(
        ColourOption(colour=option.colour, share=option.part_share)
        for option in recolour_options(image, matte)
    )


def _cutout_problem(image: RgbImage, matte: Matte, box: Box) -> str:
    from editloop.models.editors.procedural.cutout import make_cutout

    try:
        make_cutout(image, matte, box)
    except BadInputError as error:
        return error.reason
    return ""


def _tones(image: RgbImage, salient: Sequence[Matte]) -> tuple[str, ...]:
    from editloop.models.editors.procedural.tone import tone_options

    return tuple(tone_options(image, np.maximum.reduce(salient) if salient else None))


def _styles(image: RgbImage) -> tuple[str, ...]:
    from editloop.models.editors.procedural.style import style_options

    return tuple(style_options(image))


def _lights(image: RgbImage, matte: Matte) -> tuple[str, ...]:
    from editloop.models.editors.procedural.relight import light_options

    return tuple(light_options(image, matte))

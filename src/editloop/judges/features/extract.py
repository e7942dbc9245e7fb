"""Everything that is measured on a triplet, under names of the form ``block.feature``."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np

from editloop.core.ids import content_id
from editloop.judges.base import JudgeRequest
from editloop.judges.evidence.config import EvidenceConfig
from editloop.judges.evidence.judge import EvidenceJudge
from editloop.judges.evidence.pixels import make_pair
from editloop.judges.evidence.surroundings import main_change
from editloop.judges.features.change import (
    change_features,
    fit_features,
    quality_features,
    scene_features,
)
from editloop.judges.features.sightings import detection_features, tag_features
from editloop.judges.features.words import meaning_features, word_features
from editloop.judges.intent import read_instruction
from editloop.models.roles import Detector, QualityModel, Tagger, TextEmbedder
from editloop.records.verdict import Verdict

CODE_VERSION: Final = 1
BLOCKS: Final = (
    "evidence", "words", "near", "text", "change", "fit", "scene", "quality", "tags", "detections",
)  # fmt: skip
"""Groups of features that are weighed against each other as wholes."""


class FeatureExtractor:
    """Measures triplets with the embedded models; sees what a judge sees and nothing else.

    Args:
        detector: Finds things.
        tagger: Names parts of images.
        quality: No-reference technical quality.
        embedder: Gives texts their place among other texts.
    """

    def __init__(
        self, detector: Detector, tagger: Tagger, quality: QualityModel, embedder: TextEmbedder
    ) -> None:
        self._tagger, self._quality, self._embedder = tagger, quality, embedder
        self.judge = EvidenceJudge(detector, tagger, quality)

    @cached_property
    def version(self) -> str:
        """Changes whenever a feature may change."""
        return content_id(
            CODE_VERSION, self.judge.identity.version, self._embedder.identity.version
        )[:12]

    def measure(self, request: JudgeRequest) -> tuple[Verdict, dict[str, float]]:
        """The evidence judge's verdict, and finite numbers; what cannot be measured on this triplet is absent."""
        pair = make_pair(request.source, request.edited, request.mask, EvidenceConfig())
        intent = read_instruction(request.instruction, request.context)
        area = main_change(pair)
        verdict = self.judge.judge(request)
        meaning = meaning_features(request.instruction, self._embedder)
        blocks = {
            "evidence": {**verdict.evidence, **{f"axis_{k}": v for k, v in verdict.axes.items()}},
            "words": word_features(intent),
            "near": {name: value for name, value in meaning.items() if name.startswith("near_")},
            "text": {name: value for name, value in meaning.items() if name.startswith("text_")},
            "change": change_features(pair, area),
            "fit": fit_features(pair, area),
            "scene": scene_features(pair),
            "quality": quality_features(pair, area, self._quality),
            "tags": tag_features(pair, area, intent, self._tagger),
            "detections": detection_features(pair, area, intent, self.judge.sights),
        }
        return verdict, {
            f"{block}.{name}": float(value)
            for block, features in blocks.items()
            for name, value in features.items()
            if np.isfinite(value)
        }


def embedded_extractor() -> FeatureExtractor:
    """The extractor on the embedded models; their weights are opened at the first triplet."""
    from editloop.models import load_model

    return FeatureExtractor(
        detector=load_model("detector", "embedded:nanodet"),
        tagger=load_model("tagger", "embedded:conse"),
        quality=load_model("quality", "embedded:brisque"),
        embedder=load_model("text_embedder", "embedded:wordllama"),
    )

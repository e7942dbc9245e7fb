"""Image classifiers that were trained to tell fake from real, through transformers, from a folder or a hub id."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from editloop.core.errors import UsageError
from editloop.models.diffusers.folders import fingerprint, local_folder
from editloop.models.prerequisites import require
from editloop.models.roles import ForensicReading, ModelIdentity, RgbImage

FAKE_WORDS: Final = ("fake", "artificial", "ai", "generated", "synthetic", "tampered", "edited", "forged", "manipulated", "deepfake")  # fmt: skip
"""A label with one of these words stands for fake; any other for real."""
_NOT: Final = ("not", "non", "un", "no")
_BATCH: Final = 16


class ImageClassifier:
    """Spec ``transformers:FOLDER_OR_ID``: `ForensicReading.score` is the probability of all labels that mean fake.

    Images are scaled and normalised here as `preprocessor_config.json` says, so that no image package beyond Pillow is needed.

    Raises:
        PrerequisiteError: when transformers is missing.
        UsageError: when the folder holds no classifier, or no label of it means fake.
    """

    def __init__(self, spec: str = "") -> None:
        require("transformers", "train")
        self.spec = spec

    @cached_property
    def folder(self) -> Path:
        """Where the model lies; a hub id is fetched first."""
        return local_folder(self.spec, "config.json")

    @cached_property
    def identity(self) -> ModelIdentity:
        """The spec; the version is the fingerprint of weights and configuration."""
        return ModelIdentity(f"transformers:{self.spec}", f"1-{fingerprint(self.folder)}")

    @cached_property
    def fake_labels(self) -> list[int]:
        """Places of the labels that mean fake.

        Raises:
            UsageError: when none does, or all do.
        """
        config = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        names = {int(place): str(name) for place, name in config.get("id2label", {}).items()}
        fake = [place for place, name in names.items() if means_fake(name)]
        if not fake or len(fake) == len(names):
            raise UsageError(
                f"the labels of {self.spec} are {', '.join(names.values()) or 'missing'}: expected some that mean fake "
                f"({', '.join(FAKE_WORDS[:4])}, ...) and some that mean real; mend id2label in its config.json"
            )
        return fake

    def examine(self, images: Sequence[RgbImage]) -> list[ForensicReading | None]:
        """One reading an image."""
        import torch

        labels = self.fake_labels
        found: list[ForensicReading | None] = []
        for start in range(0, len(images), _BATCH):
            pixels = np.stack([self._prepared(image) for image in images[start : start + _BATCH]])
            with torch.inference_mode():
                logits = self._model(pixel_values=torch.from_numpy(pixels)).logits
            chances = logits.float().softmax(dim=-1)[:, labels].sum(dim=-1)
            found += [ForensicReading(chance > 0.5, chance) for chance in chances.tolist()]
        return found

    @cached_property
    def _model(self) -> Any:
        from transformers import AutoModelForImageClassification

        return AutoModelForImageClassification.from_pretrained(
            self.folder, use_safetensors=True, trust_remote_code=False
        ).eval()

    @cached_property
    def _preprocessing(self) -> dict[str, Any]:
        path = self.folder / "preprocessor_config.json"
        found: dict[str, Any] = (
            json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        )
        return found

    def _prepared(self, image: RgbImage) -> NDArray[np.float32]:
        settings = self._preprocessing
        size = settings.get("size", 224)
        if isinstance(size, dict):
            edge = size.get("shortest_edge", 224)
            size = (size.get("width", edge), size.get("height", edge))
        else:
            size = (size, size)
        resized = Image.fromarray(image).resize(size, Image.Resampling(settings.get("resample", 3)))
        pixels = np.asarray(resized, np.float32) * np.float32(
            settings.get("rescale_factor", 1 / 255)
        )
        mean = np.array(settings.get("image_mean", [0.5] * 3), np.float32)
        spread = np.array(settings.get("image_std", [0.5] * 3), np.float32)
        return np.asarray(((pixels - mean) / spread).transpose(2, 0, 1))


def means_fake(label: str) -> bool:
    """Whether a label such as ``AI-generated`` stands for fake; ``not tampered`` does not."""
    words = label.lower().replace("-", " ").replace("_", " ").split()
    return any(word in FAKE_WORDS for word in words) and not any(word in _NOT for word in words)

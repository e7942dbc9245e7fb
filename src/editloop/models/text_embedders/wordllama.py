"""WordLlama: static word embeddings distilled from a language model, 256 numbers a text (MIT)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from editloop.models.embedded import identity_of_package
from editloop.models.prerequisites import require
from editloop.models.roles import ModelIdentity

_CODE_VERSION = 1
_DIMENSIONS = 256


class WordLlama:
    """Spec ``embedded:wordllama``. About 0.1 ms a text; the weights are inside the Python package."""

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and licence."""
        return identity_of_package("embedded:wordllama", "wordllama", _CODE_VERSION, "MIT")

    @cached_property
    def _model(self) -> Any:
        package: Any = require("wordllama", "photos")
        # The release looks for its own files in a folder it does not have; naming the package as the cache finds them.
        return package.WordLlama.load(
            cache_dir=Path(package.__file__).parent, disable_download=True
        )

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (texts, 256); a text without words gives zeros."""
        if not texts:
            return np.zeros((0, _DIMENSIONS), np.float32)
        vectors = np.asarray(self._model.embed(list(texts)), np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = np.zeros_like(vectors)
        np.divide(vectors, lengths, out=unit, where=lengths > 0)
        return unit

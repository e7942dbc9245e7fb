"""What a stage sees of the run: its seed, and images by reference."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError, StoreError
from editloop.core.images import decode_image, decode_mask, encode_jpeg, encode_png_mask
from editloop.records.image_ref import ImageRef
from editloop.store.blobs import BlobStore

PIXEL_CACHE_BYTES: Final = 64 * 1024 * 1024
"""Decoded pictures that a process keeps, so that neighbouring stages and candidates do not decode again."""


class StoreContext:
    """`StageContext` over a blob store; safe to share between threads.

    Args:
        store: Where images are read and written.
        run_seed: The run's seed.
    """

    def __init__(self, store: BlobStore, run_seed: int) -> None:
        self._store = store
        self._run_seed = run_seed
        self._pixels = _PixelCache(PIXEL_CACHE_BYTES)

    @property
    def run_seed(self) -> int:
        """The run's seed."""
        return self._run_seed

    def load(self, ref: ImageRef) -> NDArray[np.uint8]:
        """RGB (h, w, 3), read-only: copy before you draw on it."""
        pixels = self._pixels.get(ref.sha256)
        if pixels is None:
            try:
                pixels = decode_image(self.load_bytes(ref)).pixels
            except BadInputError as error:
                raise StoreError(
                    f"stored image {ref.sha256[:12]} cannot be decoded: {error}"
                ) from error
            pixels.flags.writeable = False
            self._pixels.put(ref.sha256, pixels)
        return pixels

    def load_mask(self, ref: ImageRef) -> NDArray[np.uint8]:
        """Single channel (h, w)."""
        try:
            return decode_mask(self.load_bytes(ref))
        except BadInputError as error:
            raise StoreError(f"stored mask {ref.sha256[:12]} cannot be decoded: {error}") from error

    def load_bytes(self, ref: ImageRef) -> bytes:
        """The encoded bytes."""
        return self._store.get(ref.sha256)

    def save(self, pixels: NDArray[np.uint8], *, quality: int = 95) -> ImageRef:
        """Store RGB (h, w, 3) as JPEG."""
        height, width = pixels.shape[:2]
        return self.save_bytes(encode_jpeg(pixels, quality=quality), width, height, "image/jpeg")

    def save_mask(self, pixels: NDArray[np.uint8]) -> ImageRef:
        """Store a single channel (h, w) as PNG."""
        height, width = pixels.shape
        return self.save_bytes(encode_png_mask(pixels), width, height, "image/png")

    def save_bytes(self, data: bytes, width: int, height: int, media_type: str) -> ImageRef:
        """Store encoded bytes unchanged."""
        return ImageRef(
            sha256=self._store.put(data), width=width, height=height, media_type=media_type
        )


class _PixelCache:
    """The pictures used last, up to a number of bytes."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._lock = threading.Lock()
        self._pictures: OrderedDict[str, NDArray[np.uint8]] = OrderedDict()

    def get(self, key: str) -> NDArray[np.uint8] | None:
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
                return self._pictures[key]
        return None

    def put(self, key: str, pixels: NDArray[np.uint8]) -> None:
        with self._lock:
            if key in self._pictures or pixels.nbytes > self._limit_bytes:
                return
            self._pictures[key] = pixels
            self._size_bytes += pixels.nbytes
            while self._size_bytes > self._limit_bytes:
                _, oldest = self._pictures.popitem(last=False)
                self._size_bytes -= oldest.nbytes

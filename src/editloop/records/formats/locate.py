"""Finding an image by its hash inside a layout that is read as a stream, and keeping file names inside their folder."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from editloop.core.errors import BadInputError, StoreError

Place = TypeVar("Place")


class ImageIndex(Generic[Place]):
    """Hash -> place of an image.

    A reader remembers the places of the records it yields, so that streaming needs a bounded amount of memory; a hash
    that is not among the latest `recent` triggers one scan, after which all places are known (about 200 bytes each).
    """

    def __init__(
        self, scan: Callable[[], Iterable[tuple[str, Place]]], *, recent: int = 4096
    ) -> None:
        self._scan = scan
        self._limit = recent
        self._recent: OrderedDict[str, Place] = OrderedDict()
        self._all: dict[str, Place] | None = None

    def remember(self, sha256: str, place: Place) -> None:
        """Note where an image of the current record is."""
        self._recent[sha256] = place
        self._recent.move_to_end(sha256)
        if len(self._recent) > self._limit:
            self._recent.popitem(last=False)

    def find(self, sha256: str) -> Place:
        """The place of an image.

        Raises:
            StoreError: the data set does not hold it.
        """
        place = self._recent.get(sha256)
        if place is not None:
            return place
        if self._all is None:
            self._all = dict(self._scan())
        if sha256 not in self._all:
            raise StoreError(f"this data set holds no image with the SHA-256 {sha256}")
        return self._all[sha256]


def inside(root: Path, name: str) -> Path:
    """`root / name`, refused when it would leave `root`.

    Raises:
        BadInputError: `unsafe_path`.
    """
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise BadInputError("unsafe_path", f"{name!r} points outside the data set")
    return path


def read_image(path: Path) -> bytes:
    """The bytes of an image file.

    Raises:
        BadInputError: `missing_image`, with the name.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInputError("missing_image", f"{path.name}: {error.strerror or error}") from error

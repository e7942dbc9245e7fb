"""Pictures beside a page: each written once, named by its hash, as a thumbnail and in full."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageOps

from editloop.core.errors import EditloopError
from editloop.records.image_ref import ImageRef

THUMBNAIL_PX = 384
"""Longer side of a thumbnail: sharp on a phone of double density, about 25 kB."""
NAME_LENGTH = 32
"""Hex digits of the hash in a file name."""

_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/gif": "gif"}
_OWN_NAME = re.compile(rf"[0-9a-f]{{{NAME_LENGTH}}}\.(jpg|png|webp|gif)")
_UNREADABLE = (OSError, KeyError, ValueError, Image.DecompressionBombError, EditloopError)


@dataclass(slots=True)
class PictureFolder:
    """Writes pictures into ``full/`` and ``thumb/`` of `root`; what is there already is not made again.

    A picture that cannot be loaded or read is noted in `missing` (hash to reason) and shown as a gap: it does not
    stop the page.
    """

    root: Path
    load: Callable[[ImageRef], bytes]
    missing: dict[str, str] = field(default_factory=dict)
    _used: set[Path] = field(default_factory=set)

    def photograph(self, ref: ImageRef) -> str | None:
        """Write `ref` in full and as a thumbnail.

        Returns:
            Its name in ``full/`` (the thumbnail has the same stem and ends in ``.jpg``), or None when there is none.
        """
        name = self._name(ref)
        small = self.root / "thumb" / f"{ref.sha256[:NAME_LENGTH]}.jpg"
        return name if name and self._write(ref, self.root / "full" / name, small) else None

    def mask(self, ref: ImageRef) -> str | None:
        """Write `ref` in full only; returns its name in ``full/``, or None when it cannot be had."""
        name = self._name(ref)
        return name if name and self._write(ref, self.root / "full" / name, None) else None

    def prune(self) -> None:
        """Remove pictures of an earlier page that this one does not show."""
        for folder in (self.root / "full", self.root / "thumb"):
            for path in folder.glob("*.*"):
                if _OWN_NAME.fullmatch(path.name) and path not in self._used:
                    path.unlink()

    def _name(self, ref: ImageRef) -> str | None:
        extension = _EXTENSIONS.get(ref.media_type)
        if extension is None:
            self.missing[ref.sha256] = f"browsers do not show {ref.media_type}"
            return None
        return f"{ref.sha256[:NAME_LENGTH]}.{extension}"

    def _write(self, ref: ImageRef, full: Path, small: Path | None) -> bool:
        wanted = {full, small} if small else {full}
        if ref.sha256 in self.missing:
            return False
        if not all(path in self._used or path.exists() for path in wanted):
            try:
                data = self.load(ref)
                thumb = thumbnail(data) if small else b""
            except _UNREADABLE as error:
                self.missing[ref.sha256] = f"{type(error).__name__}: {error}"
                return False
            write_atomically(full, data)
            if small:
                write_atomically(small, thumb)
        self._used |= wanted
        return True


def thumbnail(data: bytes) -> bytes:
    """`data` as a small JPEG, turned upright, transparent parts on white."""
    with Image.open(io.BytesIO(data)) as image:
        # A gap of 1 lets the JPEG decoder itself scale down by a power of two: five times faster at this size.
        image.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS, reducing_gap=1.0)
        small = ImageOps.exif_transpose(image)
    if small.has_transparency_data:
        white = Image.new("RGBA", small.size, "white")
        small = Image.alpha_composite(white, small.convert("RGBA"))
    buffer = io.BytesIO()
    small.convert("RGB").save(buffer, "JPEG", quality=82)
    return buffer.getvalue()


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)

"""Photo files on disk -> the first records of the pipeline.

A folder may hold a `manifest.jsonl` that says where its photographs come from: one object a line with `file` (path
inside the folder) and any of `licence`, `author`, `url`, `collection`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from editloop.core.errors import BadInputError, UsageError
from editloop.core.ids import content_id, sha256_hex
from editloop.core.images import read_image_file
from editloop.mine.scene import PhotoFile
from editloop.records.provenance import Origin

MAX_FILE_BYTES = 200_000_000
"""Larger files are dropped unread: no photograph needs them, and a folder may hold videos."""
NOT_PHOTOS = frozenset({".json", ".jsonl", ".txt", ".md", ".csv", ".html", ".parquet", ".ds_store"})
"""Files that live beside photographs and are passed over without a word; hidden files too."""


def photo_files(folder: Path) -> Iterator[PhotoFile]:
    """Every file under `folder`, in name order; symbolic links to folders are not followed.

    Raises:
        UsageError: when `folder` is not a folder.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; give a folder that holds photographs")
    known = _manifest(folder / "manifest.jsonl")
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            path = Path(parent) / name
            if not name.startswith(".") and path.suffix.lower() not in NOT_PHOTOS:
                inside = path.relative_to(folder)
                origin = known.get(inside.as_posix()) or Origin(name=_printable(inside))
                yield photo_file(path, origin)


def sample_files() -> Iterator[PhotoFile]:
    """The sample photographs that ship in packages."""
    from editloop.models.samples import sample_photos

    for sample in sample_photos():
        origin = Origin(
            name=sample.name,
            collection=sample.collection,
            licence=sample.licence,
            author=sample.author,
            url=sample.url,
        )
        yield photo_file(sample.path, origin)


def _manifest(path: Path) -> dict[str, Origin]:
    if not path.is_file():
        return {}
    origins: dict[str, Origin] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            fields = {
                key: str(row.get(key, "")) for key in ("collection", "licence", "author", "url")
            }
            origins[row["file"]] = Origin(name=row["file"], **fields)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{path}, line {number}: expected a JSON object with a 'file', got {line[:60]!r}"
            ) from error
    return origins


def open_path(file: PhotoFile) -> Path:
    """The path of `file` on disk."""
    return Path(os.fsdecode(unquote_to_bytes(file.path)))


def _path_text(path: Path) -> str:
    """A path as percent-encoded text: file names are bytes, and JSON holds only valid Unicode."""
    return quote_from_bytes(os.fsencode(path.absolute()))


def photo_file(path: Path, origin: Origin) -> PhotoFile:
    """The record of one file; a file that cannot be read becomes a record with a `problem`."""
    try:
        digest = sha256_hex(read_image_file(path, max_bytes=MAX_FILE_BYTES))
    except BadInputError as error:
        return _unreadable(path, origin, error.reason, error.detail)
    return PhotoFile(id=content_id("photo", digest), path=_path_text(path), origin=origin)


def unique(files: Iterable[PhotoFile]) -> Iterator[PhotoFile]:
    """`files` with exact copies marked as such, so that they are counted and dropped."""
    seen: dict[str, str] = {}
    for file in files:
        if file.id in seen:
            yield file.model_copy(
                update={
                    "id": content_id("copy", file.id, file.origin.name),
                    "problem": "exact_duplicate",
                    "detail": f"same bytes as {seen[file.id]}",
                }
            )
        else:
            seen[file.id] = file.origin.name
            yield file


def _unreadable(path: Path, origin: Origin, problem: str, detail: str) -> PhotoFile:
    return PhotoFile(
        id=content_id("unreadable", origin.name, problem),
        path=_path_text(path),
        origin=origin,
        problem=problem,
        detail=detail,
    )


def _printable(path: Path) -> str:
    """A file name as text: bytes that are not UTF-8 are shown escaped."""
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")

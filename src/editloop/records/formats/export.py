"""Writing a data set in any layout, and opening one without being told which it is."""

from __future__ import annotations

import hashlib
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from editloop import __version__
from editloop.core.errors import StoreError, UsageError
from editloop.core.ids import sha256_hex
from editloop.core.registry import Registry
from editloop.records.formats.dataset import Dataset, Layout, Load
from editloop.records.formats.spool import sorted_records
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord

_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
MANIFEST_NAME = "export.json"
LAYOUTS = Registry[Layout]("data set format")
LAYOUTS.add("parquet", "editloop.records.formats.parquet:PARQUET")
LAYOUTS.add("folder", "editloop.records.formats.folder:FOLDER")
LAYOUTS.add("webdataset", "editloop.records.formats.webdataset:WEBDATASET")
LAYOUTS.add("imgedit", "editloop.records.formats.imgedit:IMGEDIT")
LAYOUTS.add("nhr", "editloop.records.formats.nhr:NHR")
LAYOUTS.add("rewardedit", "editloop.records.formats.reward_edit_layout:REWARD_EDIT")


class ExportedFile(BaseModel):
    """One file of an export."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    size_bytes: int
    sha256: str


class ExportManifest(BaseModel):
    """What an export holds, so that a missing or damaged part shows at once. It carries no time: same records, same bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    editloop_version: str
    records: int
    left_out: int
    """Records for which the format has no place, such as triplets without a target in ImgEdit's."""
    accepted: int
    dialogues: int
    images: int
    image_bytes: int
    by_type: dict[str, int]
    by_licence: dict[str, int]
    files: tuple[ExportedFile, ...]


class _Tally:
    """Counts what passes on its way to the writer, and checks every image against its hash."""

    def __init__(self, layout: Layout, load: Load) -> None:
        self._layout = layout
        self._load = load
        self.records = self.left_out = self.accepted = self.images = self.image_bytes = 0
        self.dialogues: set[str] = set()
        self.types: Counter[str] = Counter()
        self.licences: Counter[str] = Counter()

    def count(self, records: Iterable[EditRecord]) -> Iterator[EditRecord]:
        for record in records:
            if not self._layout.holds(record):
                self.left_out += 1
                continue
            if not _SAFE_ID.fullmatch(record.id):
                raise UsageError(
                    f"the record id {record.id!r} cannot name files: expected letters, digits, '-' and '_'"
                )
            self.records += 1
            self.accepted += bool(record.verdict and record.verdict.accepted)
            self.types[record.kind] += 1
            self.licences[record.provenance.origin.licence or "unknown"] += 1
            if record.turn:
                self.dialogues.add(record.turn.dialogue_id)
            yield record

    def load(self, ref: ImageRef) -> bytes:
        data = self._load(ref)
        if sha256_hex(data) != ref.sha256:
            raise StoreError(
                f"the image {ref.sha256} is damaged: its {len(data)} bytes have another SHA-256; "
                "nothing was exported"
            )
        self.images += 1
        self.image_bytes += len(data)
        return data


def export(records: Iterable[EditRecord], load: Load, out: Path, format: str) -> ExportManifest:
    """Write `records` with their images to the folder `out`.

    The export is made beside `out` and renamed into place when complete; an older export there is replaced. The same
    records give the same bytes, in whatever order they come.

    Args:
        records: Any number; they are spooled through disk, so memory stays flat.
        load: Gives the encoded bytes of an image; every image is checked against its hash.
        out: Does not exist, is empty, or holds an older export.
        format: A name in `LAYOUTS`.

    Raises:
        UnknownNameError: no such format.
        UsageError: `out` holds something else, or two records share an id.
        StoreError: the disk is full or not writable, or an image is damaged; `out` is as it was.
    """
    layout = LAYOUTS.get(format)
    _refuse_foreign(out)
    partial = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.partial")
    tally = _Tally(layout, load)
    try:
        partial.mkdir(parents=True)
        with sorted_records(records, layout.order, partial) as ordered:
            layout.write(tally.count(ordered), tally.load, partial)
        manifest = _manifest(layout, tally, partial)
        (partial / MANIFEST_NAME).write_text(manifest.model_dump_json(indent=1) + "\n")
        _move_into_place(partial, out)
    except OSError as error:
        raise StoreError(
            f"cannot write {out}: {error.strerror or error}; nothing was changed there"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def read_dataset(path: Path) -> Dataset:
    """Open a data set of any known layout: editloop's exports, ImgEdit's and NHR-Edit's releases.

    Raises:
        UsageError: no layout fits.
        StoreError: the export's manifest names a file that is missing or has another size.
    """
    if not path.exists():
        raise UsageError(f"{path} does not exist; expected the folder or file of a data set")
    manifest = read_manifest(path)
    if manifest:
        _check_sizes(path, manifest)
        return LAYOUTS.get(manifest.format).read(path)
    for name in LAYOUTS:
        layout = LAYOUTS.get(name)
        if layout.recognises(path):
            return layout.read(path)
    raise UsageError(f"{path} is none of the known data set formats: {', '.join(LAYOUTS)}")


def read_manifest(path: Path) -> ExportManifest | None:
    """The manifest of an export, or None when `path` is not one."""
    file = path / MANIFEST_NAME
    if not file.is_file():
        return None
    try:
        return ExportManifest.model_validate_json(file.read_bytes())
    except ValueError as error:
        raise StoreError(f"{file} is not a readable export manifest: {error}") from error


def verify_export(path: Path) -> list[str]:
    """What is wrong with an export: files that are missing or whose checksum differs (empty when all is well)."""
    manifest = read_manifest(path)
    if manifest is None:
        raise UsageError(f"{path} is not an editloop export: it has no {MANIFEST_NAME}")
    problems = []
    for file in manifest.files:
        target = path / file.path
        if not target.is_file():
            problems.append(f"{file.path}: missing")
        elif _checksum(target) != file.sha256:
            problems.append(f"{file.path}: checksum differs")
    return problems


def _refuse_foreign(out: Path) -> None:
    if not out.exists() or (out / MANIFEST_NAME).is_file():
        return
    if not out.is_dir() or any(out.iterdir()):
        raise UsageError(f"{out} exists and is not an editloop export: choose another place")


def _manifest(layout: Layout, tally: _Tally, folder: Path) -> ExportManifest:
    files = tuple(
        ExportedFile(
            path=path.relative_to(folder).as_posix(),
            size_bytes=path.stat().st_size,
            sha256=_checksum(path),
        )
        for path in layout.index_files(folder)
    )
    return ExportManifest(
        format=layout.name,
        editloop_version=__version__,
        records=tally.records,
        left_out=tally.left_out,
        accepted=tally.accepted,
        dialogues=len(tally.dialogues),
        images=tally.images,
        image_bytes=tally.image_bytes,
        by_type=dict(sorted(tally.types.items())),
        by_licence=dict(sorted(tally.licences.items())),
        files=files,
    )


def _move_into_place(partial: Path, out: Path) -> None:
    """Rename `partial` to `out`; the export that stood there disappears only after the new one stands."""
    if not out.exists():
        partial.rename(out)
        return
    old = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.old")
    out.rename(old)
    try:
        partial.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old)


def _check_sizes(path: Path, manifest: ExportManifest) -> None:
    for file in manifest.files:
        target = path / file.path
        size = target.stat().st_size if target.is_file() else None
        if size != file.size_bytes:
            found = "is missing" if size is None else f"has {size} bytes"
            raise StoreError(
                f"{target} {found}, expected {file.size_bytes}: export or copy it again"
            )


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""The cache of assets: fetched once, verified by SHA-256, then used without a network.

    <cache>/<asset>-<version>/<files>     what models open
    <cache>/<asset>-<version>/verified.json   size, time and checksum of every file, so that a start need not hash them
    <cache>/<asset>.lock                  one process fetches, others wait

The cache is ``EDITLOOP_ASSETS`` or ``~/.cache/editloop/assets``.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, NamedTuple

from editloop.core.assets.archives import read_members
from editloop.core.assets.catalogue import Asset, AssetFile, find_asset
from editloop.core.assets.clients import fetch_archive, missing_client
from editloop.core.assets.progress import Progress, StderrProgress
from editloop.core.errors import AssetError

CACHE_VARIABLE = "EDITLOOP_ASSETS"
_VERIFIED = "verified.json"
_CHUNK = 1 << 20


class AssetState(StrEnum):
    """Whether an asset can be used."""

    READY = "ready"
    NOT_FETCHED = "not fetched"
    DAMAGED = "damaged"
    UNAVAILABLE = "unavailable"


class AssetStatus(NamedTuple):
    """State of one asset and, where it is not ready, why."""

    state: AssetState
    reason: str = ""


def cache_folder() -> Path:
    """Where assets live; not created here."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "editloop" / "assets"


def ensure_asset(asset: Asset | str, progress: Progress | None = None) -> Path:
    """The folder with the files of `asset`, fetched on first use and verified.

    Raises:
        AssetError: when it cannot be fetched, or what came does not match the pinned checksum.
    """
    asset = find_asset(asset) if isinstance(asset, str) else asset
    folder = cache_folder() / asset.folder_name
    if _all_verified(asset, folder):
        return folder
    with _locked(asset):
        if not _all_verified(asset, folder):
            _fetch(asset, folder, progress)
    return folder


def derive_file(
    asset: Asset | str, name: str, version: int, build: Callable[[Path, Path], None]
) -> Path:
    """A file computed once from the files of an asset, such as a converted model.

    Args:
        asset: The asset, or its name.
        name: File name of the result, for example ``nanodet.onnx``.
        version: Raise it whenever `build` may give other bytes.
        build: Called with (folder of the asset, path to write); the result appears by an atomic rename.

    Returns:
        Path of the derived file, whose name carries `version` and the asset's checksum.

    Raises:
        AssetError: as `ensure_asset` does.
    """
    asset = find_asset(asset) if isinstance(asset, str) else asset
    folder = ensure_asset(asset)
    stem, dot, ending = name.rpartition(".")
    path = folder / f"{stem}.v{version}-{asset.checksum[:12]}{dot}{ending}"
    if path.is_file():
        return path
    with _locked(asset):
        if not path.is_file():
            with tempfile.TemporaryDirectory(dir=folder, prefix=".derive-") as scratch:
                result = Path(scratch) / path.name
                build(folder, result)
                result.replace(path)
    return path


def asset_status(asset: Asset | str, *, rehash: bool = False) -> AssetStatus:
    """State of `asset` on this machine; never touches the network.

    Args:
        asset: The asset, or its name.
        rehash: Hash every file again instead of trusting size and time.
    """
    asset = find_asset(asset) if isinstance(asset, str) else asset
    folder = cache_folder() / asset.folder_name
    paths = [folder / file.path for file in asset.files]
    if all(path.is_file() for path in paths):
        whole = (
            all(_sha256(p) == f.sha256 for p, f in zip(paths, asset.files, strict=True))
            if rehash
            else _all_verified(asset, folder)
        )
        if whole:
            return AssetStatus(AssetState.READY)
        return AssetStatus(
            AssetState.DAMAGED, "a file differs from its checksum; it will be fetched again"
        )
    if reason := missing_client(asset):
        return AssetStatus(AssetState.UNAVAILABLE, reason)
    return AssetStatus(AssetState.NOT_FETCHED)


def _all_verified(asset: Asset, folder: Path) -> bool:
    """Whether every file is there and known good; files that changed since are hashed again."""
    known = _read_verified(folder)
    fresh = dict(known)
    for file in asset.files:
        path = folder / file.path
        try:
            facts = path.stat()
        except OSError:
            return False
        seen: list[int | str] = [facts.st_size, facts.st_mtime_ns, file.sha256]
        if known.get(file.path) != seen:
            if facts.st_size != file.size_bytes or _sha256(path) != file.sha256:
                return False
            fresh[file.path] = seen
    if fresh != known:
        # A read-only cache is fine: the files are then hashed at every start.
        with contextlib.suppress(OSError):
            _write_verified(folder, fresh)
    return True


def _fetch(asset: Asset, folder: Path, progress: Progress | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix=f".{asset.name}-") as scratch_name:
        scratch = Path(scratch_name)
        downloads = scratch / "download"
        downloads.mkdir()
        with StderrProgress() as shown:
            archive = fetch_archive(asset, downloads, progress or shown)
        found = _sha256(archive)
        if found != asset.archive_sha256:
            raise AssetError(
                f"{asset.archive} has the checksum {found}, expected {asset.archive_sha256}: the package was replaced "
                "or damaged on the way; nothing was unpacked. Fetch again, and report it if it stays so."
            )
        for file, unpacked in _unpack(asset, archive, scratch):
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            unpacked.replace(target)
    if not _all_verified(asset, folder):
        raise AssetError(f"asset {asset.name!r} was written to {folder} and cannot be read back")


def _unpack(asset: Asset, archive: Path, scratch: Path) -> Iterator[tuple[AssetFile, Path]]:
    room = {member: file.size_bytes for file in asset.files for member in file.members}
    parts: dict[str, Path] = {}
    for number, (member, stream) in enumerate(read_members(archive, set(room))):
        parts[member] = scratch / f"part-{number}"
        with parts[member].open("wb") as out:
            _copy_at_most(stream, out, room[member], member)
    for number, file in enumerate(asset.files):
        joined = scratch / f"file-{number}"
        with joined.open("wb") as out:
            for member in file.members:
                with parts[member].open("rb") as part:
                    shutil.copyfileobj(part, out, _CHUNK)
        if (found := _sha256(joined)) != file.sha256:
            raise AssetError(
                f"{file.path} of asset {asset.name!r} has the checksum {found}, expected {file.sha256}"
            )
        yield file, joined


def _copy_at_most(stream: IO[bytes], out: IO[bytes], limit: int, member: str) -> None:
    copied = 0
    while chunk := stream.read(_CHUNK):
        copied += len(chunk)
        if copied > limit:
            raise AssetError(f"the member {member!r} is larger than the catalogued {limit} bytes")
        out.write(chunk)


@contextlib.contextmanager
def _locked(asset: Asset) -> Iterator[None]:
    """One process at a time changes an asset; what a killed one left behind is swept up."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{asset.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for leftover in folder.glob(f".{asset.name}-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            yield
    except OSError as error:
        raise AssetError(
            f"asset {asset.name!r} could not be stored in {folder}: {error}; make room there, or choose another "
            f"folder with {CACHE_VARIABLE}"
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_verified(folder: Path) -> dict[str, list[int | str]]:
    try:
        known = json.loads((folder / _VERIFIED).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write_verified(folder: Path, known: dict[str, list[int | str]]) -> None:
    handle, scratch = tempfile.mkstemp(dir=folder, prefix=".verified-")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(known, stream)
    Path(scratch).replace(folder / _VERIFIED)

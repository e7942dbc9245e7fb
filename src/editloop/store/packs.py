"""Append-only files that hold encoded images end to end, addressed by the SHA-256 of their bytes.

Each writing process has its own pack, held by a file lock, and continues the last one that has room. A crash can
only leave bytes that no index row speaks of.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
from pathlib import Path
from typing import Final, NamedTuple

from editloop.core.errors import StoreError
from editloop.core.ids import sha256_hex

PACK_BYTES: Final = 512 * 1024 * 1024
"""A pack is closed before it grows beyond this."""


class BlobLocation(NamedTuple):
    """Where the bytes of a blob stand: file name of the pack, first byte, number of bytes."""

    pack: str
    offset: int
    length: int


def storage_error(error: OSError, path: Path, action: str) -> StoreError:
    """The `StoreError` that tells a person what an `OSError` on `path` means."""
    advice = {
        errno.ENOSPC: "the disk is full: free some space and run the same command again",
        errno.EDQUOT: "the disk quota is used up: free some space and run the same command again",
        errno.EFBIG: "the file may not grow further here: raise the file size limit or choose another folder",
        errno.EROFS: "the file system is read-only: choose another output folder",
        errno.EACCES: "permission denied: choose a folder that you may write",
        errno.EPERM: "not permitted: choose a folder that you may write",
        errno.ENOTDIR: "a part of the path is a file, not a folder: choose another output folder",
    }.get(error.errno or 0, error.strerror or str(error))
    return StoreError(f"cannot {action} {path}: {advice}; what was committed before is intact")


class PackWriter:
    """Appends blobs to a pack that no other process writes.

    Args:
        folder: Folder of the packs; made when missing.
        limit_bytes: Size at which the next pack is begun.
        survive_power_loss: Wait for the disk after every blob.
    """

    def __init__(
        self, folder: Path, limit_bytes: int = PACK_BYTES, *, survive_power_loss: bool = False
    ) -> None:
        self._folder = folder
        self._survive_power_loss = survive_power_loss
        self._limit_bytes = limit_bytes
        self._file: int | None = None
        self._path = folder
        self._end = 0

    def append(self, data: bytes) -> BlobLocation:
        """Hand `data` to the operating system and say where it stands.

        Raises:
            StoreError: when the folder cannot be written.
        """
        try:
            if self._file is None or self._end + len(data) > self._limit_bytes:
                self._next_pack(len(data))
            return self._write(data)
        except OSError as error:
            self.close()
            raise storage_error(error, self._path, "write") from error

    def close(self) -> None:
        """Release the pack for other writers."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, data: bytes) -> BlobLocation:
        if self._file is None:
            raise StoreError(f"no pack is open in {self._folder}")
        location = BlobLocation(self._path.name, self._end, len(data))
        view = memoryview(data)
        while view:
            written = os.write(self._file, view)
            self._end += written
            view = view[written:]
        if self._survive_power_loss:
            os.fsync(self._file)
        return location

    def _next_pack(self, room: int) -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            self._path = self._folder / f"{number:06d}.pack"
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            size = os.fstat(file).st_size
            if (size == 0 or size + room <= self._limit_bytes) and _lock(file):
                self._file, self._end = file, os.fstat(file).st_size
                return
            os.close(file)


def read_blob(folder: Path, location: BlobLocation, sha256: str) -> bytes:
    """The bytes at `location`, checked against their hash.

    Raises:
        StoreError: when the pack is missing or its bytes do not match.
    """
    path = folder / location.pack
    try:
        with path.open("rb") as file:
            data = os.pread(file.fileno(), location.length, location.offset)
    except OSError as error:
        raise storage_error(error, path, "read") from error
    if sha256_hex(data) != sha256:
        raise StoreError(
            f"{path} is damaged: the {location.length} bytes at {location.offset} are not image {sha256[:12]}; "
            "restore the file, or remove the run folder and run again"
        )
    return data


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

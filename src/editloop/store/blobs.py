"""Images by the hash of their bytes: what a stage loads from and saves to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from editloop.core.errors import StoreError
from editloop.core.ids import sha256_hex
from editloop.store.packs import BlobLocation, PackWriter, read_blob


class BlobStore:
    """Reads blobs of a run folder and appends new ones, each once.

    New blobs reach the index only when the caller commits what `drain` returns together with the rows that refer to
    them; until then this process alone can read them.

    Args:
        folder: Folder of the packs.
        find: Looks up committed blobs by SHA-256.
        survive_power_loss: Wait for the disk after every blob.
    """

    def __init__(
        self,
        folder: Path,
        find: Callable[[str], BlobLocation | None],
        *,
        survive_power_loss: bool = False,
    ) -> None:
        self._folder = folder
        self._find = find
        self._writer = PackWriter(folder, survive_power_loss=survive_power_loss)
        self._lock = threading.Lock()
        self._written: dict[str, BlobLocation] = {}
        self._new: list[tuple[str, BlobLocation]] = []

    def put(self, data: bytes) -> str:
        """Store `data` unless it is there already; returns its SHA-256.

        Raises:
            StoreError: when the folder cannot be written.
        """
        sha256 = sha256_hex(data)
        if self._locate(sha256) is None:
            with self._lock:
                if sha256 not in self._written:
                    location = self._writer.append(data)
                    self._written[sha256] = location
                    self._new.append((sha256, location))
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes with this hash.

        Raises:
            StoreError: when the store has no such blob or its bytes are damaged.
        """
        location = self._locate(sha256)
        if location is None:
            raise StoreError(
                f"no image {sha256[:12]} in {self._folder}: save it before a record refers to it"
            )
        return read_blob(self._folder, location, sha256)

    def drain(self) -> list[tuple[str, BlobLocation]]:
        """Blobs written since the last call: commit them to the index."""
        with self._lock:
            new, self._new = self._new, []
        return new

    def close(self) -> None:
        """Release the pack."""
        self._writer.close()

    def _locate(self, sha256: str) -> BlobLocation | None:
        return self._written.get(sha256) or self._find(sha256)

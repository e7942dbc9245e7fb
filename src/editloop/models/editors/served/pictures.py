"""Pictures of kept replies, one file each, named by the hash of its bytes: too large for the file of replies itself."""

from __future__ import annotations

import threading
from pathlib import Path

from editloop.core.ids import sha256_hex
from editloop.store.packs import storage_error
from editloop.store.runs import write_atomically


class KeptPictures:
    """A folder of pictures, which several processes may share.

    Args:
        folder: Made with the first picture.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = threading.Lock()

    def put(self, picture: bytes) -> str:
        """Keep `picture`; its SHA-256.

        Raises:
            StoreError: the folder cannot be written.
        """
        sha256 = sha256_hex(picture)
        with self._writing:  # two equal pictures at once would write one draft
            if self.get(sha256) is None:
                write_atomically(self._path(sha256), picture)
        return sha256

    def get(self, sha256: str) -> bytes | None:
        """The picture; None where it is gone or damaged.

        Raises:
            StoreError: it cannot be read.
        """
        try:
            data = self._path(sha256).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_error(error, self._path(sha256), "read") from error
        return data if sha256_hex(data) == sha256 else None

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

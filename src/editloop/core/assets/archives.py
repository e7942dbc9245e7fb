"""Reads named members out of packages: wheels (zip), npm packages (tar), Debian packages (ar + tar), Qt resources.

Nothing is ever written under a name that an archive chose: callers name the members they want and receive streams,
so a member called ``../../etc/passwd`` can do no harm. Members that are links or folders are refused.
"""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from editloop.core.errors import AssetError

NESTED = "!/"
"""Separates the name of an archive inside an archive from the name of its member."""

Reader = Callable[[IO[bytes], set[str]], Iterator[tuple[str, IO[bytes]]]]

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60
_RCC_COMPRESSED, _RCC_FOLDER, _RCC_ZSTD = 1, 2, 4


def read_members(archive: Path, members: set[str]) -> Iterator[tuple[str, IO[bytes]]]:
    """Yields (member, stream of its bytes) for every wanted member, in archive order.

    Raises:
        AssetError: when the archive cannot be read, or a wanted member is absent or is not a plain file.
    """
    seen: set[str] = set()
    try:
        with archive.open("rb") as stream:
            for name, member in _read(archive.name, stream, members):
                seen.add(name)
                yield name, member
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        lzma.LZMAError,
        EOFError,
        ValueError,
    ) as error:
        raise AssetError(f"{archive.name} is damaged: {error}; fetch it again") from error
    if missing := members - seen:
        raise AssetError(f"{archive.name} has no member {sorted(missing)[0]!r}")


def _read(
    archive_name: str, stream: IO[bytes], members: set[str]
) -> Iterator[tuple[str, IO[bytes]]]:
    outer: dict[str, set[str]] = {}
    for member in members:
        container, nested, inner = member.partition(NESTED)
        outer.setdefault(container, set()).update({inner} if nested else set())
    for name, found in _reader_for(archive_name)(stream, set(outer)):
        if not outer[name]:
            yield name, found
            continue
        for inner, nested_stream in _read(name, io.BytesIO(found.read()), outer[name]):
            yield f"{name}{NESTED}{inner}", nested_stream


def _reader_for(name: str) -> Reader:
    readers: dict[tuple[str, ...], Reader] = {
        (".whl", ".zip"): _read_zip,
        (".tgz", ".tar.gz", ".tar.xz", ".tar"): _read_tar,
        (".deb",): _read_deb,
        (".rcc",): _read_rcc,
    }
    for endings, reader in readers.items():
        if name.endswith(endings):
            return reader
    raise AssetError(f"cannot read archives such as {name!r}; known: .whl .zip .tgz .tar .deb .rcc")


def _read_zip(stream: IO[bytes], wanted: set[str]) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            if info.filename in wanted:
                with archive.open(info) as member:
                    yield info.filename, member


def _read_tar(stream: IO[bytes], wanted: set[str]) -> Iterator[tuple[str, IO[bytes]]]:
    left = set(wanted)
    with tarfile.open(fileobj=stream, mode="r|*") as archive:
        for info in archive:
            name = info.name.removeprefix("./")
            if name not in left:
                continue
            member = archive.extractfile(info) if info.isreg() else None
            if member is None:
                raise AssetError(f"the member {name!r} is a link or a folder, not a plain file")
            yield name, member
            left.discard(name)
            if not left:
                return


def _read_deb(stream: IO[bytes], wanted: set[str]) -> Iterator[tuple[str, IO[bytes]]]:
    if stream.read(len(_AR_MAGIC)) != _AR_MAGIC:
        raise AssetError("the Debian package does not start with the ar signature")
    while header := stream.read(_AR_HEADER):
        name = header[:16].decode().strip().rstrip("/")
        size = int(header[48:58])
        if name.startswith("data.tar"):
            yield from _read_tar(io.BytesIO(stream.read(size)), wanted)
            return
        stream.seek(size + size % 2, io.SEEK_CUR)
    raise AssetError("the Debian package holds no data.tar")


def _read_rcc(stream: IO[bytes], wanted: set[str]) -> Iterator[tuple[str, IO[bytes]]]:
    data = stream.read()
    magic, version, tree, blobs, names = struct.unpack_from(">4sIIII", data)
    if magic != b"qres":
        raise AssetError("the Qt resource file does not start with its signature")
    node_bytes = 14 if version == 1 else 22

    def walk(index: int, prefix: str, depth: int) -> Iterator[tuple[str, int, int]]:
        if depth > 64:
            raise AssetError("the Qt resource file nests folders without end")
        name_at, flags, first, second = struct.unpack_from(">IHII", data, tree + index * node_bytes)
        path = prefix + _rcc_name(data, names + name_at) if index else ""
        if not flags & _RCC_FOLDER:
            yield path, flags, second
            return
        for child in range(second, second + first):
            yield from walk(child, f"{path}/" if path else "", depth + 1)

    for path, flags, offset in walk(0, "", 0):
        if path in wanted:
            yield path, io.BytesIO(_rcc_blob(data, blobs + offset, flags))


def _rcc_name(data: bytes, at: int) -> str:
    (length,) = struct.unpack_from(">H", data, at)
    return data[at + 6 : at + 6 + 2 * length].decode("utf-16-be")


def _rcc_blob(data: bytes, at: int, flags: int) -> bytes:
    (length,) = struct.unpack_from(">I", data, at)
    blob = data[at + 4 : at + 4 + length]
    if flags & _RCC_ZSTD:
        raise AssetError("a member of the Qt resource file is compressed with zstd")
    return zlib.decompress(blob[4:]) if flags & _RCC_COMPRESSED else blob

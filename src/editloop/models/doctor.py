"""What this machine has: assets, packages that carry models, and the optional extras."""

from __future__ import annotations

import re
from importlib import metadata
from typing import NamedTuple

from editloop.core.assets import AssetState, asset_status, catalogue, model_packages

_REQUIREMENT = re.compile(r"^(?P<package>[A-Za-z0-9._-]+).*;.*extra == ['\"](?P<extra>[\w-]+)['\"]")


class AssetRow(NamedTuple):
    """One asset, or one installed package that carries a model itself (`kind` is then ``installed``)."""

    name: str
    role: str
    kind: str
    package: str
    version: str
    licence: str
    size_bytes: int
    checksum: str
    origin: str
    state: str
    reason: str
    note: str


class ExtraRow(NamedTuple):
    """One package of one optional extra; `version` is empty where it is not installed."""

    extra: str
    package: str
    version: str


def asset_rows(*, rehash: bool = False) -> list[AssetRow]:
    """Every asset of the catalogue and every package that carries a model; never touches the network.

    Args:
        rehash: Hash every file again instead of trusting size and time.
    """
    rows = []
    for asset in catalogue().values():
        status = asset_status(asset, rehash=rehash)
        rows.append(
            AssetRow(
                name=asset.name,
                role=asset.role,
                kind=asset.kind,
                package=asset.package,
                version=asset.version,
                licence=asset.licence,
                size_bytes=asset.size_bytes,
                checksum=asset.checksum,
                origin=asset.origin,
                state=status.state.value,
                reason=status.reason,
                note=asset.note,
            )
        )
    return rows + _package_rows()


def extra_rows() -> list[ExtraRow]:
    """The packages of every optional extra, as the installed editloop declares them."""
    rows = []
    for requirement in metadata.requires("editloop") or []:
        if match := _REQUIREMENT.match(requirement):
            package = match["package"]
            rows.append(ExtraRow(match["extra"], package, _installed_version(package) or ""))
    return sorted(rows)


def _package_rows() -> list[AssetRow]:
    rows = []
    for package in model_packages():
        version = _installed_version(package.package)
        rows.append(
            AssetRow(
                name=package.package,
                role=package.role,
                kind="installed",
                package=package.package,
                version=version or "",
                licence=package.licence,
                size_bytes=_installed_bytes(package.package) if version else 0,
                checksum="",
                origin=package.origin,
                state=(AssetState.READY if version else AssetState.UNAVAILABLE).value,
                reason="" if version else "run: pip install 'editloop[photos]'",
                note=package.note,
            )
        )
    return rows


def _installed_version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _installed_bytes(package: str) -> int:
    return sum(file.size or 0 for file in metadata.files(package) or [])

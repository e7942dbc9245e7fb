"""The catalogue is complete, pinned and consistent with the page about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from editloop.core.assets import catalogue, find_asset, model_packages
from editloop.core.assets.catalogue import read_catalogue
from editloop.core.assets.table import markdown_table
from editloop.core.errors import AssetError, UnknownNameError

REPOSITORY = Path(__file__).parents[3]
DIGEST = re.compile("^[0-9a-f]{64}$")


def table(path: str = "a.bin", name: str = "one") -> str:
    return f"""
[[asset]]
name = "{name}"
role = "detector"
kind = "pypi"
package = "p"
version = "1"
archive = "p-1.whl"
archive_sha256 = "{"0" * 64}"
archive_bytes = 1
licence = "MIT"
origin = "https://example.org"
note = "n"
[[asset.file]]
path = "{path}"
members = ["m"]
sha256 = "{"0" * 64}"
size_bytes = 1
"""


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_asset_is_pinned_and_says_where_it_comes_from(name: str) -> None:
    asset = find_asset(name)
    assert DIGEST.match(asset.archive_sha256)
    assert asset.licence
    assert asset.origin.startswith("https://")
    assert asset.note.endswith(".")
    assert asset.version
    assert asset.archive.endswith((".whl", ".tgz", ".deb"))
    for file in asset.files:
        assert DIGEST.match(file.sha256)
        assert file.size_bytes > 0
        assert file.members


def test_the_roles_of_the_embedded_tier_are_all_there() -> None:
    roles = {asset.role for asset in catalogue().values()}
    roles |= {role for package in model_packages() for role in package.role.split(", ")}
    assert roles >= {
        "detector",
        "segmenter",
        "tagger",
        "remover",
        "quality",
        "reader",
        "text embedder",
    }


def test_the_page_about_assets_shows_the_catalogue() -> None:
    assert markdown_table() in (REPOSITORY / "docs" / "assets.md").read_text("utf-8")


@pytest.mark.parametrize("path", ["../a.bin", "/etc/a.bin", "x/../../a.bin", ""])
def test_a_file_outside_its_folder_is_refused(path: str) -> None:
    with pytest.raises(AssetError, match="outside its own folder"):
        read_catalogue(table(path))


def test_two_assets_of_one_name_are_refused() -> None:
    with pytest.raises(AssetError, match="'one' twice"):
        read_catalogue(table() + table())


def test_a_misspelt_name_gets_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'nanodet'"):
        find_asset("nanodot")


def test_the_checksum_of_an_asset_changes_with_any_file() -> None:
    one = read_catalogue(table())["one"]
    other = read_catalogue(
        table().replace(f'sha256 = "{"0" * 64}"\nsize', f'sha256 = "{"1" * 64}"\nsize')
    )["one"]
    assert one.checksum != other.checksum
    assert find_asset("isnet").checksum != find_asset("isnet").file("isnet.onnx").sha256

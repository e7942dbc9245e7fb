"""Members come out of every kind of archive, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.core.assets.packages import debian_package, qt_resource, tarball, wheel

from editloop.core.assets.archives import read_members
from editloop.core.errors import AssetError

FILES = {"a/one.bin": b"one", "a/two.bin": b"two"}
ARCHIVES = {
    "p.whl": wheel(FILES),
    "p.tgz": tarball(FILES),
    "p.tar.xz": tarball(FILES, mode="w:xz"),
    "p.deb": debian_package(FILES, "Package: p\n"),
    "p.rcc": qt_resource("a", {"one.bin": b"one", "two.bin": b"two"}),
}


def read(folder: Path, name: str, data: bytes, members: set[str]) -> dict[str, bytes]:
    path = folder / name
    path.write_bytes(data)
    return {member: stream.read() for member, stream in read_members(path, members)}


@pytest.mark.parametrize("name", ARCHIVES)
def test_the_wanted_members_are_read(name: str, tmp_path: Path) -> None:
    assert read(tmp_path, name, ARCHIVES[name], {"a/two.bin"}) == {"a/two.bin": b"two"}
    assert read(tmp_path, name, ARCHIVES[name], set(FILES)) == FILES


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_absent_member_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"no member 'a/three\.bin'"):
        read(tmp_path, name, ARCHIVES[name], {"a/one.bin", "a/three.bin"})


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize("keep", [0, 10, 70])
def test_a_truncated_archive_is_an_error_with_advice(name: str, keep: int, tmp_path: Path) -> None:
    with pytest.raises(AssetError):
        read(tmp_path, name, ARCHIVES[name][:keep], set(FILES))


def test_an_archive_inside_an_archive_is_read(tmp_path: Path) -> None:
    inner = qt_resource("photos", {"dog.webp": b"woof"}, compress=True)
    outer = debian_package({"usr/share/x.rcc": inner, "README": b"hello"}, "Package: p\n")
    members = {"usr/share/x.rcc!/photos/dog.webp", "README"}
    assert read(tmp_path, "p.deb", outer, members) == {
        "usr/share/x.rcc!/photos/dog.webp": b"woof",
        "README": b"hello",
    }


def test_a_link_is_refused_even_when_it_is_named(tmp_path: Path) -> None:
    archive = tarball(FILES, links={"a/link.bin": "/etc/passwd"})
    with pytest.raises(AssetError, match="is a link or a folder"):
        read(tmp_path, "p.tgz", archive, {"a/link.bin"})


def test_members_with_hostile_names_write_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    hostile = {"../escaped.bin": b"x", "/tmp/escaped.bin": b"x", "a/one.bin": b"one"}
    for name, data in (("p.tgz", tarball(hostile)), ("p.whl", wheel(hostile))):
        assert read(folder, name, data, {"a/one.bin"}) == {"a/one.bin": b"one"}
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["in", "p.tgz", "p.whl"]


def test_an_unknown_ending_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"cannot read archives such as 'p\.rar'"):
        read(tmp_path, "p.rar", b"Rar!", {"a"})


def test_a_resource_file_that_nests_into_itself_ends(tmp_path: Path) -> None:
    looping = bytearray(qt_resource("a", {"one.bin": b"one"}))
    folder_node = len(looping) - 2 * 22
    looping[folder_node + 10 : folder_node + 14] = (1).to_bytes(4, "big")
    with pytest.raises(AssetError, match="without end"):
        read(tmp_path, "p.rcc", bytes(looping), {"a/one.bin"})

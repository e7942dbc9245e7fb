from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from editloop.core.errors import UsageError
from editloop.mine.photos import open_path, photo_files, unique


def save(path: Path, colour: str = "red") -> Path:
    Image.new("RGB", (8, 8), colour).save(path)
    return path


def test_names_give_the_order_and_documents_are_passed_over(tmp_path: Path) -> None:
    save(tmp_path / "b.png", "red")
    save(tmp_path / "a.png", "blue")
    (tmp_path / "readme.txt").write_text("hello")
    (tmp_path / ".hidden.png").write_bytes(b"x")
    assert [f.origin.name for f in photo_files(tmp_path)] == ["a.png", "b.png"]


def test_identity_is_content_not_name(tmp_path: Path) -> None:
    first = save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(first.read_bytes())
    files = list(unique(photo_files(tmp_path)))
    assert files[1].problem == "exact_duplicate"
    assert files[0].id != files[1].id


def test_odd_names_open_again(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/caf\xe9 %20 \n.png"
    save(tmp_path / "plain.png")
    os.rename(tmp_path / "plain.png", odd)  # noqa: PTH104  # a bytes name is the point
    (file,) = photo_files(tmp_path)
    assert open_path(file).read_bytes()
    assert "\\xe9" in file.origin.name


def test_what_cannot_be_read_is_a_record_with_a_problem(tmp_path: Path) -> None:
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    (tmp_path / "empty.jpg").touch()
    problems = {f.origin.name: f.problem for f in photo_files(tmp_path)}
    assert problems == {"loop.jpg": "unreadable", "empty.jpg": "empty_file"}


def test_a_manifest_gives_origins(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "manifest.jsonl").write_text(
        '{"file": "a.png", "licence": "CC0", "author": "Ada"}\n'
    )
    (file,) = photo_files(tmp_path)
    assert (file.origin.licence, file.origin.author) == ("CC0", "Ada")


def test_a_broken_manifest_says_where(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text("[1]\n")
    with pytest.raises(UsageError, match="line 1"):
        list(photo_files(tmp_path))


def test_a_folder_is_expected(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        list(photo_files(tmp_path / "nowhere"))

"""`editloop bench contamination`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from editloop.bench.building.storybook import build_storybook
from editloop.bench.contamination import NamedImage, find_contamination
from editloop.cli.app import app
from editloop.core.errors import UsageError
from editloop.core.images import encode_png
from editloop.world.render import render
from editloop.world.sampling import cases


def picture(number: int, size: int = 128) -> np.ndarray:
    return render(next(iter(cases(number, 1, "train"))).source, size)


def named(name: str, pixels: np.ndarray, words: str = "") -> NamedImage:
    data = encode_png(pixels)
    return NamedImage(name, words, lambda: data)


def test_copies_are_found_and_others_are_not() -> None:
    bench = [named(f"bench {n}", picture(n), "Make it green.") for n in range(8)]
    smaller = np.asarray(Image.fromarray(picture(2)).resize((64, 64)))
    mirrored = np.ascontiguousarray(picture(5)[:, ::-1])
    train = [named(f"train {n}", picture(n)) for n in range(20, 28)]
    train += [named("smaller", smaller, "make it green"), named("mirrored", mirrored)]
    found = find_contamination(bench, train, max_distance=4)
    pairs = {pair.bench.name: pair for pair in found.pairs}
    assert pairs["bench 2"].train.name == "smaller"
    assert pairs["bench 2"].same_words
    assert pairs["bench 5"].mirrored
    assert not pairs["bench 5"].same_words
    assert found.share.value == len(pairs) / 8
    assert {"bench 2", "bench 5"} <= set(pairs)


def test_an_embedding_finds_what_a_hash_does_not() -> None:
    def colours(images: object) -> np.ndarray:
        return np.stack([np.asarray(i).reshape(-1, 3).mean(axis=0) - 128 for i in images])  # type: ignore[attr-defined]

    upside_down = np.ascontiguousarray(picture(1)[::-1])
    found = find_contamination([named("b", picture(1))], [named("t", upside_down)], embed=colours, embedding="colours", min_similarity=0.99, max_distance=2)  # fmt: skip
    assert [pair.by for pair in found.pairs] == ["embedding"]
    assert (found.share.value, found.by_embedding) == (0.0, 1)


def test_unreadable_images_are_named() -> None:
    broken = NamedImage("broken", "", lambda: b"no image")
    found = find_contamination([named("b", picture(1))], [named("t", picture(2)), broken])
    assert found.train_images == 1
    assert "broken: not_an_image" in found.unreadable[0]
    with pytest.raises(UsageError, match="no image that can be read; the first: broken"):
        find_contamination([named("b", picture(1))], [broken])


def test_the_command_writes_a_page(tmp_path: Path) -> None:
    build_storybook(tmp_path / "bench", 9, size=64)
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "other.png").write_bytes(encode_png(picture(77)))
    Image.open(tmp_path / "bench" / "add" / "1.png").convert("RGB").save(photos / "<b>.jpg", quality=80)  # fmt: skip
    words = ["bench", "contamination", "--train", str(photos), "--bench", str(tmp_path / "bench" / "basic_edit.json"), "--embedding", "none", "--max-distance", "4", "--out", str(tmp_path / "page")]  # fmt: skip
    found = CliRunner().invoke(app, [*words, "--json"])
    assert found.exit_code == 0, found.output
    body = json.loads(found.stdout)
    assert body["bench_images"] == 9
    assert {"bench": "add/1.png", "train": "<b>.jpg"}.items() <= body["pairs"][0].items()
    page = (tmp_path / "page" / "contamination.html").read_text()
    assert "&lt;b&gt;.jpg" in page
    assert "<b>.jpg" not in page

"""The picture sheet shows every word of the vocabularies, and small pictures stay as they are."""

from __future__ import annotations

import sys
from typing import get_args

import numpy as np
from PIL import Image

from editloop.world import sheet as sheet_module
from editloop.world.corruptors import FLAWS
from editloop.world.render import render
from editloop.world.scenes import Background, Kind, Scene, Style, Tone, Wear
from editloop.world.sheet import Labelled, sections, sheet


def test_everything_is_shown_under_its_name():
    labels = {label for _, pictures in sections() for label, _ in pictures}
    wanted = [*get_args(Kind), *get_args(Background), *get_args(Style), *get_args(Tone)]
    assert labels >= {*wanted, *get_args(Wear), *(flaw.replace("_", " ") for flaw in FLAWS)}


def test_pictures_are_enlarged_without_smoothing():
    picture = render(Scene("city", ()))
    page = np.asarray(sheet([("towns", [Labelled(str(i), picture) for i in range(11)])]))
    large = picture.repeat(2, axis=0).repeat(2, axis=1)
    rows = np.flatnonzero([(page[y : y + 64, 12:76] == large).all() for y in range(len(page) - 63)])
    assert len(rows) == 2  # ten fit in a row, the eleventh starts another


def test_the_command_writes_a_png(tmp_path, monkeypatch):
    out = tmp_path / "sheet.png"
    monkeypatch.setattr(sys, "argv", ["sheet", str(out)])
    sheet_module.main()
    assert out.stat().st_size < 150_000
    with Image.open(out) as page:
        assert page.format == "PNG"

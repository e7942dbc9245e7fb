"""A judge's card: everything on one page, everything escaped."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from editloop.core.errors import StoreError
from editloop.report.judge_card import (
    Bar,
    BarChart,
    CardPicture,
    CardRow,
    JudgeCard,
    Scatter,
    write_judge_card,
)
from editloop.report.story import Table

NASTY = "<script>alert(1)</script>"


def card() -> JudgeCard:
    picture = np.zeros((40, 60, 3), np.uint8)
    return JudgeCard(
        title=f"Judge {NASTY}",
        lead="lead",
        charts=[
            BarChart(
                "overall",
                [Bar(NASTY, 0.3, 0.1, 0.5, "judge"), Bar("b", -0.9, math.nan, math.nan, "people")],
            )
        ],
        scatters=[Scatter("overall", [(0.0, 10.0), (5.0, 5.0)], (0.0, 10.0))],
        agreement=[Table("All", ("axis",), ((NASTY,),), "note")],
        probes=Table("Probes", ("what",), (("blur",),)),
        probe_rows=[CardRow(NASTY, [CardPicture("source", picture, "3.0")])],
        disagreements=[CardRow("add a cat", [CardPicture("edited", picture)], NASTY)],
        facts={"seed": "0"},
    )


def test_the_page_is_one_file_that_asks_for_nothing_and_escapes_everything(tmp_path: Path) -> None:
    page = write_judge_card(card(), tmp_path / "deep" / "card.html")
    text = page.read_text()
    assert [path.name for path in page.parent.iterdir()] == ["card.html"]
    assert "<script" not in text
    assert "http://" not in text
    assert "default-src" in text
    assert text.count("data:image/jpeg") == 2
    assert text.count("<circle") == 2
    assert 'cx="0.0" cy="0.0"' in text


def test_an_empty_card_is_a_page_too(tmp_path: Path) -> None:
    assert (
        "nobody"
        in write_judge_card(JudgeCard(title="nobody", lead=""), tmp_path / "c.html").read_text()
    )


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another folder"):
        write_judge_card(card(), tmp_path / "file" / "card.html")

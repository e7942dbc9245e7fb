"""The leaderboard's pages: escaped, self-contained, sortable, every raw reply one click away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.report.browser import Browser, find_chromium

from editloop.report.board import Board, BoardCase, BoardRow, Figure, PairLine, PublishedBlock
from editloop.report.charts import radar, strips
from editloop.report.leaderboard import write_board

HOSTILE = "</script><script>document.title = 'taken'</script>"
GROUPS = ("add", "remove", "style")
CHROMIUM = find_chromium()


def cases(mean: float) -> list[BoardCase]:
    found = [
        BoardCase(
            key=f"{n}",
            group=GROUPS[n % 3],
            instruction=f"Instruction {n} {HOSTILE if n == 1 else ''}",
            score=min(5.0, mean + (n % 5) / 4),
            outcome="scored",
            axes=(("compliance", 4.0),),
            reply=f"Reply {n}: \ud83d {HOSTILE if n == 2 else ''}",
            spread=0.5 if n == 3 else None,
            source=np.full((32, 32, 3), 90, np.uint8) if n == 0 else None,
            edited=np.full((200, 160, 3), 90, np.uint8) if n == 0 else None,
        )
        for n in range(80)
    ]
    return [*found, BoardCase("lost", "add", "Lost", None, "refused", "refusal", reply="Sorry.")]


@pytest.fixture(scope="module")
def board() -> Board:
    rows = [
        BoardRow(
            name=name,
            ranks=ranks,
            overall=Figure(mean, mean - 0.1, mean + 0.1),
            by_item=Figure(mean + 0.05),
            groups=(Figure(mean), Figure(None), Figure(mean + 0.2, mean, mean + 0.4)),
            scored=80,
            total=81,
            note="1 refused",
            cases=cases(mean),
        )
        for name, ranks, mean in (
            ("Good & new", "1", 3.9),
            (HOSTILE, "2-3", 2.5),
            ("third", "2-3", 3.1),
        )
    ]
    return Board(
        title="Drawn bench",
        lead="Three editors.",
        metric="score",
        scale=(1.0, 5.0),
        groups=GROUPS,
        rows=rows,
        pairs=[
            PairLine("Good & new", "third", Figure(0.8, 0.5, 1.1), 0.001, 0.7, 0.2, 80, shown=True)
        ],
        published=[
            PublishedBlock(
                "table", "GPT-4.1", "somewhere", ("overall",), (("model", "4.2"),), "a note"
            )
        ],
        facts={"judge": "a judge"},
        notes=["a note for readers"],
    )


def test_every_text_is_escaped_and_nothing_is_fetched(board: Board, tmp_path: Path) -> None:
    page = write_board(board, tmp_path)
    pages = sorted(tmp_path.glob("*.html"))
    assert [p.name for p in pages] == [
        "cases-1-good-new.html",
        "cases-2-script-script-document-title-taken-scrip.html",
        "cases-3-third.html",
        "leaderboard.html",
    ]
    for one in pages:
        html = one.read_text()
        assert HOSTILE not in html
        assert "default-src &#39;none&#39;" in html
        assert not re.search(r"""(?:src|href)=["']https?:""", html)
    html = page.read_text()
    for text in ("Good &amp; new", "GPT-4.1", "80 of 81", "1 refused", "a note for readers", "2-3"):
        assert text in html
    listed = re.search(
        r'id="data">(.*?)</script>', (tmp_path / "cases-3-third.html").read_text(), re.DOTALL
    )
    assert listed is not None
    kept = json.loads(listed[1])
    assert len(kept) == 81
    assert kept[0]["source"].startswith("data:image/png")
    assert kept[0]["edited"].startswith("data:image/jpeg")
    assert "score" not in kept[-1]


def test_charts_stay_on_the_scale(board: Board) -> None:
    shape = radar(board)
    assert shape is not None
    assert len(shape.spokes) == 3
    assert len(shape.shapes) == 3
    marks = [mark for strip in strips(board) for mark in strip.marks]
    assert all(mark.at is None or 0 <= mark.at <= 100 for mark in marks)
    assert sum(mark.at is None for mark in marks) == 3


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with Browser(CHROMIUM, tmp_path_factory.mktemp("profile")) as running:
        running.resize(1280, 900)
        yield running


def test_it_sorts_and_filters_in_a_browser(board: Board, tmp_path: Path, browser: Browser) -> None:
    page = write_board(board, tmp_path)
    browser.open(page)
    first = "document.querySelector('#board tbody tr th').textContent.trim()"
    assert browser.read("document.title") == "Drawn bench"
    assert browser.read(first).startswith("Good & new")
    browser.click("#board thead th:nth-child(3) button")
    assert browser.read(first).startswith("Good & new"), "highest first"
    browser.click("#board thead th:nth-child(3) button")
    assert browser.read(first).startswith("</script>"), "then lowest first"
    assert browser.complaints == []
    browser.open(tmp_path / "cases-3-third.html", "#2")
    assert browser.read("document.querySelectorAll('.case').length") == 60
    assert browser.read("document.querySelector('.case details').open"), (
        "the case of the address, opened"
    )
    assert "Reply 2" in browser.read("document.querySelector('.case pre').textContent")
    browser.read(
        "(() => { const o = document.querySelector('#outcome'); o.value = 'refused'; o.dispatchEvent(new Event('input')); })()"
    )
    assert browser.read("document.querySelector('#count').textContent") == "1 of 81 cases"
    assert browser.complaints == []

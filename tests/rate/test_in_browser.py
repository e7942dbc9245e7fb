"""The page in a real browser: keys, marks, undo, all three kinds of sheet, a phone's width."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.rate.conftest import Server, make_dialogue_table, make_pair_table, make_score_table
from tests.report.browser import Browser, find_chromium

from editloop.rate.ratings import Given, RatingFile

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

READY = """!document.querySelector('#work').hidden && [...document.querySelectorAll('#frames .frame')]
  .filter(f => f.offsetParent).every(f => f.querySelector('img').naturalWidth)"""
COUNT = "document.querySelector('#count').textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert CHROMIUM is not None
    with Browser(CHROMIUM, tmp_path_factory.mktemp("profile")) as running:
        running.resize(1280, 720)
        yield running


class Visit:
    """A server, and a browser that has joined its study."""

    def __init__(self, browser: Browser, folder: Path, table: Path, *options: str) -> None:
        self.browser, self.folder = browser, folder
        self.server = Server(str(table), "--out", "study", *options, cwd=folder)
        browser.visit(self.server.base)
        browser.until("document.querySelector('#join').open")
        browser.write("Ada")
        browser.press("Enter")
        browser.until(READY)

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def answers(self) -> list[Given]:
        with RatingFile(self.folder / "study") as study:
            return study.answers()

    def submit(self, done: int) -> None:
        self.browser.press("Enter")
        self.browser.until(f"{COUNT}.startsWith('{done} done')")

    def middle(self, frame: int) -> list[float]:
        box: list[float] = self.browser.read(
            f"(() => {{ const r = document.querySelectorAll('.paper')[{frame}].getBoundingClientRect();"
            " return [r.x, r.y, r.width, r.height]; })()"
        )
        return box


def drag_over(visit: Visit) -> None:
    x, y, width, height = visit.middle(1)
    visit.browser.drag((x + width * 0.25, y + height * 0.25), (x + width * 0.75, y + height * 0.5))


def test_scores_by_keys_alone_with_a_mark_a_note_and_undo(browser: Browser, tmp_path: Path) -> None:
    with Visit(browser, tmp_path, make_score_table(tmp_path)) as visit:
        assert browser.read("document.querySelector('#instruction b')") is None
        browser.press("Enter")
        browser.until("document.querySelector('#toast').textContent.includes('still open')")
        for key in "78-6":
            browser.press(key)
        browser.press("ArrowUp")
        browser.press("ArrowLeft")
        browser.press("m")
        drag_over(visit)
        browser.press("m")
        browser.press("n")
        browser.write("the dot has no shadow")
        browser.press("Escape")
        before = browser.read("document.querySelectorAll('#frames img')[1].src")
        browser.press(" ")
        browser.until("document.querySelectorAll('#frames img')[1].src.endsWith('/source')")
        browser.press(" ")
        assert browser.read("document.querySelectorAll('#frames img')[1].src") == before
        visit.submit(1)
        (given,) = visit.answers()
        assert given.answer.scores == {
            "instruction": 7,
            "preservation": 8,
            "quality": 9,
            "overall": 6,
        }
        assert given.answer.note == "the dot has no shadow"
        mark = given.answer.marks[0]
        assert (mark.image, mark.left, mark.right) == ("edited", pytest.approx(0.25, abs=0.01), pytest.approx(0.75, abs=0.01))  # fmt: skip
        browser.until(READY)
        browser.press("u")
        browser.until("!document.querySelector('#editing').hidden")
        assert browser.read("document.querySelectorAll('.mark').length") == 1
        browser.press("2")
        visit.submit(1)
        browser.until("document.querySelector('#editing').hidden")
        assert visit.answers()[0].answer.scores["instruction"] == 2
        assert browser.complaints == []


def test_an_answer_waits_for_a_server_that_was_killed(browser: Browser, tmp_path: Path) -> None:
    with Visit(browser, tmp_path, make_score_table(tmp_path, 2), "--scale", "1-5") as visit:
        visit.server.stop(kill=True)
        for key in "1234":
            browser.press(key)
        browser.press("Enter")
        browser.until("document.querySelector('#toast').textContent.startsWith('Not kept yet')")
        port = visit.server.base.rpartition(":")[2]
        table = str(tmp_path / "items.jsonl")
        visit.server = Server(table, "--out", "study", "--port", port, cwd=tmp_path)
        browser.until(f"{COUNT}.startsWith('1 done')")
        assert visit.answers()[0].answer.scores["quality"] == 3


def test_pairs_by_arrows(browser: Browser, tmp_path: Path) -> None:
    with Visit(browser, tmp_path, make_pair_table(tmp_path, 2), "--sheet", "pairs") as visit:
        assert browser.read("document.querySelectorAll('#frames .frame').length") == 3
        browser.press("ArrowRight")
        visit.submit(1)
        browser.until(READY)
        browser.press("ArrowUp")
        visit.submit(2)
        browser.until("!document.querySelector('#finished').hidden")
        first, second = visit.answers()
        assert first.answer.choice == ("first" if first.assignment.flipped else "second")
        assert second.answer.choice == "both_bad"
        assert browser.complaints == []


def test_dialogues_turn_by_turn_on_a_phone(browser: Browser, tmp_path: Path) -> None:
    browser.resize(390, 844)
    try:
        table = make_dialogue_table(tmp_path, 1)
        with Visit(browser, tmp_path, table, "--sheet", "dialogue") as visit:
            assert browser.read("document.documentElement.scrollWidth") <= 390
            assert browser.read("[...document.querySelectorAll('.frame')].filter(f => f.offsetParent).length") == 1  # fmt: skip
            for place in range(7):
                browser.click(f"#questions .question.current button:nth-child({1 + place % 2})")
            visit.submit(1)
            (given,) = visit.answers()
            assert [turn.answers for turn in given.answer.turns] == [
                {"done": True, "kept": False}
            ] * 3
            assert given.answer.whole is True
            assert browser.complaints == []
    finally:
        browser.resize(1280, 720)

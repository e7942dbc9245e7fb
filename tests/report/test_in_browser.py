"""The page in a real browser, opened from disk: what a reader sees and does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.browser import Browser, find_chromium

from editloop.records.record import EditRecord
from editloop.report import ReportInput, write_report

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

CARDS = "document.querySelectorAll('#grid .card').length"
SHOWN = "document.querySelector('#shown').textContent"
OPENED = "document.querySelector('#viewer').open"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert CHROMIUM is not None
    with Browser(CHROMIUM, tmp_path_factory.mktemp("profile")) as running:
        running.resize(1440, 900)
        yield running


@pytest.fixture
def page(tmp_path: Path, report_input: ReportInput, browser: Browser) -> Path:
    path = write_report(report_input, tmp_path)
    browser.open(path)
    return path


def title_of_viewer(browser: Browser) -> str:
    text: str = browser.read("document.querySelector('#viewer-title').textContent")
    return text


def test_it_opens_without_a_complaint_and_hostile_text_stays_text(
    page: Path, browser: Browser
) -> None:
    browser.until(
        "[...document.querySelectorAll('#grid img')].slice(0, 2).every(i => i.naturalWidth)"
    )
    assert browser.read("document.title").startswith("Drawn triplets </script>")
    assert browser.complaints == []
    assert browser.read(CARDS) == 9


def test_a_hostile_record_opens_as_text_and_its_address_is_no_link(
    page: Path, browser: Browser
) -> None:
    browser.open(page, "#q=onerror")
    browser.click("#grid a")
    browser.until(OPENED)
    assert title_of_viewer(browser).startswith("Add </script><img")
    assert browser.read("document.querySelectorAll('#details img').length") == 0
    assert browser.read("document.querySelectorAll('#details dd a').length") == 0
    assert browser.read("document.title") != "owned"
    assert browser.complaints == []


def test_outcome_type_reason_and_words_narrow_the_grid(page: Path, browser: Browser) -> None:
    browser.click("[data-type=remove]")
    assert browser.read(SHOWN) == "5 of 11"
    browser.click("[data-type=add]")
    assert browser.read(SHOWN) == "7 of 11"
    browser.click("#clear")
    browser.click("[data-outcome=rejected]")
    assert browser.read(SHOWN) == "2 of 11"
    browser.read("(() => { byId('reason').value = 'too_small';"
                 " byId('reason').dispatchEvent(new Event('change')); })()")  # fmt: skip
    assert browser.read("document.querySelector('#grid .instruction').textContent") == "tiny.jpg"
    browser.click("[data-outcome=all]")
    browser.click("#clear")
    browser.click("#search")
    for letter in "number 13":
        browser.press(letter)
    browser.until(f"{SHOWN} === '1 of 11'")
    assert browser.read("location.hash") == "#outcome=all&q=number+13"


def test_sorting_by_score_orders_the_cards(page: Path, browser: Browser) -> None:
    scores = "[...document.querySelectorAll('#grid .score')].map(s => parseFloat(s.textContent))"
    browser.open(page, "#sort=worst")
    worst = browser.read(scores)
    assert worst == sorted(worst)
    browser.open(page, "#sort=best")
    assert browser.read(scores) == worst[::-1]


def test_a_click_opens_the_triplet_and_its_address_opens_it_again(
    page: Path, browser: Browser
) -> None:
    browser.click("#grid .card:nth-child(2) a")
    browser.until(OPENED)
    title, address = title_of_viewer(browser), browser.read("location.hash")
    assert title == "Add orange dot number 10"
    browser.until("byId('before').naturalWidth === 480 && byId('after').naturalWidth === 480")
    browser.press("Escape")
    browser.until(f"!{OPENED} && location.hash === ''")
    browser.open(page, address)
    browser.until(OPENED)
    assert title_of_viewer(browser) == title


def test_going_back_closes_the_viewer_and_returns_to_the_card(page: Path, browser: Browser) -> None:
    browser.click("#grid .card:nth-child(2) a")
    browser.until(OPENED)
    browser.read("history.back()")
    browser.until(f"!{OPENED}")
    assert browser.read("document.activeElement.closest('.card') === byId('grid').children[1]")


def test_arrows_walk_through_the_filtered_triplets(page: Path, browser: Browser) -> None:
    browser.open(page, "#type=remove")
    browser.click("#grid a")
    browser.until(OPENED)
    browser.press("ArrowRight")
    browser.press("ArrowRight")
    browser.press("ArrowLeft")
    assert title_of_viewer(browser) == "Add orange dot number 11"
    assert browser.read("byId('place').textContent") == "2 of 5"
    for _ in range(9):
        browser.press("ArrowRight")
    assert browser.read("byId('place').textContent") == "5 of 5"


def test_the_divider_follows_the_pointer_and_the_keys(page: Path, browser: Browser) -> None:
    browser.click("#grid a")
    browser.until(OPENED)
    x, y, width = browser.read(
        "(() => { const b = byId('frame').getBoundingClientRect(); return [b.x, b.y + b.height / 3, b.width]; })()"
    )
    browser.click_at(x + width * 0.25, y)
    assert float(browser.read("byId('divider').value")) == pytest.approx(25, abs=1)
    title = title_of_viewer(browser)
    browser.press("ArrowRight")
    split = "getComputedStyle(byId('frame')).getPropertyValue('--split')"
    assert float(browser.read(split).rstrip("%")) == pytest.approx(25.5, abs=1)
    assert title_of_viewer(browser) == title


def test_mask_and_difference_change_what_is_painted(page: Path, browser: Browser) -> None:
    browser.click("#grid a")
    browser.until(OPENED)
    mask = "getComputedStyle(byId('mask-left')).visibility"
    assert browser.read(mask) == "hidden"
    browser.press("m")
    assert browser.read(mask) == "visible"
    browser.press("d")
    assert browser.read("getComputedStyle(byId('after')).mixBlendMode") == "difference"
    browser.click("[data-choose=pair]")
    left, right = (
        browser.read(f"byId('{part}').getBoundingClientRect().left") for part in ("before", "after")
    )
    assert left < right


def test_a_dialogue_shows_all_its_turns_and_leads_to_them(page: Path, browser: Browser) -> None:
    browser.open(page, "#type=version_backtracking")
    browser.click("#grid a")
    browser.until(OPENED)
    turns = browser.read("[...document.querySelectorAll('.turn')].map(t => t.innerText)")
    assert len(turns) == 2
    assert "Everything shall be orange." in turns[0]
    assert "edits the first picture" in turns[1]
    browser.click(".turn:nth-child(2) a")
    assert title_of_viewer(browser) == "Add orange dot number 101"
    assert browser.read("document.querySelectorAll('.ids a').length") == 1


def test_scores_come_with_reasons_and_evidence(page: Path, browser: Browser) -> None:
    browser.click("#grid a")
    browser.until(OPENED)
    text = browser.read("byId('details').textContent")
    for part in (
        "dots shapeellipse",
        "dots size width px160",
        "instruction following",
        "4.0 / 5",
        "the dot is there",
        "0.01235",
        "seed",
        "CC0-1.0",
    ):
        assert part in text


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_screen(page: Path, browser: Browser, width: int) -> None:
    browser.resize(width, 844)
    try:
        browser.open(page)
        assert browser.read("document.documentElement.scrollWidth") <= width
        browser.click("#grid a")
        browser.until(OPENED)
        assert browser.read("byId('viewer').scrollWidth") <= width
    finally:
        browser.resize(1440, 900)


def test_two_thousand_cards_are_shown_in_pages(
    tmp_path: Path,
    browser: Browser,
    report_input: ReportInput,
    make_record: Callable[..., EditRecord],
) -> None:
    first = make_record(1)
    many = [first.model_copy(update={"id": f"{n:032x}"}) for n in range(2000)]
    browser.open(write_report(replace(report_input, records=many), tmp_path))
    assert browser.read(SHOWN) == "2,000 of 2,002"
    assert browser.read(CARDS) == 60
    browser.click("#more")
    assert browser.read(CARDS) == 120
    assert browser.read("document.activeElement.id") == "more"
    assert browser.read("(() => { const t = performance.now(); go({sort: 'worst'});"
                        " return performance.now() - t; })()") < 1000  # fmt: skip

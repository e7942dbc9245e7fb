"""The page that tells the loop in pictures."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from editloop.report.story import Curve, Plot, Story, StoryPicture, Strip, Table, write_story

GREY = np.full((32, 32, 3), 90, np.uint8)


def story(instruction: str = "turn the ball red") -> Story:
    pictures = (StoryPicture("source", GREY), StoryPicture("base", GREY, 2.25, "no_op"))
    return Story(
        title="The loop",
        lead="One editor, trained four ways.",
        strips=[Strip(instruction, "adjust", pictures)],
        plots=[Plot("Reward", "rollouts", "score", (Curve("NFT", ((0, 1.0), (10, 3.0))),))],
        tables=[Table("Claims", ("claim", "verdict"), (("filtering helps", "unclear"),))],
        facts={"seeds": "3"},
        links={"Photographs": "report.html"},
    )


def test_page_holds_scores_curves_tables_and_links(tmp_path: Path) -> None:
    html = write_story(story(), tmp_path).read_text()
    assert html.count("data:image/png;base64,") == 2
    assert '<span class="score">2.2</span>' in html or '<span class="score">2.3</span>' in html
    assert 'points="0.0,150.0 320.0,0.0"' in html
    assert "filtering helps" in html
    assert 'href="report.html"' in html


def test_words_of_an_instruction_stay_words(tmp_path: Path) -> None:
    html = write_story(story("<script>alert(1)</script>"), tmp_path).read_text()
    assert "<script>" not in html
    assert "script-src &#39;none&#39;" in html


def test_summary_cases_curves_and_tables_come_in_this_order(tmp_path: Path) -> None:
    summary = [Table("Stages", ("editor",), (("base",),), "a note")]
    html = write_story(replace(story(), summary=summary), tmp_path).read_text()
    places = [html.index(part) for part in ("Stages", "turn the ball red", "<polyline", "Claims")]
    assert places == sorted(places)


def test_a_table_without_rows_is_its_note(tmp_path: Path) -> None:
    empty = Table("What got worse", ("what",), (), "Nothing.")
    html = write_story(Story(title="t", lead="l", tables=[empty]), tmp_path).read_text()
    assert "Nothing." in html
    assert "<table>" not in html


def test_flat_and_empty_curves_are_drawn(tmp_path: Path) -> None:
    plots = [Plot("Flat", "x", "y", (Curve("a", ((1, 2.0), (2, 2.0))), Curve("b", ())))]
    html = write_story(Story(title="t", lead="l", plots=plots), tmp_path).read_text()
    assert 'points="0.0,75.0 320.0,75.0"' in html

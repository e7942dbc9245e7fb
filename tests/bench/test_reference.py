"""Published rows: every printed overall of ImgEdit-Bench is recognised as a mean over types or over items."""

from __future__ import annotations

from collections import Counter

import pytest

from editloop.bench.reference import IMGEDIT_COUNTS, published_tables, recognise

TABLES = {table.id: table for table in published_tables()}
TWO_PUBLIC_TABLES = ("imgedit-gpt-image-edit", "imgedit-firered")


def test_the_25_rows_of_the_two_public_tables() -> None:
    found = {
        (name, row.model): recognise(row.figures, row.overall).weighting
        for name in TWO_PUBLIC_TABLES
        for row in TABLES[name].rows
    }
    assert len(found) == 25
    micro = {model for (_, model), weighting in found.items() if weighting == "micro"}
    assert micro == {"MagicBrush", "Ovis-U1", "GPT-4o"}
    assert Counter(found.values())["neither"] == 0
    others = [weighting for key, weighting in found.items() if key[1] not in micro]
    assert len(others) == 22
    assert set(others) <= {"macro", "both"}


def test_a_few_by_hand() -> None:
    row = next(row for row in TABLES["imgedit-gpt-image-edit"].rows if row.model == "GPT-4o")
    read = recognise(row.figures, row.overall)
    assert (round(read.macro, 2), round(read.micro, 2)) == (4.24, 4.19)
    nhr = [recognise(row.figures, row.overall).weighting for row in TABLES["imgedit-nhr"].rows]
    assert nhr == ["micro", "micro"]
    board = {
        row.model: recognise(row.figures, row.overall).weighting
        for row in TABLES["imgedit-leaderboard"].rows
    }
    assert {model for model, weighting in board.items() if weighting == "neither"} == {
        "FLUX.1-Kontext-dev",
        "Ovis-U1",
    }
    assert {
        recognise(row.figures, row.overall).weighting for row in TABLES["imgedit-paper"].rows
    } == {"unstated"}


def test_an_overall_that_fits_neither_is_not_forced() -> None:
    figures = {"add": 4.0, "compose": 2.0}
    assert recognise(figures, 3.0).weighting == "macro"
    assert recognise(figures, 3.61).weighting == "micro"
    assert recognise(figures, 3.3).weighting == "neither"


def test_counts_are_those_of_the_released_suite() -> None:
    assert sum(IMGEDIT_COUNTS.values()) == 737


@pytest.mark.parametrize("table", published_tables(), ids=lambda table: table.id)
def test_every_table_says_who_judged_and_where_it_stands(table: object) -> None:
    assert all(getattr(table, name) for name in ("judge", "source", "metric", "task"))


@pytest.mark.parametrize("name", [t.id for t in published_tables() if t.id.startswith("gedit")])
def test_gedit_overalls_are_means_over_groups(name: str) -> None:
    for row in TABLES[name].rows:
        if row.figures and row.overall is not None:
            assert sum(row.figures.values()) / 11 == pytest.approx(row.overall, abs=0.011), (
                row.model
            )

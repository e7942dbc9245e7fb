"""The claims as a table, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

from editloop.claims.publish import HEADINGS, facts_of, interval_note, markdown, publish, table_of
from editloop.claims.rows import ClaimRow, ClaimVerdict

ROW = ClaimRow(
    claim="nhr: filtered against unfiltered",
    paper="NoHumansRequired, arXiv 2507.14119",
    paper_says="filtering helps | much",
    here="3.20 against 3.00",
    effect=0.2,
    interval=(0.0512, 0.35),
    unit="oracle overall, 1 to 5",
    verdict=ClaimVerdict.REPRODUCED,
    seeds=3,
    cases=200,
    figures={"filtered": 3.2},
)
FACTS = {"command": "editloop claims --seeds 3", "machine": "m", "day": "d", "version": "0.1"}


def test_a_row_reads_as_it_is() -> None:
    table = table_of([ROW])
    cells = dict(zip(HEADINGS, table.rows[0], strict=True))
    assert table.headings == HEADINGS
    assert cells["effect"] == "+0.2"
    assert cells["95 % interval"] == "[+0.0512, +0.35]"
    assert (cells["seeds"], cells["cases"], cells["verdict"]) == ("3", "200", "reproduced")


def test_one_seed_is_owned_up_to() -> None:
    assert "too narrow" not in interval_note([ROW])
    assert "too narrow" in interval_note([ROW, ROW.model_copy(update={"seeds": 1})])


def test_markdown_is_one_table_under_its_command() -> None:
    lines = markdown([ROW, ROW], FACTS).splitlines()
    assert "    editloop claims --seeds 3" in lines
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 4
    assert {line.count("|") for line in rows} == {len(HEADINGS) + 1}
    assert "filtering helps / much" in rows[2]


def test_what_is_published_can_be_read_back(tmp_path: Path) -> None:
    publish([ROW], tmp_path / "claims", FACTS)
    content = json.loads((tmp_path / "claims" / "claims.json").read_text())
    assert content["facts"] == FACTS
    assert [ClaimRow.model_validate(row) for row in content["claims"]] == [ROW]
    assert (tmp_path / "claims" / "claims.md").read_text() == markdown([ROW], FACTS)


def test_facts_say_how_to_repeat_it() -> None:
    facts = facts_of("editloop claims")
    assert facts["command"] == "editloop claims"
    assert "CPUs" in facts["machine"]
    assert len(facts["day"]) == 10

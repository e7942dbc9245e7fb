from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.report.conftest import HOSTILE

from editloop.core.errors import StoreError
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord
from editloop.report import ReportInput, write_report


class Outline(HTMLParser):
    """Tags with their attributes, and the text inside each script and style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in self.inline:
            self.inline[tag].append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in self.inline and self.cdata_elem:
            self.inline[self.tags[-1][0]][-1] += data


def payload_of(page: Path) -> dict[str, Any]:
    outline = Outline(page.read_text(encoding="utf-8"))
    loaded: dict[str, Any] = json.loads(outline.inline["script"][0])
    return loaded


def test_the_page_names_every_picture_it_wrote_once(
    tmp_path: Path, report_input: ReportInput
) -> None:
    page = write_report(report_input, tmp_path)
    entries = payload_of(page)["entries"]
    named = {e[part] for e in entries for part in ("source", "target", "mask") if part in e}
    assert named == {path.name for path in (tmp_path / "report_files" / "full").iterdir()}


def test_nothing_in_the_page_can_reach_the_network_or_run_unnamed_code(
    tmp_path: Path, report_input: ReportInput
) -> None:
    outline = Outline(write_report(report_input, tmp_path).read_text(encoding="utf-8"))
    policy = next(
        a["content"] for t, a in outline.tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for kind, text in (
        ("style", outline.inline["style"][0]),
        ("script", outline.inline["script"][1]),
    ):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"
    for tag, attributes in outline.tags:
        assert tag not in {"iframe", "object", "embed", "base", "form"}
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
        assert not re.match(r"(https?:)?//", attributes.get("src") or attributes.get("href") or "")


def test_text_from_records_is_never_markup(tmp_path: Path, report_input: ReportInput) -> None:
    html = write_report(report_input, tmp_path).read_text(encoding="utf-8")
    assert HOSTILE not in html
    assert "onerror" not in {name for _, attributes in Outline(html).tags for name in attributes}
    assert payload_of(tmp_path / "report.html")["entries"][6]["instruction"] == f"Add {HOSTILE}"


def test_the_payload_carries_a_record_whole(tmp_path: Path, report_input: ReportInput) -> None:
    data = payload_of(write_report(report_input, tmp_path))
    record, entry = report_input.records[0], data["entries"][0]
    assert entry["id"] == record.id
    assert entry["phrasings"] == [["terse", "dot 1"]]
    assert entry["verdicts"][0]["axes"] == {"instruction_following": 4.0, "naturalness": 4.0}
    assert entry["verdicts"][0]["evidence"] == {"seam": 0.01235}
    assert entry["origin"] == {"name": "photo_1.jpg", "licence": "CC0-1.0"}
    [[step, seed]] = entry["history"]
    assert (data["steps"][step]["stage"], data["steps"][step]["version"]) == ("draw", "2")
    assert int(seed) == 2**62 + 1


def test_rejections_keep_stage_reason_and_numbers(
    tmp_path: Path, report_input: ReportInput
) -> None:
    triplet, photo = payload_of(write_report(report_input, tmp_path))["entries"][-2:]
    assert (triplet["outcome"], triplet["stage"], triplet["reason"]) == (
        "rejected", "verify", "visible_seam",
    )  # fmt: skip
    assert triplet["evidence"] == {"seam": 0.4}
    assert "source" not in photo
    assert photo["label"] == "tiny.jpg"


def test_a_record_accepted_and_rejected_has_two_addresses(
    tmp_path: Path, report_input: ReportInput
) -> None:
    twice = replace(report_input, records=[*report_input.records, report_input.records[0]])
    keys = [entry["key"] for entry in payload_of(write_report(twice, tmp_path))["entries"]]
    assert len(keys) == len(set(keys))


def test_writing_again_gives_the_same_bytes_and_loads_nothing(
    tmp_path: Path, report_input: ReportInput
) -> None:
    first = write_report(report_input, tmp_path).read_bytes()

    def refuse(_: ImageRef) -> bytes:
        raise AssertionError("loaded twice")

    assert write_report(replace(report_input, load=refuse), tmp_path).read_bytes() == first


def test_a_smaller_page_takes_its_leftover_pictures_away(
    tmp_path: Path, report_input: ReportInput
) -> None:
    write_report(report_input, tmp_path)
    smaller = replace(report_input, records=report_input.records[:1], rejected=())
    write_report(smaller, tmp_path)
    assert len(list((tmp_path / "report_files" / "full").iterdir())) == 3


def test_a_missing_picture_is_noted_on_the_page(tmp_path: Path, report_input: ReportInput) -> None:
    lost = report_input.records[0].source

    def load(ref: ImageRef) -> bytes:
        if ref == lost:
            raise KeyError(ref.sha256)
        return report_input.load(ref)

    page = write_report(replace(report_input, load=load), tmp_path)
    assert f"Picture <code>{lost.sha256[:12]}</code> could not be shown" in page.read_text("utf-8")
    assert "source" not in payload_of(page)["entries"][0]


def test_a_plain_list_of_records_has_no_run_sections(
    tmp_path: Path, make_record: Callable[..., EditRecord], report_input: ReportInput
) -> None:
    data = ReportInput(title="A data set", records=[make_record(1)], load=report_input.load)
    ids = {a.get("id") for _, a in Outline(write_report(data, tmp_path).read_text("utf-8")).tags}
    assert "triplets" in ids
    assert not ids & {"stages", "failures", "facts", "notes"}


def test_a_page_without_any_record_can_be_written(tmp_path: Path) -> None:
    page = write_report(ReportInput(title="Nothing", records=[], load=lambda _: b""), tmp_path)
    assert payload_of(page) == {"entries": [], "steps": []}


def test_a_folder_that_cannot_be_written_is_one_clear_error(
    tmp_path: Path, report_input: ReportInput
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot write the report to .*choose another folder"):
        write_report(report_input, blocked)


def test_pages_that_belong_together_are_linked(tmp_path: Path, report_input: ReportInput) -> None:
    linked = replace(report_input, links={"The <loop>": "story.html"})
    html = write_report(linked, tmp_path).read_text(encoding="utf-8")
    assert '<a href="story.html">The &lt;loop&gt;</a>' in html
    assert "story.html" not in write_report(report_input, tmp_path).read_text(encoding="utf-8")

"""Who sees what, attention checks, agreement and exports, on the study's file alone."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from tests.rate.conftest import make_dialogue_table, make_pair_table, make_score_table

from editloop.core.errors import UsageError
from editloop.core.images import decode_image
from editloop.rate.assigning import LEASE_S, Assignment
from editloop.rate.export import export_ratings
from editloop.rate.items import Collection, Item
from editloop.rate.pictures import blind_copy
from editloop.rate.ratings import RatingFile
from editloop.rate.schedule import Schedule
from editloop.rate.sheets import Answer, SheetKind, make_sheet, read_answer
from editloop.rate.showing import shown_answer, shown_item, shown_pictures, told_answer
from editloop.rate.statistics import overview, ratings_of
from editloop.rate.study import Rater
from editloop.rate.tables import find_table, read_table
from editloop.records.formats.rated_edits import read_rated_edits

MAKERS = {"score": make_score_table, "pairs": make_pair_table, "dialogue": make_dialogue_table}


def begin(
    folder: Path, kind: SheetKind = "score", count: int = 12, **schedule: int
) -> tuple[RatingFile, Collection]:
    found = read_table(MAKERS[kind](folder, count), kind)
    study = RatingFile(folder / "study")
    study.open_study(make_sheet(kind), Schedule(**schedule), found.items.values())
    return study, found


def scored(value: float) -> Answer:
    axes = ("instruction", "preservation", "quality", "overall")
    return Answer(scores=dict.fromkeys(axes, value))


def rate_all(study: RatingFile, rater: Rater, value: int = 5) -> list[Assignment]:
    done = []
    while waiting := study.queue(rater, 1):
        study.submit(waiting[0], uuid.uuid4().hex, scored(value))
        done.append(waiting[0])
    return done


def test_each_rater_has_an_order_of_their_own_and_each_item_its_raters(tmp_path: Path) -> None:
    study, _ = begin(tmp_path, raters_an_item=2)
    with study:
        raters = [study.join(name)[0] for name in ("Ada", "Bob", "Cy")]
        orders = [[a.item for a in rate_all(study, rater)] for rater in raters]
        assert orders[0] != orders[1]
        assert sorted(orders[0]) == sorted(orders[1])
        assert orders[2] == []
        assert set(Counter(g.assignment.item for g in study.answers()).values()) == {2}
        assert study.progress(raters[2]) == (0, 0)


def test_a_place_that_is_not_used_goes_to_another_and_late_answers_still_count(
    tmp_path: Path,
) -> None:
    study, _ = begin(tmp_path, count=1, raters_an_item=1)
    with study:
        ada, bob = study.join("Ada")[0], study.join("Bob")[0]
        (held,) = study.queue(ada, 3, now=1000.0)
        assert study.queue(bob, 3, now=1001.0) == []
        (taken,) = study.queue(bob, 3, now=1002.0 + LEASE_S)
        study.submit(taken, uuid.uuid4().hex, scored(3))
        study.submit(held, uuid.uuid4().hex, scored(4))
        assert len(study.answers()) == 2


def test_checks_are_hidden_among_the_items_and_tell_who_looked(tmp_path: Path) -> None:
    study, _ = begin(tmp_path, raters_an_item=9, checks=4)
    with study:
        careful, careless = study.join("Ada")[0], study.join("Bob")[0]
        for rater in (careful, careless):
            while waiting := study.queue(rater, 1):
                noop = waiting[0].purpose == "noop"
                value = 0 if noop and rater == careful else 8
                study.submit(waiting[0], uuid.uuid4().hex, scored(value))
        found = overview(study)
        kinds = Counter(g.assignment.purpose for g in study.answers())
        assert kinds == {"rate": 24, "noop": 4, "repeat": 4}
        assert [(row["checks_passed"], row["checks"]) for row in found["raters"]] == [
            (4, 4),
            (2, 4),
        ]
        assert found["ratings"] == 24
        assert len(ratings_of(study.sheet(), study.answers())) == 24 * 4


def test_a_check_looks_like_any_other_item(tmp_path: Path) -> None:
    study, found = begin(tmp_path, raters_an_item=9, checks=2)
    with study:
        shown = []
        rater, _ = study.join("Ada")
        for assignment in study.queue(rater, 14):
            item = found.items[assignment.item]
            shown.append(shown_item(item, study.sheet(), assignment))
            if assignment.purpose == "noop":
                pictures = shown_pictures(item, "score", assignment)
                assert pictures["edited"] == pictures["source"]
        assert {tuple(sorted(each)) for each in shown} == {tuple(sorted(shown[0]))}
        assert "noop" not in json.dumps(shown)


def test_sides_of_a_pair_change_and_answers_come_back_in_terms_of_the_item(tmp_path: Path) -> None:
    study, found = begin(tmp_path, "pairs", 20, raters_an_item=1)
    with study:
        rater, _ = study.join("Ada")
        waiting = study.queue(rater, 20)
        assert 4 < sum(assignment.flipped for assignment in waiting) < 16
        for assignment in waiting:
            item = found.items[assignment.item]
            left = shown_pictures(item, "pairs", assignment)["left"]
            mark = {"image": "left", "left": 0, "top": 0, "right": 1, "bottom": 1}
            body = told_answer({"choice": "left", "marks": [mark]}, assignment)
            answer = read_answer(study.sheet(), body)
            named = {"first": item.candidates[0], "second": item.candidates[1]}
            assert named[str(answer.choice)] == named[answer.marks[0].image] == left
            study.submit(assignment, uuid.uuid4().hex, answer)
            given = study.given(assignment.token)
            assert given is not None
            assert (
                shown_answer(given)["choice"] == shown_answer(given)["marks"][0]["image"] == "left"
            )
        export_ratings(study, tmp_path / "out.jsonl", found.load)
        rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert all(row["votes"][0]["choice"] == row["votes"][0]["left"] for row in rows)


def test_agreement_of_two_raters_by_hand(tmp_path: Path) -> None:
    study, _ = begin(tmp_path, count=3, raters_an_item=2)
    with study:
        answers = {"edit-0": (1, 2), "edit-1": (5, 5), "edit-2": (9, 8)}
        for place, name in enumerate(("Ada", "Bob")):
            rater, _ = study.join(name)
            for assignment in study.queue(rater, 3):
                study.submit(assignment, uuid.uuid4().hex, scored(answers[assignment.item][place]))
        (row, *_rest) = overview(study)["agreement"]
    values = [1, 2, 5, 5, 9, 8]
    observed = sum(2 * (a - b) ** 2 for a, b in answers.values()) / 6
    expected = sum((a - b) ** 2 for a in values for b in values) / (6 * 5)
    assert row["alpha"] == pytest.approx(1 - observed / expected)
    assert row["spearman"] == pytest.approx(1.0)
    assert row["same"] == pytest.approx(1 / 3)
    assert (row["shared"], row["units"]) == (3, 3)


def test_exports_are_read_by_the_judges_side(tmp_path: Path) -> None:
    study, found = begin(tmp_path, count=4, raters_an_item=2)
    with study:
        rate_all(study, study.join("Ada")[0], 4)
        for assignment in study.queue(study.join("Bob")[0], 4):
            unscored = assignment.item == "edit-1"
            answer = Answer(cannot_judge=True, note="=black") if unscored else scored(6)
            study.submit(assignment, uuid.uuid4().hex, answer, 3.0)
        done = export_ratings(study, tmp_path / "out" / "ratings.jsonl", found.load)
        assert (done.items, done.ratings, done.unscored, done.missing_images) == (4, 7, 1, 0)
        read = read_rated_edits(done.path)
        assert read.dropped == ()
        assert read.axes == ("instruction", "preservation", "quality", "overall")
        by_uid = {edit.uid: edit for edit in read.edits}
        assert by_uid["edit-1"].mean("overall") == 4
        assert by_uid["edit-2"].mean("overall") == 5
        assert by_uid["edit-2"].image == "1"
        assert all(edit.source.is_file() and edit.edited.is_file() for edit in read.edits)
        first = done.path.read_bytes()
        assert export_ratings(study, done.path, found.load).path.read_bytes() == first
        table = export_ratings(study, tmp_path / "out.csv").path
        rows = list(csv.DictReader(io.StringIO(table.read_text())))
        assert len(rows) == 7 * 4 + 1
        assert {row["outcome"] for row in rows} == {"scored", "cannot_judge"}
        assert [row["note"] for row in rows if row["score"] == ""] == ["'=black"]
        with pytest.raises(UsageError, match=r"ends in \.jsonl or \.csv"):
            export_ratings(study, tmp_path / "out.xlsx")


def test_dialogues_are_answered_turn_by_turn(tmp_path: Path) -> None:
    study, found = begin(tmp_path, "dialogue", 2, raters_an_item=2)
    with study:
        for name, whole in (("Ada", True), ("Bob", False)):
            for assignment in study.queue(study.join(name)[0], 2):
                turn = {"answers": {"done": True, "kept": whole}}
                body = {"turns": [turn] * 3, "whole": whole}
                answer = read_answer(study.sheet(), body, turns=3)
                study.submit(assignment, uuid.uuid4().hex, answer)
        rows = {row["axis"]: row for row in overview(study)["agreement"]}
        assert rows["done"]["same"] == 1
        assert rows["kept"]["shared"] == 6
        assert rows["whole"]["same"] == 0
        export_ratings(study, tmp_path / "out.jsonl", found.load)
        line = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
        assert line["ratings"][1] == {"rater": "rater_2", "turns": [{"done": True, "kept": False}] * 3, "whole": False}  # fmt: skip
        assert line["whole_yes"] == 1
        axes = {rating.axis for rating in ratings_of(study.sheet(), study.answers())}
        assert axes == {f"turn_{n}.{axis}" for n in (1, 2, 3) for axis in ("done", "kept")} | {
            "whole"
        }


def test_a_name_may_not_come_to_stand_for_other_images(tmp_path: Path) -> None:
    study, found = begin(tmp_path, count=2)
    with study:
        rate_all(study, study.join("Ada")[0])
        item: Item = found.items["edit-0"]
        changed = item.model_copy(update={"instruction": "Something else"})
        with pytest.raises(UsageError, match="other images or words"):
            study.open_study(study.sheet(), study.schedule(), [changed])


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_copies_for_raters_keep_every_pixel_and_no_metadata() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    exif = Image.Exif()
    exif[0x0131] = "secret-editor"
    turned = Image.Exif()
    turned[0x0112] = 6
    turned[0x0131] = "secret-editor"
    info = PngImagePlugin.PngInfo()
    info.add_itxt("prompt", "secret-editor")
    clear = image.convert("RGBA")
    clear.putalpha(100)
    for data in (
        encoded(image, "JPEG", exif=exif.tobytes(), comment=b"secret-editor", quality=90),
        encoded(image, "JPEG", exif=exif.tobytes(), progressive=True),
        encoded(image, "JPEG", exif=turned.tobytes()),
        encoded(image, "PNG", pnginfo=info),
        encoded(clear, "PNG", pnginfo=info),
        encoded(image, "WEBP", exif=exif.tobytes(), lossless=True),
        encoded(image.convert("CMYK"), "JPEG", exif=exif.tobytes()),
    ):
        copy, media_type = blind_copy(data)
        assert b"secret-editor" in data or media_type
        assert b"secret-editor" not in copy
        assert media_type in {"image/png", "image/jpeg"}
        assert np.array_equal(decode_image(copy).pixels, decode_image(data).pixels)


@pytest.mark.slow
def test_real_ratings_put_through_the_page_come_out_as_they_were(
    tmp_path: Path, shared_data: Path
) -> None:
    data = shared_data / "magicbrush_dev"
    table = find_table(data)
    assert table is not None
    rows = {row["uid"]: row for row in map(json.loads, table.read_text().splitlines())}
    axes = ["alignment", "quality", "consistency", "overall"]
    found = read_table(table, "score")
    assert (len(found.items), found.dropped) == (len(rows), [])
    with RatingFile(tmp_path / "study") as study:
        sheet = make_sheet("score", axes=axes, scale="0-10")
        study.open_study(sheet, Schedule(raters_an_item=5), found.items.values())
        for name in (f"rater_{number}" for number in range(1, 6)):
            rater, _ = study.join(name)
            for assignment in study.queue(rater, len(rows)):
                said = [one for one in rows[assignment.item]["ratings"] if one["rater"] == name]
                for one in said:
                    answer = read_answer(sheet, {"scores": {axis: one[axis] for axis in axes}})
                    study.submit(assignment, uuid.uuid4().hex, answer)
        agreement = {row["axis"]: row for row in overview(study)["agreement"]}
        export_ratings(study, tmp_path / "out.jsonl")
    # Made independently of this code, on all 474 edits of which these are a part: .679 and .616.
    assert agreement["alignment"]["alpha"] == pytest.approx(0.679, abs=0.02)
    assert agreement["overall"]["alpha"] == pytest.approx(0.616, abs=0.05)
    for line in map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines()):
        row = rows[line["uid"]]
        by_rater = {one["rater"]: one for one in row["ratings"]}
        assert {one["rater"]: one for one in line["ratings"]} == by_rater
        assert all(
            line[f"mean_{axis}"] == pytest.approx(row[f"mean_{axis}"], abs=1e-3) for axis in axes
        )

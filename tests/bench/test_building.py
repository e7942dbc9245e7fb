"""`editloop bench build`: recipes over photographs and over the storybook world."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from editloop.bench.building.choosing import ANIMALS, choose, even_photos
from editloop.bench.building.facts import PhotoFacts, Thing, apart, single_things
from editloop.bench.building.recipes import RECIPES, build, keep_verified
from editloop.bench.running import BenchRequest, run_bench
from editloop.bench.tasks import load_task
from editloop.cli.app import app
from editloop.core.errors import UsageError
from editloop.core.images import encode_jpeg
from editloop.models.roles import Detection
from editloop.rate.tables import read_table
from editloop.records.record import Box

LABELS = ("dog", "car", "person", "chair", "cup", "boat")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[PhotoFacts]:
    """Twelve pictures of noise that are said to show two objects each."""
    folder = tmp_path_factory.mktemp("photos")
    found = []
    for number in range(12):
        path = folder / f"{number}.jpg"
        noise = np.random.default_rng(number).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        path.write_bytes(encode_jpeg(noise))
        first, second = LABELS[number % 6], LABELS[(number + 1 + number // 6) % 6]
        things = (Thing(first, 0.3, (0, 0, 0.4, 1)), Thing(second, 0.1, (0.6, 0, 1, 0.4)))
        found.append(PhotoFacts(path, path.name, things, 2, first, "middle"))
    return found


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_write_files_that_their_benchmarks_read(
    recipe: str, photos: list[PhotoFacts], tmp_path: Path
) -> None:
    built = build(recipe, photos, tmp_path, 6, seed=1)  # type: ignore[arg-type]
    cases = load_task(recipe).read_cases(built.cases).cases
    assert Counter(case.group for case in cases) == Counter(built.counts)
    assert set(built.counts) <= set(load_task(recipe).groups)
    assert all((tmp_path / case.image).is_file() for case in cases)
    assert all("{" not in case.instructions[0] for case in cases)
    lines = [json.loads(line) for line in (tmp_path / "verify.jsonl").read_text().splitlines()]
    assert {line["case_key"] for line in lines} == {case.key for case in cases}
    shown = read_table(tmp_path / "verify.jsonl", "score")
    assert len(shown.items) == len(lines)
    assert not shown.dropped


def test_the_choice_is_even_and_follows_the_seed(photos: list[PhotoFacts]) -> None:
    chosen, short = choose(photos, {"remove": 6, "adjust": 3, "style": 12}, seed=2)
    removed = Counter(one.category for one in chosen if one.kind == "remove")
    assert set(removed.values()) == {1}
    assert not {one.category for one in chosen if one.kind == "adjust"} & (ANIMALS | {"person"})
    assert len({one.photo.name for one in chosen if one.kind == "style"}) == 12
    assert short == {}
    assert choose(photos, {"remove": 6, "adjust": 3, "style": 12}, seed=2)[0] == chosen
    assert choose(photos, {"action": 99})[1]["action"] > 80
    assert len({photo.category for photo in even_photos(photos, 6)}) == 6


def test_only_single_objects_of_a_workable_size_are_named() -> None:
    def found(label: str, left: int, right: int) -> Detection:
        return Detection(label, 0.9, Box(left=left, top=0, right=right, bottom=100))

    rows = [found("dog", 0, 30), found("cup", 40, 45), found("cup", 50, 55), found("bed", 0, 90)]
    assert [thing.label for thing in single_things(rows, 100, 100)] == ["dog"]
    a, b = Thing("a", 0.1, (0, 0, 0.5, 1)), Thing("b", 0.1, (0.4, 0, 1, 1))
    assert not apart(a, b)


def test_people_decide_what_stays(photos: list[PhotoFacts], tmp_path: Path) -> None:
    built = build("realpref", photos, tmp_path, 2)
    keys = [case.key for case in load_task("realpref").read_cases(built.cases).cases]
    rows = [
        {"case_key": key, "ratings": [{"rater": "a", "overall": score}, {"rater": "b", "overall": 4}]}
        for key, score in ((keys[0], 5), (keys[1], 1))
    ]  # fmt: skip
    ratings = tmp_path / "checked.jsonl"
    ratings.write_text("\n".join(json.dumps(row) for row in rows))
    counts = keep_verified(built.cases, ratings, tmp_path / "kept.json")
    assert counts == {"kept": 1, "rejected": 1, "unrated": len(keys) - 2}
    kept = load_task("realpref").read_cases(tmp_path / "kept.json").cases
    assert [case.key for case in kept] == [keys[0]]
    with pytest.raises(UsageError, match="no case of"):
        keep_verified(built.cases, ratings, tmp_path / "none.json", least=4.9)


@pytest.mark.parametrize("layout", ["real-edit", "realpref"])
def test_storybook_layouts_run(layout: str, tmp_path: Path) -> None:
    words = ["bench", "build", "storybook", "--out", str(tmp_path), "--layout", layout, "--count", "2", "--json"]  # fmt: skip
    made = CliRunner().invoke(app, words)
    assert made.exit_code == 0, made.output
    counts = json.loads(made.stdout)
    assert set(counts.values()) == {2}
    assert set(counts) == set(load_task(layout).groups)
    name = {"real-edit": "real_edit_instruct.json", "realpref": "realpref_cases.json"}[layout]
    run = run_bench(BenchRequest(layout, tmp_path / name, "world:oracle", tmp_path / "out", editor="world:true-target"))  # fmt: skip
    figures = run.results["verdict"].runs[0].figures
    metric = load_task(layout).headline
    assert figures[metric].macro == pytest.approx(5.0, abs=0.05)


def test_mistakes_are_named(tmp_path: Path) -> None:
    words = ["bench", "build", "imgedit", "--photos", str(tmp_path / "none"), "--out", str(tmp_path / "o")]  # fmt: skip
    assert "is not a folder" in str(CliRunner().invoke(app, words).exception)
    words = ["bench", "build", "storybook", "--out", str(tmp_path), "--layout", "realpreff"]
    assert "realpref" in str(CliRunner().invoke(app, words).exception)
    with pytest.raises(UsageError, match="none of 0 photographs"):
        build("imgedit", [], tmp_path, 5)


@pytest.mark.weights
@pytest.mark.slow
def test_a_benchmark_from_photographs(shared_data: Path, tmp_path: Path) -> None:
    words = ["bench", "build", "real-edit", "--photos", str(shared_data / "photos"), "--limit", "12", "--size", "4", "--out", str(tmp_path), "--json"]  # fmt: skip
    made = CliRunner().invoke(app, words)
    assert made.exit_code == 0, made.output
    body = json.loads(made.stdout)
    assert body["counts"]["Style"] == 4
    assert body["photos"] == 4

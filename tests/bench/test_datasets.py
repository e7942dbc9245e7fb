"""`editloop bench compare-datasets` on storybook data sets of known quality."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from editloop.bench.building.flawed import build_flawed
from editloop.bench.datasets import compare_datasets, draw, two_scores
from editloop.cli.app import app
from editloop.core.errors import UsageError
from editloop.judges.base import JudgeRequest
from editloop.models.roles import ModelIdentity
from editloop.records.formats import read_dataset
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Outcome, Verdict

SHARES = (0.0, 0.3, 0.9)
KINDS = (EditType.ADD, EditType.REMOVE, EditType.ADJUST)


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("data")
    found = []
    for share in SHARES:
        found.append(folder / f"flawed-{share}")
        build_flawed(found[-1], 45, share, seed=1, edit_types=KINDS)
    return found


def test_worse_data_rank_lower(datasets: list[Path], tmp_path: Path) -> None:
    paths = [str(datasets[place]) for place in (1, 2, 0)]
    words = ["bench", "compare-datasets", *paths, "--samples", "45", "--answers", str(tmp_path / "a.sqlite"), "--json"]  # fmt: skip
    first = CliRunner().invoke(app, words)
    assert first.exit_code == 0, first.output
    body = json.loads(first.stdout)
    assert [row["name"] for row in body["datasets"]] == [path.name for path in datasets]
    best, worst = body["datasets"][0]["geometric"], body["datasets"][-1]["geometric"]
    assert best[1] > worst[2]
    assert {row["n_scored"] for row in body["datasets"]} == {45}
    assert CliRunner().invoke(app, words).stdout == first.stdout


def test_the_flawed_ones_of_the_better_set_are_flawed_in_the_worse(datasets: list[Path]) -> None:
    flawed = [
        {r.provenance.origin.name for r in read_dataset(path) if r.provenance.steps[-1].parameters["flaw"] != "none"}
        for path in datasets
    ]  # fmt: skip
    assert flawed[0] == set()
    assert flawed[1] < flawed[2]


def test_the_same_samples_in_whatever_order(datasets: list[Path]) -> None:
    data = read_dataset(datasets[0])
    records = list(data)
    first, second = (draw("a", rows, data.load, 7, seed=3) for rows in (records, records[::-1]))
    assert [r.id for r in first.records] == [r.id for r in second.records]
    assert first.total == 45


class Strict:
    """Reads nothing where the instruction is long, and scores the rest alike."""

    identity = ModelIdentity("strict", "1")
    reject_reasons = ()

    def judge(self, request: JudgeRequest) -> Verdict:
        scored = len(request.instruction) < 30
        return Verdict(
            judge="strict",
            judge_version="1",
            scale=(1, 5),
            axes={"adherence": 4.0, "aesthetic": 2.25} if scored else {},
            outcome=Outcome.SCORED if scored else Outcome.REFUSED,
        )


def test_unscored_samples_are_counted_and_never_zero(datasets: list[Path]) -> None:
    data = read_dataset(datasets[0])
    row = compare_datasets([draw("a", data, data.load, 45)], Strict()).rows[0]
    assert row.metrics["geometric"].value == pytest.approx(math.sqrt(4 * 2.25))
    assert row.scored + row.unscored["refused"] == 45
    assert 0 < row.scored < 45


def test_a_judge_without_the_axes_is_refused() -> None:
    verdict = Verdict(judge="x", judge_version="1", scale=(0, 10), axes={"beauty": 4.0})
    with pytest.raises(UsageError, match="needs adherence and aesthetics"):
        two_scores(verdict)


def test_mistakes_are_named(datasets: list[Path], tmp_path: Path) -> None:
    data = read_dataset(datasets[0])
    with pytest.raises(UsageError, match="two data sets are called 'a'"):
        compare_datasets([draw("a", data, data.load, 2)] * 2, Strict())
    with pytest.raises(UsageError, match="no triplet with an edited image"):
        draw("empty", [], data.load, 2)
    with pytest.raises(UsageError, match="between 0 and 1"):
        build_flawed(tmp_path / "x", 1, 1.5)

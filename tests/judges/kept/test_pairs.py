from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from tests.models.vlms.conftest import Serve
from tests.models.vlms.conftest import serve as serve
from tests.models.vlms.scripted import Call, answer

from editloop.core.errors import UsageError
from editloop.core.images import encode_png
from editloop.judges.kept.pairs import compare_pairs, pair_figures, read_again, write_pairs
from editloop.judges.parsing import ReadingMode
from editloop.judges.registry import load_judge
from editloop.judges.vlm.spec import pair_judge
from editloop.records.formats.pair_table import read_pair_table

SHADES = {"source": 40, "dim": 80, "bright": 160}


def write_table(folder: Path) -> Path:
    for name, shade in SHADES.items():
        (folder / f"{name}.png").write_bytes(encode_png(np.full((8, 8, 3), shade, np.uint8)))
    rows = [
        {"first": "bright.png", "second": "dim.png", "model_a": "sun", "model_b": "moon", "human_vote": "leftvote"},
        {"first": "dim.png", "second": "bright.png", "model_a": "moon", "model_b": "sun", "human_vote": "tievote"},
        {"first": "dim.png", "second": "none.png"},
        {"first": "dim.png"},
    ]  # fmt: skip
    path = folder / "pairs.jsonl"
    path.write_text(
        "\n".join(
            json.dumps({"id": n, "instruction": "brighten", "source": "source.png", **row})
            for n, row in enumerate(rows)
        )
    )
    return path


@pytest.mark.parametrize("label", ["[[A>B]]", "[[ A > B ]]"])
def test_votes_flips_people_and_editors(serve: Serve, tmp_path: Path, label: str) -> None:
    async def script(call: Call) -> web.StreamResponse:
        return answer(f"The first is cleaner. {label}")  # whatever it is shown

    spec = f"rubric:pair@openai:m@{serve(script).url}?cache={tmp_path / 'calls.sqlite'}"
    pairs, unusable = read_pair_table(write_table(tmp_path))
    judge = pair_judge(spec)
    assert judge is not None
    compared, dropped = compare_pairs(pairs, judge)
    figures = pair_figures(compared, [*unusable, *dropped])
    assert (figures["n_scored"], figures["n"], figures["votes"]["tie"]) == (2, 2, 2)
    assert (figures["flip_rate"], figures["n_both_orders"]) == (1, 2)
    assert figures["dropped"] == {"no_second": 1, "missing_image": 1}
    assert (figures["people"]["accuracy"], figures["people"]["n"]) == (0.5, 2)
    assert figures["people"]["accuracy_ties_half"] == 0.5
    assert {name: one["win_rate"] for name, one in figures["editors"].items()} == {
        "sun": 0.5,
        "moon": 0.5,
    }

    write_pairs(tmp_path / "out", compared)
    assert pair_figures(read_again(tmp_path / "out", ReadingMode.ROBUST))["votes"]["tie"] == 2
    official = pair_figures(read_again(tmp_path / "out", ReadingMode.OFFICIAL))
    assert official["n_scored"] == (2 if label == "[[A>B]]" else 0)
    with pytest.raises(UsageError, match="cannot read the pairs"):
        read_again(tmp_path, ReadingMode.ROBUST)


def test_forward_alone_cannot_flip(serve: Serve, tmp_path: Path) -> None:
    async def script(call: Call) -> web.StreamResponse:
        return answer("[[B>A]]")

    url = serve(script).url
    judge = pair_judge(f"rubric:pair?orders=forward@openai:m@{url}?cache={tmp_path / 'c.sqlite'}")
    assert judge is not None
    pairs, _ = read_pair_table(write_table(tmp_path))
    figures = pair_figures(compare_pairs(pairs, judge)[0])
    assert (figures["votes"]["second"], figures["flip_rate"]) == (2, None)
    assert (
        list(figures["editors"]) == ["moon", "sun"] or figures["editors"]["sun"]["win_rate"] == 0.5
    )


def test_specs() -> None:
    assert pair_judge("embedded:evidence") is None
    assert pair_judge("rubric:imgedit@openai:m") is None
    with pytest.raises(UsageError, match="both or forward"):
        pair_judge("rubric:pair?orders=random@openai:m")
    with pytest.raises(UsageError, match="table of pairs"):
        load_judge("rubric:pair@openai:m")


def test_a_table_without_pairs(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("instruction,source,first\nx,a.png,b.png\n")
    with pytest.raises(UsageError, match="second"):
        read_pair_table(path)

"""GEdit-Bench from VIEScore replies and from score tables: groups, languages, subset, and the slips of the script."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.bench.conftest import Writer

from editloop.bench.scoring import Scoring, score_files, summary
from editloop.bench.tasks import load_task
from editloop.bench.tasks.gedit import GEditBench
from editloop.core.errors import UsageError

GROUPS = GEditBench.groups
GOOD = '{"score": [8, 6], "reasoning": "fine"}'


def rows(per_group: int = 2, languages: tuple[str, ...] = ("en", "cn")) -> list[dict[str, Any]]:
    return [
        {
            "key": f"{group}-{number}",
            "task_type": group,
            "instruction": "Do it.",
            "instruction_language": language,
            "Intersection_exist": number > 0,
        }
        for language in languages
        for group in GROUPS
        for number in range(per_group)
    ]


def vie(*scores: float) -> str:
    return json.dumps({"score": list(scores), "reasoning": "because"})


def scored(cases: Path | None, replies: Path, protocol: str, **options: Any) -> dict[str, Any]:
    scoring = Scoring(protocol, **options)  # type: ignore[arg-type]
    return summary(score_files(load_task("gedit"), [replies], cases, scoring))


def test_item_group_and_overall_means(write: Writer) -> None:
    cases = write("cases.json", rows(2, ("en",)))
    rng = np.random.default_rng(5)
    numbers = {row["key"]: rng.integers(0, 11, 4).tolist() for row in rows(2, ("en",))}
    replies = {key: {"SC": vie(a, b), "PQ": vie(c, d)} for key, (a, b, c, d) in numbers.items()}
    path = write("r.json", replies)
    expected = {
        group: np.mean(
            [
                math.sqrt(min(n[:2]) * min(n[2:]))
                for n in (numbers[f"{group}-0"], numbers[f"{group}-1"])
            ]
        )
        for group in GROUPS
    }
    for protocol in ("official", "robust"):
        found = scored(cases, path, protocol, language="en")
        assert {g: figures["O"] for g, figures in found["types"].items()} == pytest.approx(expected)
        assert found["macro"]["O"] == pytest.approx(np.mean(list(expected.values())))
        assert found["context"]["subset"] == "en"
    official = scored(cases, path, "official", language="en")
    assert official["macro"]["O"] == float(np.mean(list(expected.values()))), "to the last digit"
    assert official["printed"]["Average"].endswith(f"{np.mean(list(expected.values())):.3f}")
    half = scored(cases, path, "official", subset="intersection")
    assert (half["n"], half["n_scored"]) == (11, 11)
    assert half["types"][GROUPS[0]]["O"] == math.sqrt(
        min(numbers[f"{GROUPS[0]}-1"][:2]) * min(numbers[f"{GROUPS[0]}-1"][2:])
    )


@pytest.mark.parametrize("layout", ["case", "part", "group", "jsonl", "folder", "pairs"])
def test_every_layout_of_replies_is_read(write: Writer, tmp_path: Path, layout: str) -> None:
    cases = write("cases.json", rows(1, ("en", "cn")))
    keyed = {
        f"{row['instruction_language']}/{row['key']}": {"SC": vie(8, 6), "PQ": vie(6, 7)}
        for row in rows(1, ("en", "cn"))
    }
    path = tmp_path / "replies"
    if layout == "case":
        path = write(
            "r.json", {k: {"sc_reply": v["SC"], "quality": v["PQ"]} for k, v in keyed.items()}
        )
    elif layout == "part":
        path = write("r.json", {p: {k: v[p] for k, v in keyed.items()} for p in ("SC", "PQ")})
    elif layout == "group":
        nested: dict[str, Any] = {}
        for key, value in keyed.items():
            language, name = key.split("/")
            nested.setdefault(name.rpartition("-")[0], {}).setdefault(language, {})[name] = value
        path = write("r.json", nested)
    elif layout == "jsonl":
        path = write("r.jsonl", "\n".join(json.dumps({"key": k} | v) for k, v in keyed.items()))
    elif layout == "pairs":
        path = write("r.json", {k: [v["SC"], v["PQ"]] for k, v in keyed.items()})
    else:
        path.mkdir()
        for part in ("SC", "PQ"):
            (path / f"{part}.json").write_text(
                json.dumps({k: json.loads(v[part]) for k, v in keyed.items()})
            )
    for language in ("en", "cn"):
        found = scored(cases, path, "robust", language=language)
        assert (found["n"], found["n_scored"]) == (11, 11), found["unscored_items"][:2]
        assert found["macro"] == pytest.approx({"O": 6.0, "SC": 6.0, "PQ": 6.0})


def test_random_scores_stand_in_official_alone_and_are_flagged(write: Writer) -> None:
    cases = write("cases.json", rows(1, ("en",)))
    replies = {row["key"]: {"SC": GOOD, "PQ": GOOD} for row in rows(1, ("en",))}
    replies["ps_human-0"] = {"SC": "I can't help with people.", "PQ": "[7, 8]"}
    path = write("r.json", replies)
    official = scored(cases, path, "official")
    assert official["slips"]["random_guess"] == 1
    assert official["slips"]["list_not_read"] == 1
    assert official["n_scored"] == 11
    note = next(note for note in official["notes"] if "random number" in note)
    assert "1 of 11 items" in note
    values = [
        scored(cases, path, "official", seed=seed)["types"]["ps_human"]["SC"] for seed in range(30)
    ]
    assert all(value == int(value) and 0 <= value <= 10 for value in values)
    assert len(set(values)) > 3
    assert values[0] == scored(cases, path, "official", seed=0)["types"]["ps_human"]["SC"]
    robust = scored(cases, path, "robust")
    assert robust["unscored"] == {"refused": 1}
    assert "ps_human" not in robust["types"]
    assert any("nothing scored in ps_human" in note for note in robust["notes"])


def test_a_kept_second_answer_counts_where_the_first_could_not_be_read(write: Writer) -> None:
    cases = write("cases.json", rows(1, ("en",)))
    path = write(
        "r.json", {"ps_human-0": {"SC": ["no json", vie(4, 9)], "PQ": [vie(1, 1), vie(9, 9)]}}
    )
    official = scored(cases, path, "official")
    assert official["types"]["ps_human"] == {"O": 6.0, "SC": 4.0, "PQ": 9.0}
    assert official["slips"] == {"asked_again": 1, "missing_skipped": 10}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ('{"score": }', "asked_again_forever"),
        ('{"score": "high"}', "asked_again_forever"),
        ('{"score": []}', "asked_again_forever"),
        ('{"score": [-4, 3]}', "negative_product"),
        ("{}", "asked_again_forever"),
        ("[06, 4]", "asked_again_forever"),
    ],
)
def test_what_the_script_would_ask_for_ever_is_no_number(
    write: Writer, reply: str, reason: str
) -> None:
    cases = write("cases.json", rows(1, ("en",)))
    path = write("r.json", {"ps_human-0": {"SC": reply, "PQ": GOOD}})
    official = scored(cases, path, "official")
    lost = next(row for row in official["unscored_items"] if row["key"] == "ps_human-0")
    assert lost["outcome"] == "unparsable"
    assert lost["reason"] in (reason, "asked_again_forever")


def test_missing_replies_are_skipped_and_an_empty_group_has_no_overall(write: Writer) -> None:
    cases = write("cases.json", rows(2, ("en",)))
    replies = {
        r["key"]: {"SC": GOOD, "PQ": GOOD} for r in rows(2, ("en",)) if r["task_type"] != "ps_human"
    }
    del replies["tone_transfer-0"]
    path = write("r.json", replies)
    official = scored(cases, path, "official")
    assert official["macro"] == {"O": None, "SC": None, "PQ": None}
    assert official["printed"]["ps_human"] == "nan, nan, nan"
    assert any("3 cases without a reply" in note for note in official["notes"])
    assert official["slips"] == {"missing_skipped": 3}
    assert official["silently_dropped"] == 3
    assert scored(cases, path, "robust")["slips"] == {}
    assert any("NaN" in note for note in official["notes"])
    assert scored(cases, path, "robust")["macro"]["O"] == pytest.approx(6.0)


@pytest.mark.parametrize("protocol", ["official", "robust"])
@pytest.mark.parametrize(
    ("sc", "pq"),
    [(6, 4.0), ([6, 9], [4, 8]), ({"score": [6, 9], "reasoning": "x"}, {"score": [8, 4]})],
)
def test_scores_that_were_read_before_are_taken(
    write: Writer, protocol: str, sc: Any, pq: Any
) -> None:
    cases = write("cases.json", rows(1, ("en",)))
    content = {r["key"]: {"sementics_score": sc, "quality_score": pq} for r in rows(1, ("en",))}
    found = scored(cases, write("r.json", content), protocol)
    assert found["macro"] == pytest.approx({"SC": 6.0, "PQ": 4.0, "O": math.sqrt(24)})


def test_score_tables_of_the_published_script(write: Writer, tmp_path: Path) -> None:
    head = "source_image,edited_image,instruction,sementics_score,quality_score,intersection_exist,instruction_language\n"
    tables = tmp_path / "tables"
    tables.mkdir()
    for place, group in enumerate(GROUPS):
        lines = [
            f'{group}/{lang}/{n}_SRCIMG.png,m/fullset/{group}/{lang}/{n}.png,"do, it",{place},{n + 4},{n > 0},{lang}\n'
            for lang in ("en", "cn")
            for n in range(3)
        ]
        (tables / f"m_{group}_gpt_score.csv").write_text(head + "".join(lines))
    (tables / "m_combined_gpt_score.csv").write_text("nothing to read here")
    found = scored(None, tables, "official", language="en", subset="intersection")
    assert (found["n"], found["n_scored"]) == (22, 22)
    expected = [np.mean([math.sqrt(place * 5), math.sqrt(place * 6)]) for place in range(11)]
    assert found["macro"]["O"] == float(np.mean(expected))
    assert scored(None, tables, "robust", language="cn")["macro"]["SC"] == 5.0
    single = scored(None, tables / f"m_{GROUPS[2]}_gpt_score.csv", "robust")
    assert single["types"] == {
        GROUPS[2]: pytest.approx({"SC": 2.0, "PQ": 5.0, "O": single["types"][GROUPS[2]]["O"]})
    }
    with pytest.raises(UsageError, match="no score table"):
        scored(None, write("x.csv", "a,b\n1,2\n"), "robust")


def test_other_words_for_languages_and_subsets_are_refused(write: Writer) -> None:
    cases, path = write("cases.json", rows(1)), write("r.json", {})
    with pytest.raises(UsageError, match=r"'zh'.*finds nothing"):
        scored(cases, path, "official", language="zh")
    with pytest.raises(UsageError, match="fullset, intersection"):
        scored(cases, path, "official", subset="half")
    with pytest.raises(UsageError, match="no rows of GEdit-Bench"):
        scored(write("none.json", [{"a": 1}]), path, "official")


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet"])
def test_cases_in_every_format(tmp_path: Path, ending: str) -> None:
    content = rows(2)
    path = tmp_path / f"cases.{ending}"
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist([row | {"input_image": b"x"} for row in content]), path)
    elif ending == "csv":
        lines = [",".join(content[0]), *(",".join(map(str, row.values())) for row in content)]
        path.write_text("\n".join(lines))
    else:
        text = "\n".join(map(json.dumps, content)) if ending == "jsonl" else json.dumps(content)
        path.write_text(text)
    cases = load_task("gedit").read_cases(path).cases
    assert len(cases) == 44
    assert cases[0].key == f"en/{GROUPS[0]}-0", "both languages have the key"
    assert [case.intersection for case in cases[:2]] == [False, True]


def test_a_score_that_is_not_finite_leaves_no_mean_and_says_so(
    write: Writer, tmp_path: Path
) -> None:
    cases = write("cases.json", rows(2, ("en",)))
    replies = {row["key"]: {"SC": vie(8, 6), "PQ": vie(6, 7)} for row in rows(2, ("en",))}
    replies["ps_human-0"]["SC"] = '{"score": NaN}'
    found = scored(cases, write("r.json", replies), "official", language="en")
    assert "ps_human" not in found["types"]
    assert len(found["types"]) == len(GROUPS) - 1
    assert (found["macro"]["O"], found["micro"]["O"]) == (None, None)
    assert found["intervals"]["O"]["macro"] is None
    assert found["printed"]["ps_human"] == "nan, nan, nan"
    assert found["slips"] == {"not_finite": 1}
    assert any("not finite" in note for note in found["notes"])
    json.dumps(found, allow_nan=False)
    table = "source_image,edited_image,instruction,sementics_score,quality_score,intersection_exist,instruction_language"
    lines = [f"s,r/fullset/ps_human/en/{key}.png,x,{sc},6,True,en" for key, sc in (("a", ""), ("b", 8), ("c", -1))]  # fmt: skip
    path = tmp_path / "m_ps_human_gpt_score.csv"
    path.write_text("\n".join([table, *lines]))
    found = scored(None, path, "official", language="en")
    assert found["types"] == {}
    assert found["unscored_reasons"] == {"not_finite": 1, "negative_product": 1}
    assert found["script_stops_at"] == ["ps_human/en/c: negative_product"]
    assert found["silently_dropped"] == 0


def test_rows_that_stand_twice_count_once_and_replies_of_the_other_language_are_no_strangers(
    write: Writer,
) -> None:
    cases = write("cases.json", [*rows(1), rows(1)[0], [1]])
    replies = {f"{row['instruction_language']}/{row['key']}": {"SC": vie(8, 6), "PQ": vie(6, 7)} for row in rows(1)}  # fmt: skip
    path = write("r.json", replies | {"en/nobody": {"SC": "x", "PQ": "x"}})
    for protocol in ("official", "robust"):
        found = scored(cases, path, protocol, language="en")
        assert (found["n"], found["n_scored"]) == (len(GROUPS), len(GROUPS))
        assert found["extra_replies"] == ["en/nobody"]
        assert "1 replies belong to no case (first: 'en/nobody')" in found["notes"]
        assert any("twice in one language" in note for note in found["notes"])
        assert "1 cases were left out: no key or task_type" in found["notes"]


def test_replies_that_say_no_language_are_named(write: Writer) -> None:
    cases = write("cases.json", rows(1))
    path = write("r.json", {rows(1)[0]["key"]: {"SC": vie(8, 6), "PQ": vie(6, 7)}})
    for protocol in ("official", "robust"):
        notes = scored(cases, path, protocol, language="cn")["notes"]
        assert any(note.startswith("1 replies say no language") for note in notes)

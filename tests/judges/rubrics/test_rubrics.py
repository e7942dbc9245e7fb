from __future__ import annotations

import json
from pathlib import Path

import pytest

from editloop.core.errors import ConfigError, UnknownNameError
from editloop.judges.parsing.protocols import IMGEDIT_AXES
from editloop.judges.rubrics import load_rubric, rubric_names, with_published_prompts
from editloop.judges.rubrics.readings import axes_of, read_reply
from editloop.judges.rubrics.rubric import parse_rubric
from editloop.records.taxonomy import EditType

OWN = """
name = "mine"
source = "me"
scale = [0, 3]
combine = "mean"
[[question]]
name = "q"
edit_types = ["*"]
reading = "scores:0:3:shine"
images = ["edited"]
reply = "json"
role = "Look."
[[question.axis]]
label = "shine"
title = "Shine"
asks = "How shiny?"
"""


@pytest.mark.parametrize("name", rubric_names())
def test_every_rubric_names_its_source_and_asks_every_kind_of_edit(name: str) -> None:
    rubric = load_rubric(name)
    assert "arXiv" in rubric.source
    for edit_type in (None, *EditType):
        questions = rubric.questions_for(edit_type)
        assert questions
        for question in questions:
            text = rubric.text(question, "add a lamp")
            assert ("add a lamp" in text) == question.instruction
            assert "material" in text


@pytest.mark.parametrize("edit_type", IMGEDIT_AXES)
def test_a_reply_in_the_asked_form_is_read_by_both_rules(edit_type: str) -> None:
    rubric = load_rubric("imgedit")
    question = next(one for one in rubric.questions if one.name == edit_type)
    reply = "Brief reasoning: x\n" + "\n".join(
        f"{axis.label}: {score}" for axis, score in zip(question.axes, (5, 4, 3), strict=True)
    )
    read = read_reply(question.reading, reply)
    assert list(read.axes.items()) == list(
        zip((axis.name for axis in axes_of(question.reading)), (5.0, 4.0, 3.0), strict=True)
    )


def test_hp_scorer_asks_its_eight_tasks_and_the_base_question_for_others() -> None:
    rubric = load_rubric("hp-scorer")
    names = {rubric.questions_for(edit_type)[0].name for edit_type in EditType}
    assert len(names) == 9
    assert rubric.questions_for(EditType.TEXT)[0].name == "base"
    assert rubric.questions_for(None)[0].name == "base"


def test_the_version_follows_the_words() -> None:
    first = parse_rubric(OWN, "own.toml")
    assert parse_rubric(OWN, "other.toml").version == first.version
    assert parse_rubric(OWN.replace("shiny", "glossy"), "own.toml").version != first.version


def test_a_rubric_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    question = load_rubric(str(path)).questions[0]
    assert read_reply(question.reading, '{"shine": 2.5}').axes == {"shine": 2.5}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing", "no rubric"),
        (OWN.replace('reply = "json"', 'reply = "song"'), "no rubric"),
        (OWN.split("[[question]]")[0], "asks nothing"),
        (OWN.replace("scores:0:3:shine", "imgedit:dance"), "no reading"),
        (OWN.replace("scores:0:3:shine", "scores:3:0:shine"), "rising scale"),
    ],
)
def test_files_that_are_no_rubric(text: str, words: str) -> None:
    with pytest.raises(Exception, match=words):
        parse_rubric(text, "own.toml")


def test_unknown_names_and_files(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="viescore"):
        load_rubric("viescor")
    with pytest.raises(ConfigError, match="cannot read"):
        load_rubric(str(tmp_path / "none.toml"))


def test_published_words_are_used_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps({name: f"{name} rubric <edit_prompt>." for name in IMGEDIT_AXES}))
    rubric = with_published_prompts(load_rubric("imgedit"), path)
    question = rubric.questions_for(EditType.ADD)[0]
    assert rubric.text(question, "add a lamp") == "add rubric add a lamp."
    assert rubric.version.startswith("official-")
    assert not rubric.questions_for(EditType.TEXT)
    path.write_text('{"add": "no slot"}')
    with pytest.raises(ConfigError, match="expected the keys"):
        with_published_prompts(load_rubric("imgedit"), path)
    with pytest.raises(ConfigError, match="no prompts were published"):
        with_published_prompts(load_rubric("nhr"), path)


def test_the_official_file_of_imgedit(shared_data: Path) -> None:
    path = shared_data / "imgedit_bench" / "prompts.json"
    if not path.exists():
        pytest.skip(f"no {path.name}")
    rubric = with_published_prompts(load_rubric("imgedit"), path)
    official = json.loads(path.read_text(encoding="utf-8"))
    assert [question.official for question in rubric.questions] == [
        official[question.name] for question in rubric.questions
    ]

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case
from editloop.world.changes import apply_changes
from editloop.world.choices import COLOURS
from editloop.world.dialogues import sample_dialogue, telling_turns
from editloop.world.grammar.naming import PLACE_WORDS, PRONOUNS

Dialogue = tuple[Case, ...]


def of_kind(dialogues: tuple[Dialogue, ...], kind: EditType) -> list[Dialogue]:
    return [dialogue for dialogue in dialogues if dialogue[0].kind is kind]


def brought(case: Case) -> set[object]:
    return set(case.target.objects) - set(case.source.objects)


def test_turns_are_numbered_and_remember_what_was_said(dialogues: tuple[Dialogue, ...]) -> None:
    for dialogue in dialogues:
        assert 2 <= len(dialogue) <= 3
        said = dialogue[0].context
        for number, case in enumerate(dialogue, start=1):
            assert case.turn == number
            assert case.context == said
            assert case.report_type is dialogue[0].kind
            assert not case.edit_type.is_dialogue
            assert case.target == apply_changes(case.source, case.changes)
            said += (case.instruction,)


def test_a_premise_holds_in_turns_that_do_not_repeat_it(dialogues: tuple[Dialogue, ...]) -> None:
    seen = set()
    for dialogue in of_kind(dialogues, EditType.CONTENT_MEMORY):
        premise = dialogue[0].context[0].split()
        quality = next(
            w for w in premise if w in {*COLOURS, "small", "big", "striped", "dotted", *PLACE_WORDS}
        )
        seen.add(quality)
        for case in telling_turns(dialogue):
            assert quality not in case.instruction.split() or quality in COLOURS
            (item,) = brought(case)
            assert quality in (item.colour, item.size, item.pattern, item.place)
    assert len(seen) > 8


def test_a_premise_of_colour_is_not_said_again_of_what_comes(
    dialogues: tuple[Dialogue, ...],
) -> None:
    for dialogue in of_kind(dialogues, EditType.CONTENT_MEMORY):
        quality = dialogue[0].context[0].split()[-1]
        for case in telling_turns(dialogue):
            (item,) = brought(case)
            if quality in COLOURS:
                assert f"{quality} {item.kind}" not in case.instruction


def test_each_turn_of_memory_and_understanding_edits_the_last_picture(
    dialogues: tuple[Dialogue, ...],
) -> None:
    for kind in (EditType.CONTENT_MEMORY, EditType.CONTENT_UNDERSTANDING):
        for dialogue in of_kind(dialogues, kind):
            for earlier, later in pairwise(dialogue):
                assert later.source == earlier.target


def test_a_pronoun_means_the_object_of_the_turn_before(dialogues: tuple[Dialogue, ...]) -> None:
    for dialogue in of_kind(dialogues, EditType.CONTENT_UNDERSTANDING):
        (meant,) = brought(dialogue[0])
        for case in dialogue[1:]:
            words = f" {case.instruction} "
            assert any(f" {name} " in words for name in (*PRONOUNS, "its")), words
            assert meant.kind not in words.split() or case.edit_type is EditType.REPLACE
            index = case.changes[0].object_index
            assert index is not None
            assert case.source.objects[index] == meant
            meant = next(iter(brought(case)), None)


def test_going_back_edits_an_earlier_version(dialogues: tuple[Dialogue, ...]) -> None:
    to_start = 0
    for dialogue in of_kind(dialogues, EditType.VERSION_BACKTRACKING):
        last, rejected = dialogue[-1], dialogue[-2]
        versions = [dialogue[0].source, *(case.target for case in dialogue[:-2])]
        assert last.source in versions
        assert last.source != rejected.target
        assert last.target != rejected.target
        assert {"undo", "back", "forget"} & set(last.instruction.split())
        words = set(last.instruction.replace(",", "").split())
        whole = bool(words & {"everything", "start", "all", "both", "first"})
        expected = dialogue[0].source if whole else rejected.source
        assert last.source == expected, last
        to_start += whole
    assert to_start > 3


def test_telling_turns_need_what_was_said_before(dialogues: tuple[Dialogue, ...]) -> None:
    for dialogue in dialogues:
        for case in telling_turns(dialogue):
            assert case.context


def test_dialogues_can_be_held_out() -> None:
    rng = np.random.default_rng(0)
    for kind in (EditType.CONTENT_MEMORY, EditType.VERSION_BACKTRACKING):
        assert all(turn.split == "held_out" for turn in sample_dialogue(rng, kind, "held_out"))


def test_a_single_edit_is_no_dialogue() -> None:
    with pytest.raises(UsageError, match="no dialogue"):
        sample_dialogue(np.random.default_rng(0), EditType.ADD)

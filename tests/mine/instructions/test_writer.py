"""What each kind of instruction must say, and what it must not."""

from __future__ import annotations

import re

import pytest

from editloop.core.errors import UsageError
from editloop.mine.instructions import (
    Round,
    Slots,
    describe_place,
    write_compose,
    write_dialogue,
    write_instruction,
)
from editloop.records.record import Box
from editloop.records.taxonomy import EditType

CUP = Slots(
    object="cup", place=describe_place(Box(left=600, top=400, right=700, bottom=500), 768, 512)
)


def _texts(written):
    return [written.main, *(phrasing.text for phrasing in written.phrasings)]


def test_same_seed_same_words_other_seed_other_words():
    first = write_instruction(EditType.REMOVE, CUP, 1)
    assert first == write_instruction(EditType.REMOVE, CUP, 1)
    others = {write_instruction(EditType.REMOVE, CUP, seed).main for seed in range(40)}
    assert len(others) > 25


NEEDED = {
    EditType.REMOVE: (CUP, ["cup"]),
    EditType.ADD: (CUP, ["cup"]),
    EditType.REPLACE: (
        Slots(object="cup", new_object="vase", new_colour="red"),
        ["cup", "red vase"],
    ),
    EditType.BACKGROUND: (Slots(background="beach"), ["beach"]),
    EditType.EXTRACT: (CUP, ["cup"]),
    EditType.STYLE: (Slots(style="a pencil sketch"), ["a pencil sketch"]),
    EditType.TONE: (Slots(tone="a stormy evening"), ["a stormy evening"]),
    EditType.RELIGHT: (Slots(light="warm light"), ["warm light"]),
    EditType.VISUAL: (Slots(new_object="vase"), ["vase", "reference|second|other"]),
}


@pytest.mark.parametrize("edit_type", sorted(NEEDED))
def test_every_wording_names_what_matters(edit_type):
    slots, words = NEEDED[edit_type]
    for seed in range(60):
        for text in _texts(write_instruction(edit_type, slots, seed)):
            for word in words:
                assert re.search(word, text, re.IGNORECASE), text


def test_colour_and_material_are_two_kinds_of_adjust():
    for seed in range(30):
        for text in _texts(
            write_instruction(EditType.ADJUST, Slots(object="cup", colour="orange"), seed)
        ):
            assert "orange" in text.lower()
        for text in _texts(
            write_instruction(EditType.ADJUST, Slots(object="cup", material="oak"), seed)
        ):
            assert "oak" in text


def test_a_background_main_wording_keeps_its_object_out():
    for seed in range(40):
        main = write_instruction(
            EditType.BACKGROUND, Slots(object="dog", background="beach"), seed
        ).main
        assert "dog" not in main


def test_one_of_several_is_always_told_apart():
    boxes = [Box(left=x, top=200, right=x + 90, bottom=300) for x in (30, 340, 650)]
    slots = Slots(object="dog", place=describe_place(boxes[1], 768, 512, [boxes[0], boxes[2]]))
    for seed in range(40):
        for text in _texts(write_instruction(EditType.REMOVE, slots, seed)):
            assert "middle" in text, text


def test_compose_says_both():
    parts = Round(EditType.REMOVE, CUP), Round(EditType.ADJUST, Slots(object="car", colour="blue"))
    for seed in range(40):
        for text in _texts(write_compose(*parts, seed)):
            assert all(word in text for word in ("cup", "car", "blue")), text


def test_content_memory_rounds_leave_the_premise_unsaid():
    rounds = [
        Round(EditType.ADJUST, Slots(object="car", colour="purple")),
        Round(EditType.REPLACE, Slots(object="cup", new_object="vase", colour="purple")),
    ]
    for seed in range(40):
        dialogue = write_dialogue(EditType.CONTENT_MEMORY, rounds, seed)
        assert "purple" in dialogue.premise.lower()
        assert len(dialogue.turns) == 2
        for turn in dialogue.turns:
            assert not any("purple" in text.lower() for text in _texts(turn))


def test_a_style_can_be_the_premise_and_rounds_keep_their_own_colours():
    rounds = [
        Round(
            EditType.ADJUST, Slots(object="car", colour="purple", style="an old sepia photograph")
        ),
        Round(EditType.REMOVE, Slots(object="cup")),
    ]
    for seed in range(40):
        dialogue = write_dialogue(EditType.CONTENT_MEMORY, rounds, seed)
        assert "sepia" in dialogue.premise
        assert "purple" in dialogue.turns[0].main.lower()
        assert not any("sepia" in text for turn in dialogue.turns for text in _texts(turn))
        assert "cup" in dialogue.turns[1].main


def test_a_new_thing_is_not_called_the_left_one():
    place = describe_place(
        Box(left=20, top=20, right=90, bottom=90),
        768,
        512,
        [Box(left=600, top=20, right=690, bottom=90)],
    )
    assert place.rank == "left"
    for seed in range(20):
        written = write_instruction(EditType.ADD, Slots(object="owl", place=place), seed)
        assert all(re.search(r"\ban? (\w+ )?owl\b", text) for text in _texts(written))


def test_every_kind_of_edit_can_be_half_of_a_composition():
    slots = Slots(object="cup", new_object="vase", colour="red", style="a sketch", tone="a night scene", light="neon light", background="beach")  # fmt: skip
    for edit_type in EditType:
        if edit_type in NEEDED and edit_type is not EditType.VISUAL:
            assert write_compose(Round(edit_type, slots), Round(EditType.REMOVE, CUP), 3).main


def test_content_understanding_speaks_in_pronouns_after_the_first_round():
    rounds = [
        Round(EditType.ADD, CUP),
        Round(EditType.ADJUST, Slots(object="cup", colour="green")),
        Round(EditType.REPLACE, Slots(object="cup", new_object="candle")),
    ]
    for seed in range(40):
        first, *later = write_dialogue(EditType.CONTENT_UNDERSTANDING, rounds, seed).turns
        assert "cup" in first.main
        for turn in later:
            assert not any("cup" in text for text in _texts(turn))
            assert all(len(text.split()) <= 9 for text in _texts(turn))


def test_short_rounds_are_labelled_by_how_they_sound():
    rounds = [
        Round(EditType.ADD, CUP),
        Round(EditType.ADJUST, Slots(object="cup", colour="green")),
        Round(EditType.REMOVE, Slots(object="cup")),
    ]
    labels = {}
    for seed in range(60):
        for turn in write_dialogue(EditType.CONTENT_UNDERSTANDING, rounds, seed).turns[1:]:
            labels |= {phrasing.text: phrasing.style for phrasing in turn.phrasings}
    assert labels["Make it green."] == "terse"
    assert labels["Could it be green?"] == "casual"
    assert labels["On second thoughts, get rid of it."] == "plain"


def test_version_backtracking_returns_to_the_first_object():
    rounds = [
        Round(EditType.ADD, CUP),
        Round(EditType.REPLACE, Slots(object="cup", new_object="candle")),
        Round(EditType.ADJUST, Slots(object="cup", colour="green")),
    ]
    for seed in range(40):
        _, second, third = write_dialogue(EditType.VERSION_BACKTRACKING, rounds, seed).turns
        assert "candle" in second.main
        assert all(word in third.main for word in ("cup", "green"))
        assert "candle" not in third.main


def test_wrong_requests_say_what_is_missing():
    with pytest.raises(UsageError, match="needs new_object"):
        write_instruction(EditType.REPLACE, CUP, 0)
    with pytest.raises(UsageError, match="a colour or a material"):
        write_instruction(EditType.ADJUST, CUP, 0)
    with pytest.raises(UsageError, match="no wordings for action"):
        write_instruction(EditType.ACTION, CUP, 0)
    with pytest.raises(
        UsageError, match="rounds add, then adjust, then remove or replace; got add"
    ):
        write_dialogue(EditType.CONTENT_UNDERSTANDING, [Round(EditType.ADD, CUP)], 0)
    with pytest.raises(UsageError, match="not a kind of dialogue"):
        write_dialogue(EditType.ADD, [], 0)
    with pytest.raises(UsageError, match="colour, material or style"):
        write_dialogue(EditType.CONTENT_MEMORY, [Round(EditType.ADJUST, CUP)] * 2, 0)


def test_idioms_belong_to_looks_that_exist():
    from editloop.mine.instructions.phrases import wordings
    from editloop.models.editors.procedural.relight import LIGHTS
    from editloop.models.editors.procedural.style import STYLES
    from editloop.models.editors.procedural.tone import TONES

    phrases = {look.phrase for looks in (LIGHTS, STYLES, TONES) for look in looks.values()}
    assert set(wordings("looks")) <= phrases
    night = Slots(tone="a night scene", detail="deep blue shadows")
    texts = {t for seed in range(60) for t in _texts(write_instruction(EditType.TONE, night, seed))}
    assert "Turn day into night." in texts
    assert len(texts) > 40

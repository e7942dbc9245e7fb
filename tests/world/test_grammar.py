from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import get_args

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change, PhrasingStyle
from editloop.world.choices import BACKGROUNDS, LIGHTS, STYLES, TONES, WEARS
from editloop.world.grammar import instruct, instruct_by_name, naming, vocabulary
from editloop.world.grammar.sentences import MAX_INSTRUCTION_WORDS, MAX_WORDS
from editloop.world.grammar.templates import Template, say, wordings
from editloop.world.oracle import FAILURE_WORDS
from editloop.world.sampling import describe, sample_scene
from editloop.world.scenes import Scene, SceneObject

STYLES_OF_PHRASE: tuple[PhrasingStyle, ...] = get_args(PhrasingStyle)
WORD = re.compile(r"[a-z]+")
TWINS = Scene(
    "meadow",
    (
        SceneObject("ball", "red", "left"),
        SceneObject("ball", "blue", "right", "big"),
        SceneObject("cup", "red", "middle", pattern="striped"),
    ),
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def words_of(case: Case) -> list[str]:
    return [word for text in (*case.context, case.instruction) for word in WORD.findall(text)]


def test_no_case_and_no_prompt_leaves_the_vocabulary(
    train_cases: tuple[Case, ...], every_type: tuple[Case, ...], rng: np.random.Generator
) -> None:
    known = set(vocabulary())
    for case in (*train_cases, *every_type):
        assert known.issuperset(words_of(case)), case.instruction
    for _ in range(500):
        assert known.issuperset(WORD.findall(describe(sample_scene(rng), rng)))


def test_the_vocabulary_is_small_sorted_and_knows_the_failure_texts() -> None:
    words = vocabulary()
    assert len(words) <= 270
    assert list(words) == sorted(set(words))
    assert all(WORD.fullmatch(word) for word in words)
    assert {word for text in FAILURE_WORDS for word in text.split()} <= set(words)


def test_texts_are_short_and_hold_no_other_marks(
    train_cases: tuple[Case, ...], every_type: tuple[Case, ...]
) -> None:
    for case in (*train_cases, *every_type):
        assert 1 < len(case.instruction.split()) <= MAX_INSTRUCTION_WORDS
        assert len(" ".join([*case.context, case.instruction]).split()) <= MAX_WORDS
        for text in (*case.context, case.instruction):
            assert re.fullmatch(r"[a-z]+(,? [a-z]+)*", text), text


def test_only_a_prompt_begins_with_draw(every_type: tuple[Case, ...]) -> None:
    assert not any(case.instruction.startswith("draw") for case in every_type)


def test_every_wording_has_every_style_and_fills_the_gaps_it_must() -> None:
    """Of the gaps of a wording, only names of old places and things may be left out."""
    optional = {"object", "bare", "place", "to", "background", "in_background", "from", "lamp"}
    for name, styles in wordings().items():
        assert set(styles) == set(STYLES_OF_PHRASE), name
        templates = [template for several in styles.values() for template in several]
        every = frozenset().union(*(template.slots() for template in templates))
        assert all(every - optional <= template.slots() for template in templates), name
        assert all(bool(every) == bool(template.slots()) for template in templates), name
        assert all(len(set(several)) == len(several) for several in styles.values()), name


def test_every_look_can_be_put_on_and_taken_off_in_words(rng: np.random.Generator) -> None:
    looks = [
        Change(edit_type, None, attribute, value)
        for edit_type, attribute, values in (
            (EditType.BACKGROUND, "background", BACKGROUNDS),
            (EditType.STYLE, "style", STYLES),
            (EditType.TONE, "tone", TONES),
            (EditType.RELIGHT, "light", LIGHTS),
            (EditType.RESTORE, "wear", WEARS),
        )
        for value in values
    ]
    for change, style in product(looks, STYLES_OF_PHRASE):
        for _ in range(10):
            assert "{" not in instruct(rng, TWINS, (change,), style)
    for attribute, values in (("tone", TONES), ("wear", WEARS)):
        for value in values:
            covered = replace(TWINS, **{attribute: value})
            edit_type = EditType.TONE if attribute == "tone" else EditType.RESTORE
            text = instruct(rng, covered, (Change(edit_type, None, attribute),), "plain")
            assert text != instruct(rng, TWINS, (Change(edit_type, None, attribute, value),))


@pytest.mark.parametrize("style", STYLES_OF_PHRASE)
def test_a_name_picks_out_one_object(style: PhrasingStyle, rng: np.random.Generator) -> None:
    for _ in range(200):
        for index, item in enumerate(TWINS.objects):
            name = naming.definite(rng, TWINS, index, style)
            fitting = [
                other
                for other in TWINS.objects
                if other.kind in name.split()
                and (item.colour not in name.split() or other.colour == item.colour)
                and (naming.PLACE_WORDS[item.place] not in name or other.place == item.place)
            ]
            assert fitting == [item], name


def test_sampled_names_pick_out_one_object(train_cases: tuple[Case, ...]) -> None:
    """Where a twin is near, the colour or the place of the one that is meant is said."""
    for case in train_cases:
        index = case.changes[0].object_index
        if case.kind or case.ambiguous or index is None or len(case.changes) > 1:
            continue
        item = case.source.objects[index]
        if any(o.kind == item.kind for o in case.source.objects if o is not item):
            text = case.instruction
            assert item.colour in text or naming.PLACE_WORDS[item.place] in text, text


def test_a_sentence_about_another_place_keeps_the_old_place_out(rng: np.random.Generator) -> None:
    change = Change(EditType.ACTION, 0, "place", "middle")
    for style in STYLES_OF_PHRASE:
        for _ in range(30):
            assert "left" not in instruct(rng, TWINS, (change,), style).split()


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (SceneObject("ball", "orange", "left"), "an orange ball"),
        (SceneObject("cup", "red", "left", "small", "striped"), "a small striped red cup"),
        (SceneObject("bird", "pink", "left", jumping=True), "a jumping pink bird"),
    ],
)
def test_new_objects_are_named_with_all_that_is_unusual(item: SceneObject, words: str) -> None:
    assert naming.indefinite(item) == words


def test_a_successor_is_named_by_what_differs() -> None:
    old = SceneObject("cup", "red", "left", "big", "striped")
    new = replace(old, kind="ball", colour="blue")
    assert naming.indefinite(new, old=old) == "a blue ball"
    assert naming.indefinite(replace(new, pattern="plain"), old=old) == "a plain blue ball"
    assert naming.indefinite(new, colour=False, old=old) == "a ball"


@pytest.mark.parametrize(("name", "never"), [("it", "colour of it"), ("that one", "the that")])
def test_pronouns_stand_where_names_do(name: str, never: str, rng: np.random.Generator) -> None:
    change = Change(EditType.ADJUST, 0, "colour", "green")
    for _ in range(40):
        text = instruct_by_name(rng, TWINS, change, name, "plain")
        assert never not in text
        assert "ball" not in text


def test_two_changes_make_one_sentence(rng: np.random.Generator) -> None:
    changes = (Change(EditType.REMOVE, 0), Change(EditType.ADJUST, 2, "colour", "white"))
    for style in STYLES_OF_PHRASE:
        text = instruct(rng, TWINS, changes, style)
        assert text.index("ball") < text.index("cup")
        assert len(text.split()) <= MAX_INSTRUCTION_WORDS


def test_what_cannot_be_said_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(UsageError, match="nothing to say"):
        instruct(rng, TWINS, ())
    many = tuple(Change(EditType.ADJUST, i % 3, "colour", "pink") for i in range(12))
    with pytest.raises(UsageError, match="do not fit"):
        instruct(rng, TWINS, many)
    with pytest.raises(UsageError, match="no wording is called"):
        say(rng, "sing", "plain", {})
    with pytest.raises(UsageError, match="new_object"):
        instruct(rng, TWINS, (Change(EditType.ADD),))


def test_a_template_keeps_text_gaps_and_alternatives(rng: np.random.Generator) -> None:
    template = Template.parse("(add|put) {new} {place}, please")
    assert template.slots() == {"new", "place"}
    assert set(template.words()) == {"add", "put", "please"}
    said = {template.fill(rng, {"new": "a cup", "place": "here"}) for _ in range(30)}
    assert said == {"add a cup here, please", "put a cup here, please"}


def test_a_prompt_names_all_that_is_to_be_drawn(rng: np.random.Generator) -> None:
    scene = replace(TWINS, tone="dusk", light="left", style="poster", wear="blur")
    text = describe(scene, rng)
    assert text.startswith("draw ")
    for phrase in ("a red ball on the left", "a big blue ball on the right"):
        assert phrase in text
    assert text.endswith("in a meadow at dusk with light from the left as a poster all blurred")
    assert describe(Scene("sea", ()), rng) == "draw nothing on the sea"

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change
from editloop.world.changes import apply_changes
from editloop.world.derived import composed_case, inverse_case
from editloop.world.grammar import composed_instruction, inverse_instruction
from editloop.world.grammar.sentences import MAX_INSTRUCTION_WORDS
from editloop.world.proposals import SINGLE_TURN_TYPES
from editloop.world.sampling import edit_of, make_case, random_scene
from editloop.world.scenes import Scene, SceneObject
from editloop.world.splits import belongs, combinations

BALL = SceneObject("ball", "red", "left")
CUP = SceneObject("cup", "blue", "middle")
SCENE = Scene("meadow", (BALL, CUP))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def case_of(*changes: Change) -> Case:
    return make_case(
        source=SCENE,
        instruction="words",
        changes=changes,
        targets=(apply_changes(SCENE, changes),),
        edit_type=changes[0].edit_type,
    )


def test_an_inverse_leads_to_the_source_and_says_only_what_changed(
    every_type: tuple[Case, ...], rng: np.random.Generator
) -> None:
    made = 0
    for case in every_type:
        inverse = inverse_case(case, rng)
        if inverse is None:
            continue
        made += 1
        assert inverse.source == case.target
        assert inverse.target == case.source == apply_changes(inverse.source, inverse.changes)
        words = inverse.instruction.split()
        assert not {"undo", "revert", "restore", "back"} & set(words)
        assert len(words) <= MAX_INSTRUCTION_WORDS
        assert belongs(combinations(inverse.source, inverse.changes), "train")
    assert made > 0.8 * len(every_type)


@pytest.mark.parametrize(
    ("change", "needed"),
    [
        (Change(EditType.REMOVE, 0), {"red", "ball", "left"}),
        (Change(EditType.ADJUST, 1, "colour", "pink"), {"cup", "blue"}),
        (Change(EditType.ACTION, 1, "place", "right"), {"cup", "middle"}),
        (Change(EditType.BACKGROUND, None, "background", "sea"), {"meadow"}),
        (
            Change(EditType.REPLACE, 0, new_object=replace(BALL, kind="star", colour="pink")),
            {"star", "red", "ball"},
        ),
    ],
    ids=lambda value: str(value.edit_type) if isinstance(value, Change) else "",
)
def test_an_inverse_names_what_is_needed(
    change: Change, needed: set[str], rng: np.random.Generator
) -> None:
    for _ in range(20):
        text = inverse_instruction(case_of(change), rng)
        assert text is not None
        missing = needed - set(text.split())
        assert missing <= {"left"}, "the one free place may go unnamed"


def test_taking_the_background_away_inverts_to_adding_one(rng: np.random.Generator) -> None:
    alone = Scene("sea", (CUP,))
    change = Change(EditType.EXTRACT, 0)
    case = make_case(
        source=alone,
        instruction="words",
        changes=(change,),
        targets=(apply_changes(alone, (change,)),),
        edit_type=EditType.EXTRACT,
    )
    inverse = inverse_case(case, rng)
    assert inverse is not None
    assert inverse.edit_type is EditType.BACKGROUND
    assert inverse.source.background == "paper"


def test_a_composition_leads_from_one_result_to_the_other(rng: np.random.Generator) -> None:
    made = 0
    for index in range(300):
        scene = random_scene(rng)
        first, second = (
            edit_of(rng, scene, SINGLE_TURN_TYPES[(index + step) % 12]) for step in (0, 5)
        )
        if first is None or second is None:
            continue
        composed = composed_case(first, second, rng)
        if composed is None:
            continue
        made += 1
        assert composed.source == first.target
        assert composed.target == second.target
        assert apply_changes(composed.source, composed.changes) == composed.target
        assert len(composed.instruction.split()) <= MAX_INSTRUCTION_WORDS
    assert made > 60


def test_a_composition_undoes_the_first_edit_and_then_makes_the_second(
    rng: np.random.Generator,
) -> None:
    first = case_of(Change(EditType.ADJUST, 0, "colour", "green"))
    second = case_of(Change(EditType.REMOVE, 1))
    text = composed_instruction(first, second, rng)
    assert text is not None
    assert text.index("red") < text.index("cup")


def test_edits_of_different_sources_do_not_compose(rng: np.random.Generator) -> None:
    first = case_of(Change(EditType.REMOVE, 0))
    other = replace(first, source=Scene("sea", (BALL, CUP)))
    with pytest.raises(UsageError, match="one source"):
        composed_case(first, other, rng)


def test_an_edit_composed_with_itself_is_no_case(rng: np.random.Generator) -> None:
    case = case_of(Change(EditType.REMOVE, 0))
    assert composed_case(case, case, rng) is None

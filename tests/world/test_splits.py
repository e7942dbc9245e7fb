from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from editloop.world.cases import Case
from editloop.world.choices import COLOURS, KINDS
from editloop.world.dialogues import telling_turns
from editloop.world.sampling import EDIT_TYPES, sample_scene
from editloop.world.splits import (
    HELD_OUT_SHARE,
    belongs,
    combinations,
    is_held_out,
    scene_combinations,
)


def touched(case: Case) -> frozenset[tuple[str, str, str]]:
    return combinations(case.source, case.changes)


def test_the_held_out_share_is_what_it_says() -> None:
    triples = list(product(KINDS, COLOURS, map(str, EDIT_TYPES)))
    share = sum(is_held_out(*triple) for triple in triples) / len(triples)
    assert share == pytest.approx(HELD_OUT_SHARE, abs=0.015)


def test_what_is_held_out_never_changes() -> None:
    colours = {colour for colour in COLOURS if is_held_out("star", colour, "add")}
    assert colours == {"red", "green", "blue", "purple"}
    assert not any(is_held_out("ball", colour, "add") for colour in COLOURS)


def test_training_touches_nothing_that_is_held_out(train_cases: tuple[Case, ...]) -> None:
    for case in train_cases:
        assert not any(is_held_out(*combination) for combination in touched(case)), case


def test_no_meaning_of_an_ambiguous_training_case_is_held_out(
    train_cases: tuple[Case, ...],
) -> None:
    for case in train_cases:
        if case.ambiguous:
            kind = case.source.objects[case.changes[0].object_index or 0].kind
            for item in case.source.objects:
                if item.kind == kind:
                    assert not is_held_out(kind, item.colour, str(case.edit_type))


def test_every_held_out_case_touches_something_held_out(held_out_cases: tuple[Case, ...]) -> None:
    for case in held_out_cases:
        assert case.split == "held_out"
        if not case.ambiguous:
            assert any(is_held_out(*combination) for combination in touched(case)), case


def test_every_type_has_held_out_cases(held_out_cases: tuple[Case, ...]) -> None:
    assert {case.report_type for case in held_out_cases} == set(EDIT_TYPES)


def test_the_splits_share_no_combination(
    train_cases: tuple[Case, ...], held_out_cases: tuple[Case, ...]
) -> None:
    trained = frozenset().union(*map(touched, train_cases))
    tested = {c for case in held_out_cases for c in touched(case) if is_held_out(*c)}
    assert tested
    assert not trained & tested


def test_no_turn_of_a_training_dialogue_is_held_out(
    dialogues: tuple[tuple[Case, ...], ...],
) -> None:
    for dialogue in dialogues:
        assert telling_turns(dialogue)
        for turn in dialogue:
            assert belongs(touched(turn), "train")


def test_prompts_have_splits_of_their_own() -> None:
    rng = np.random.default_rng(0)
    trained = [scene_combinations(sample_scene(rng)) for _ in range(400)]
    tested = [scene_combinations(sample_scene(rng, "held_out")) for _ in range(50)]
    assert not any(is_held_out(*c) for found in trained for c in found)
    assert all(any(is_held_out(*c) for c in found) for found in tested)

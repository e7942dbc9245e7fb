from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from editloop.core.errors import UsageError
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case
from editloop.world.changes import apply_changes
from editloop.world.choices import pick_weighted
from editloop.world.proposals import free_places, propose
from editloop.world.sampling import (
    DEFAULT_WEIGHTS,
    EDIT_TYPES,
    case_from_json,
    case_to_json,
    cases,
    edit_of,
    random_scene,
    sample_case,
    scene_from_json,
    scene_to_json,
)
from editloop.world.scenes import Scene, SceneObject

LOCAL = (EditType.ADD, EditType.REMOVE, EditType.REPLACE, EditType.ADJUST, EditType.ACTION)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    rng = np.random.default_rng(0)
    return [random_scene(rng) for _ in range(2000)]


def test_scenes_hold_one_to_four_objects_in_the_shares_promised(scenes: list[Scene]) -> None:
    counts = Counter(len(scene.objects) for scene in scenes)
    for count, share in {1: 0.25, 2: 0.35, 3: 0.3, 4: 0.1}.items():
        assert counts[count] / len(scenes) == pytest.approx(share, abs=0.04)


def test_only_a_fourth_object_shares_a_place_and_stands_in_front(scenes: list[Scene]) -> None:
    for scene in scenes:
        places = [item.place for item in scene.objects[:3]]
        assert len(set(places)) == len(places)
        for item in scene.objects[3:]:
            hidden = next(o for o in scene.objects if o.place == item.place)
            assert 0.05 < abs(item.x - hidden.x) < 0.16
            assert item.radius + abs(item.x - 0.5) < 0.5


def test_twins_differ_in_colour_and_are_rare(scenes: list[Scene]) -> None:
    twins = 0
    for scene in scenes:
        names = [(item.kind, item.colour) for item in scene.objects]
        assert len(set(names)) == len(names)
        twins += len({kind for kind, _ in names}) < len(names)
    several = sum(len(scene.objects) > 1 for scene in scenes)
    assert twins / several == pytest.approx(0.15, abs=0.03)


def test_objects_are_mostly_usual_and_never_quite_in_line(scenes: list[Scene]) -> None:
    first = [scene.objects[0] for scene in scenes]
    assert np.mean([o.size == "medium" for o in first]) == pytest.approx(0.6, abs=0.04)
    assert np.mean([o.pattern == "plain" for o in first]) == pytest.approx(0.85, abs=0.03)
    assert len({o.dx for o in first}) > 300
    assert max(abs(o.dx) for o in first) <= 0.03
    assert max(abs(o.dy) for o in first) <= 0.06


def test_few_scenes_wear_a_look(scenes: list[Scene]) -> None:
    looks = [bool(s.tone or s.light or s.wear or s.style) for s in scenes]
    assert np.mean(looks) == pytest.approx(0.05, abs=0.02)
    assert not any(scene.style or scene.focus is not None for scene in scenes)
    assert not any(scene.background == "paper" for scene in scenes)


def test_every_type_appears_and_local_edits_lead(train_cases: tuple[Case, ...]) -> None:
    counts = Counter(case.report_type for case in train_cases)
    assert set(counts) == set(EDIT_TYPES)
    assert sum(counts[t] for t in LOCAL) / len(train_cases) == pytest.approx(0.6, abs=0.03)
    assert sum(DEFAULT_WEIGHTS.values()) == pytest.approx(1)


def test_every_edit_changes_something_and_leaves_names_apart(
    every_type: tuple[Case, ...],
) -> None:
    for case in every_type:
        assert case.target != case.source, case
        assert case.target == apply_changes(case.source, case.changes)
        names = [(item.kind, item.colour) for item in case.target.objects]
        assert len(set(names)) == len(names)


def test_things_come_to_free_places_only(train_cases: tuple[Case, ...]) -> None:
    for case in train_cases:
        free = free_places(case.source)
        for change in case.changes:
            if case.kind is None and change.edit_type is EditType.ADD and change.new_object:
                assert change.new_object.place in free
            if change.attribute == "place":
                assert change.value in free


def test_ambiguous_cases_hold_every_fair_reading(train_cases: tuple[Case, ...]) -> None:
    pool = [c for c in train_cases if c.edit_type in LOCAL[1:4] and c.kind is None]
    ambiguous = [case for case in pool if case.ambiguous]
    assert 0.01 < len(ambiguous) / len(pool) < 0.05
    for case in ambiguous:
        change = case.changes[0]
        kind = case.source.objects[change.object_index or 0].kind
        twins = [i for i, item in enumerate(case.source.objects) if item.kind == kind]
        assert len(case.targets) == len(set(case.targets)) == len(twins) > 1
        assert not any(f"{case.source.objects[i].colour} {kind}" in case.instruction for i in twins)
        if change.attribute == "size":
            assert len({case.source.objects[i].size for i in twins}) == 1
        if change.new_object is None:
            readings = {
                apply_changes(case.source, (replace(change, object_index=i),)) for i in twins
            }
            assert readings == set(case.targets)


def test_a_reference_shows_the_very_object_big_on_paper(every_type: tuple[Case, ...]) -> None:
    shown = [case for case in every_type if case.edit_type is EditType.VISUAL]
    assert shown
    for case in every_type:
        assert bool(case.references) == (case.edit_type is EditType.VISUAL)
    for case in shown:
        (item,) = case.references[0].objects
        assert case.references[0].background == "paper"
        assert (item.place, item.size) == ("middle", "big")
        brought = [o for o in case.target.objects if o not in case.source.objects]
        assert [(o.kind, o.colour, o.pattern) for o in brought] == [
            (item.kind, item.colour, item.pattern)
        ]


def test_composed_edits_change_two_different_objects(every_type: tuple[Case, ...]) -> None:
    for case in every_type:
        if case.edit_type is EditType.COMPOSE:
            first, second = case.changes
            assert first.edit_type in LOCAL
            assert second.edit_type in LOCAL
            assert first.object_index != second.object_index


def test_wear_is_repaired_and_added(every_type: tuple[Case, ...]) -> None:
    restore = [case for case in every_type if case.edit_type is EditType.RESTORE]
    assert {bool(case.source.wear) for case in restore} == {True, False}
    assert all(bool(case.source.wear) != bool(case.target.wear) for case in restore)


def test_a_case_is_made_again_from_its_number() -> None:
    first, again = list(cases(7, 12)), list(cases(7, 12))
    assert first == again
    assert list(cases(7, 5)) == first[:5]
    assert list(cases(8, 12)) != first
    assert len({case.id for case in first}) == 12


def test_types_are_dealt_out_in_turn() -> None:
    types = (EditType.ADD, EditType.TONE)
    assert [case.edit_type for case in cases(1, 4, edit_types=types)] == [*types, *types]


def test_weights_decide_the_types() -> None:
    only = list(cases(1, 5, weights={EditType.STYLE: 1.0}))
    assert {case.edit_type for case in only} == {EditType.STYLE}


@pytest.mark.parametrize("edit_type", [EditType.PERSON, EditType.TEXT])
def test_people_and_writing_do_not_exist_here(edit_type: EditType) -> None:
    with pytest.raises(UsageError, match=f"no {edit_type} edits"):
        sample_case(np.random.default_rng(0), edit_type)


def test_one_source_takes_many_edits() -> None:
    rng = np.random.default_rng(1)
    scene = Scene(
        "city", (SceneObject("ball", "white", "left"), SceneObject("cup", "red", "right"))
    )
    drawn = [edit_of(rng, scene, EditType.ADJUST) for _ in range(20)]
    made = [case for case in drawn if case]
    assert len({case.target for case in made}) > 8
    assert {case.source for case in made} == {scene}


def test_an_empty_scene_only_takes_additions() -> None:
    rng = np.random.default_rng(0)
    assert propose(rng, Scene("sea", ()), EditType.REMOVE) is None
    assert propose(rng, Scene("sea", ()), EditType.ADD)


def test_json_gives_the_same_case_and_scene(every_type: tuple[Case, ...]) -> None:
    for case in every_type:
        assert case_from_json(case_to_json(case)) == case
        assert scene_from_json(scene_to_json(case.source)) == case.source
    with pytest.raises(ValidationError):
        case_from_json("{}")
    with pytest.raises(ValidationError):
        scene_from_json(
            scene_to_json(every_type[0].source).replace('"background":"', '"background":"x')
        )


def test_weighted_draws_need_weights() -> None:
    with pytest.raises(ValueError, match="no weights"):
        pick_weighted(np.random.default_rng(0), {})

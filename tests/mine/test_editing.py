"""Dialogues on a drawn scene: what each turn starts from, and what stays byte for byte."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.mine.scenes import photo, region, scene

from editloop.core.errors import BadInputError
from editloop.core.ids import sha256_hex
from editloop.core.images import encode_png_mask
from editloop.engine.stage import Dropped, Kept
from editloop.mine.editing import TaskEditor
from editloop.mine.plan.context import PlanContext
from editloop.mine.plan.multiple import plan_content_understanding, plan_version_backtracking
from editloop.mine.plan.single import plan_recolour, plan_remove
from editloop.mine.scene import ColourOption, EditTask, Region, Scene
from editloop.mine.stages.edit import Edit, EditConfig
from editloop.models.editors.procedural.editor import embedded_editor
from editloop.records.image_ref import ImageRef
from editloop.records.record import Box, Operation
from editloop.records.taxonomy import EditType

SIZE = 320


class Memory:
    """A stage context whose images live in a dictionary."""

    run_seed = 3

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def load(self, ref: ImageRef) -> NDArray[np.uint8]:
        return np.asarray(Image.open(io.BytesIO(self.blobs[ref.sha256])).convert("RGB"))

    def load_mask(self, ref: ImageRef) -> NDArray[np.uint8]:
        return np.asarray(Image.open(io.BytesIO(self.blobs[ref.sha256])).convert("L"))

    def load_bytes(self, ref: ImageRef) -> bytes:
        return self.blobs[ref.sha256]

    def save(self, pixels: NDArray[np.uint8], *, quality: int = 95) -> ImageRef:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        return self.save_bytes(buffer.getvalue(), pixels.shape[1], pixels.shape[0], "image/png")

    def save_mask(self, pixels: NDArray[np.uint8]) -> ImageRef:
        return self.save_bytes(
            encode_png_mask(pixels), pixels.shape[1], pixels.shape[0], "image/png"
        )

    def save_bytes(self, data: bytes, width: int, height: int, media_type: str) -> ImageRef:
        digest = sha256_hex(data)
        self.blobs[digest] = data
        return ImageRef(sha256=digest, width=width, height=height, media_type=media_type)


def ball_on_grass(memory: Memory) -> Scene:
    """A shaded red ball on noisy grass, with its exact matte."""
    rng = np.random.default_rng(0)
    grass = rng.normal((70, 120, 50), 12, (SIZE, SIZE, 3))
    rows, columns = np.mgrid[:SIZE, :SIZE]
    distance = np.hypot(rows - 190, columns - 130)
    matte = np.clip((55 - distance) / 2 + 0.5, 0, 1)
    shade = 1.1 - 0.5 * distance / 55
    ball = np.stack([200 * shade, 40 * shade, 40 * shade], axis=2)
    pixels = np.clip(grass * (1 - matte[..., None]) + ball * matte[..., None], 0, 255)
    image = memory.save(pixels.astype(np.uint8))
    where = Box(left=74, top=134, right=187, bottom=247)
    ball_region: Region = region(
        "r0",
        "ball",
        box=where,
        box_frac=where.area / SIZE**2,
        mask_frac=float(matte.mean()),
        matte=memory.save_mask((matte * 255).astype(np.uint8)),
        recolours=(ColourOption(colour="blue", share=0.9),),
    )
    return scene("ball", ball_region, photo=photo("ball", image=image))


@pytest.fixture
def memory() -> Memory:
    return Memory()


def runner(task: EditTask, memory: Memory) -> TaskEditor:
    return TaskEditor(task, embedded_editor(), memory, run_seed=3)


def alone(item: Scene) -> PlanContext:
    return PlanContext.of([item], 3)


def test_a_removal_changes_nothing_far_away(memory: Memory) -> None:
    item = ball_on_grass(memory)
    (result,) = runner(plan_remove(item, alone(item))[0], memory).run()
    assert np.array_equal(result.source[:100], result.target[:100])
    redness = result.target[150:230, 90:170].astype(int)
    assert (redness[..., 0] > redness[..., 1] + 40).mean() < 0.02


def test_understanding_adds_the_very_object_and_takes_it_away_again(memory: Memory) -> None:
    item = ball_on_grass(memory)
    (task,) = plan_content_understanding(item, alone(item))
    first, second, third = runner(task, memory).run()
    original = memory.load(item.photo.image)
    assert np.array_equal(first.target, original)
    assert np.array_equal(second.source, first.target)
    assert second.target[190, 130, 2] > second.target[190, 130, 0]
    assert np.array_equal(third.target, first.source)


def test_a_premise_colours_what_is_shown_and_not_what_is_worked_on(memory: Memory) -> None:
    item = ball_on_grass(memory)
    context = alone(item)
    adjust, remove = plan_recolour(item, context)[0], plan_remove(item, context)[0]
    second = remove.turns[0].model_copy(update={"base_turn": 1})
    task = adjust.model_copy(
        update={
            "kind": EditType.CONTENT_MEMORY,
            "turns": (adjust.turns[0], second),
            "premise": "faded_film",
        }
    )
    one, two = runner(task, memory).run()
    assert np.array_equal(two.source, one.target)
    far = np.s_[:60, 220:]
    assert np.abs(two.target[far].astype(int) - one.target[far]).max() <= 1


def run_stage(task: EditTask, memory: Memory) -> Kept[Any] | Dropped:
    stage = Edit(EditConfig())
    stage.open(memory)
    (outcome,) = stage.run([task])
    return outcome


def test_a_removal_brings_its_inverse(memory: Memory) -> None:
    item = ball_on_grass(memory)
    outcome = run_stage(plan_remove(item, alone(item))[0], memory)
    assert isinstance(outcome, Kept)
    forward, inverse = outcome.records
    assert inverse.operation is Operation.INVERSE
    assert (inverse.source, inverse.target) == (forward.target, forward.source)
    assert inverse.parents == (forward.id,)
    assert "ball" in inverse.instruction
    assert forward.source == item.photo.image
    assert forward.mask is not None


def test_what_an_operation_refuses_is_a_drop_with_its_reason(memory: Memory) -> None:
    item = ball_on_grass(memory)
    adjust = plan_recolour(item, alone(item))[0]
    operation = adjust.turns[0].operations[0].model_copy(update={"parameters": {"colour": "red"}})
    turn = adjust.turns[0].model_copy(update={"operations": (operation,)})
    outcome = run_stage(adjust.model_copy(update={"turns": (turn,)}), memory)
    assert isinstance(outcome, Dropped)
    assert outcome.reason == "same_colour"


def test_backtracking_needs_a_replacement(memory: Memory) -> None:
    item = ball_on_grass(memory)
    assert plan_version_backtracking(item, alone(item)) == []


def test_dialogues_remember_what_was_said(memory: Memory) -> None:
    item = ball_on_grass(memory)
    outcome = run_stage(plan_content_understanding(item, alone(item))[0], memory)
    assert isinstance(outcome, Kept)
    turns = [record.turn for record in outcome.records]
    assert [t.turn for t in turns] == [1, 2, 3]
    assert turns[2].history == tuple(r.instruction for r in outcome.records[:2])
    assert outcome.records[1].source == outcome.records[0].target


def test_two_alike_objects_that_no_words_tell_apart_are_refused(memory: Memory) -> None:
    item = ball_on_grass(memory)
    task = plan_remove(item, alone(item))[0]
    first = task.regions[0]
    twin = first.model_copy(
        update={"key": "r1", "box": Box(left=75, top=135, right=188, bottom=248)}
    )
    outcome = run_stage(task.model_copy(update={"regions": (first, twin)}), memory)
    assert isinstance(outcome, Dropped)
    assert outcome.reason == "ambiguous_object"


def test_a_donor_is_needed(memory: Memory) -> None:
    item = ball_on_grass(memory)
    task = plan_remove(item, alone(item))[0]
    operation = task.turns[0].operations[0].model_copy(update={"name": "replace"})
    turn = task.turns[0].model_copy(update={"operations": (operation,)})
    with pytest.raises(BadInputError, match="no_donor"):
        runner(task.model_copy(update={"turns": (turn,)}), memory).run()

"""A thousand edits drawn at random, as planners would ask for them, with their instructions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import pytest

from editloop.mine.instructions import (
    Round,
    Slots,
    Written,
    describe_place,
    write_compose,
    write_dialogue,
    write_instruction,
)
from editloop.mine.instructions.places import PlaceWords
from editloop.records.record import Box
from editloop.records.taxonomy import EditType

NOUNS = [
    *("dog", "cat", "cup", "bottle", "person", "umbrella", "airplane", "bus", "scissors", "car"),
    *("orange", "apple", "hat", "vase", "bench", "horse", "owl", "sunglasses", "bicycle"),
    *("teddy bear", "potted plant", "traffic light"),
]
COLOURS = ["red", "blue", "green", "orange", "yellow", "purple", "black", "white", "pink", "brown"]
MATERIALS = ["wood", "marble", "gold", "knitted wool", "ice"]
STYLES = [
    ("a watercolour painting", "flowing pigment and paper grain"),
    ("an oil painting", "thick brush strokes"),
]
TONES = [
    ("a night scene", "moonlit blue darkness with deep shadows"),
    ("an old sepia photograph", "brown monochrome"),
]
LIGHTS = ["warm light from the left", "soft light from above"]
BACKGROUNDS = ["beach", "lake shore", "a snowy forest"]
SINGLE_TYPES = (
    EditType.ADD,
    EditType.REMOVE,
    EditType.REPLACE,
    EditType.ADJUST,
    EditType.BACKGROUND,
    EditType.EXTRACT,
    EditType.STYLE,
    EditType.TONE,
    EditType.BOKEH,
    EditType.RELIGHT,
    EditType.VISUAL,
)
PAIRABLE = (EditType.ADD, EditType.REMOVE, EditType.REPLACE, EditType.ADJUST)


@dataclass(frozen=True)
class Sample:
    kind: EditType
    slots: tuple[Slots, ...]
    written: tuple[Written, ...]
    premise: str = ""

    @property
    def texts(self) -> list[str]:
        premise = [self.premise] if self.premise else []
        turns = [t for w in self.written for t in (w.main, *(p.text for p in w.phrasings))]
        return premise + turns


def random_place(rng: Random) -> PlaceWords:
    width, height = 768, 512

    def box(share: float) -> Box:
        w, h = (int(side * min(1.0, share * rng.uniform(0.6, 1.4))) for side in (width, height))
        left, top = rng.randint(0, width - w), rng.randint(0, height - h)
        return Box(left=left, top=top, right=left + w, bottom=top + h)

    others = [box(0.2) for _ in range(rng.choice([0, 0, 0, 1, 2]))]
    subject = box(rng.choice([0.1, 0.2, 0.35, 0.6, 0.95]))
    place = describe_place(subject, width, height, others)
    return place if place.certain else describe_place(subject, width, height)


def _colour(rng: Random, *nouns: str) -> str:
    return rng.choice([name for name in COLOURS if name not in nouns])


def random_slots(edit_type: EditType, rng: Random) -> Slots:
    noun, new_noun = rng.sample(NOUNS, 2)
    slots = Slots(object=noun, place=random_place(rng), object_colour=rng.choice(["", *COLOURS]))
    style, tone = rng.choice(STYLES), rng.choice(TONES)
    colour = _colour(rng, noun, new_noun)
    adjust = rng.choice([{"colour": colour}, {"material": rng.choice(MATERIALS)}])
    changes: dict[EditType, dict[str, str]] = {
        EditType.REPLACE: {"new_object": new_noun, "new_colour": rng.choice(["", colour])},
        EditType.ADJUST: adjust,
        EditType.BACKGROUND: {
            "background": rng.choice(BACKGROUNDS),
            "old_background": rng.choice(["", "meadow"]),
        },
        EditType.STYLE: {"style": style[0], "detail": style[1]},
        EditType.TONE: {"tone": tone[0], "detail": tone[1]},
        EditType.RELIGHT: {"light": rng.choice(LIGHTS)},
        EditType.VISUAL: {"new_object": new_noun, "object": rng.choice(["", noun])},
    }
    if edit_type in {EditType.ADD, EditType.VISUAL}:
        slots = replace(slots, place=replace(slots.place, rank=""))
    return replace(slots, **changes.get(edit_type, {}))


def random_sample(number: int) -> Sample:
    rng = Random(number)
    kind = rng.choice([*SINGLE_TYPES, EditType.COMPOSE, *DIALOGUES])
    if kind in DIALOGUES:
        rounds = DIALOGUES[kind](rng)
        dialogue = write_dialogue(kind, rounds, number)
        return Sample(kind, tuple(r.slots for r in rounds), dialogue.turns, dialogue.premise)
    if kind is EditType.COMPOSE:
        parts = [Round(t, random_slots(t, rng)) for t in rng.sample(PAIRABLE, 2)]
        return Sample(kind, tuple(p.slots for p in parts), (write_compose(*parts, number),))
    slots = random_slots(kind, rng)
    return Sample(kind, (slots,), (write_instruction(kind, slots, number),))


def _memory(rng: Random) -> list[Round]:
    wish = rng.choice([{"colour": rng.choice(COLOURS)}, {"material": rng.choice(MATERIALS)}])
    rounds = []
    for _ in range(2):
        edit_type = rng.choice([EditType.REPLACE, EditType.ADJUST])
        slots = random_slots(edit_type, rng)
        plain = Slots(object=slots.object, place=slots.place, new_object=slots.new_object)
        rounds.append(Round(edit_type, replace(plain, **wish)))
    return rounds


def _understanding(rng: Random) -> list[Round]:
    added = random_slots(EditType.ADD, rng)
    last = rng.choice([EditType.REMOVE, EditType.REPLACE])
    return [
        Round(EditType.ADD, added),
        Round(EditType.ADJUST, Slots(object=added.object, colour=_colour(rng, added.object))),
        Round(last, Slots(object=added.object, new_object=rng.choice(NOUNS))),
    ]


def _backtracking(rng: Random) -> list[Round]:
    added = random_slots(EditType.ADD, rng)
    return [
        Round(EditType.ADD, added),
        Round(EditType.REPLACE, Slots(object=added.object, new_object=rng.choice(NOUNS))),
        Round(EditType.ADJUST, Slots(object=added.object, colour=_colour(rng, added.object))),
    ]


DIALOGUES = {
    EditType.CONTENT_MEMORY: _memory,
    EditType.CONTENT_UNDERSTANDING: _understanding,
    EditType.VERSION_BACKTRACKING: _backtracking,
}


@pytest.fixture(scope="session")
def samples() -> list[Sample]:
    return [random_sample(number) for number in range(1000)]

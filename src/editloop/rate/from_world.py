"""Items from the storybook world, to try the page without data: right edits and flawed ones, as an editor would return them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from pydantic import JsonValue

from editloop.core.ids import content_id, sha256_hex
from editloop.core.images import encode_png
from editloop.core.seeds import generator
from editloop.models.roles import RgbImage
from editloop.rate.items import Collection, Item, ItemTurn, Picture
from editloop.rate.sheets import SheetKind
from editloop.records.taxonomy import DIALOGUE_TYPES
from editloop.world.cases import Case
from editloop.world.corruptors import applicable_flaws, corrupt
from editloop.world.dialogues import sample_dialogue
from editloop.world.render import render
from editloop.world.sampling import sample_case

SIZE_PX: Final = 384
_RIGHT_SHARE: Final = 0.4
"""Edits that are made right; the others show a flaw."""
_DIALOGUES: Final = sorted(DIALOGUE_TYPES)


def items_of_world(count: int, kind: SheetKind, seed: int = 0) -> Collection:
    """`count` drawn items; `facts` say of each image which flaw it has, which nobody sees before the export."""
    found = Collection()
    build = {"score": _scored, "pairs": _pair, "dialogue": _dialogue}[kind]
    for number in range(count):
        rng = generator(seed, "rate", kind, number)
        found.add(build(rng, number, found))
    return found


def _scored(rng: np.random.Generator, _number: int, found: Collection) -> Item:
    case = _single(rng)
    flaw = _flaw(case, rng)
    return _item(
        case, found, {"flaw": flaw, "edit_type": str(case.edit_type)}, [_edit(case, flaw, rng)]
    )


def _pair(rng: np.random.Generator, _number: int, found: Collection) -> Item:
    case = _single(rng)
    flaws = list(rng.permutation(["", *applicable_flaws(case)])[:2])
    facts: dict[str, JsonValue] = {"first_flaw": str(flaws[0]), "second_flaw": str(flaws[1])}
    return _item(case, found, facts, [_edit(case, str(flaw), rng) for flaw in flaws])


def _dialogue(rng: np.random.Generator, number: int, found: Collection) -> Item:
    turns = sample_dialogue(rng, _DIALOGUES[number % len(_DIALOGUES)])
    # A flaw in an earlier turn would have to show in all later ones: only the last one has any.
    flaws = [*[""] * (len(turns) - 1), _flaw(turns[-1], rng)]
    shown = tuple(
        ItemTurn(instruction=turn.instruction, picture=_picture(_edit(turn, flaw, rng), found))
        for turn, flaw in zip(turns, flaws, strict=True)
    )
    facts: dict[str, JsonValue] = {"flaw": flaws[-1]}
    item = _item(turns[0], found, facts, [])
    return item.model_copy(update={"turns": shown, "hint": str(turns[0].kind)})


def _single(rng: np.random.Generator) -> Case:
    """A case that needs no reference image and no earlier turn."""
    return next(case for case in _draws(rng) if not case.references and not case.context)


def _draws(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        yield sample_case(rng)


def _flaw(case: Case, rng: np.random.Generator) -> str:
    """The flaw to show, or an empty string for a right edit."""
    possible = applicable_flaws(case)
    right = not possible or rng.random() < _RIGHT_SHARE
    return "" if right else str(rng.choice(possible))


def _edit(case: Case, flaw: str, rng: np.random.Generator) -> RgbImage:
    return corrupt(case, flaw, rng, SIZE_PX) if flaw else render(case.target, SIZE_PX)


def _item(
    case: Case, found: Collection, facts: dict[str, JsonValue], edits: list[RgbImage]
) -> Item:
    source = _picture(render(case.source, SIZE_PX), found)
    candidates = tuple(_picture(edit, found) for edit in edits)
    key = content_id("world", case.id, [picture.sha256 for picture in candidates])
    return Item(
        key=key,
        instruction=case.instruction,
        source=source,
        candidates=candidates,
        context=case.context,
        facts={"img_id": source.sha256[:16], **facts},
    )


def _picture(pixels: RgbImage, found: Collection) -> Picture:
    data = encode_png(pixels)
    return found.picture(sha256_hex(data), lambda: data)

"""Items from records of ours: triplets to score, pairs of edits of one instruction, dialogues."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from pydantic import JsonValue

from editloop.core.errors import BadInputError
from editloop.core.ids import content_id
from editloop.rate.items import Collection, Item, ItemTurn, Picture
from editloop.rate.sheets import SheetKind
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord

Load = Callable[[ImageRef], bytes]
MOST_PAIRS = 10
"""Pairs of one source and instruction: five candidates give ten."""


def items_of_records(records: Iterable[EditRecord], load: Load, kind: SheetKind) -> Collection:
    """What can be rated of `records`; what cannot is dropped with a reason."""
    found = Collection()
    build = {"score": _scores, "pairs": _pairs, "dialogue": _dialogues}[kind]
    build(list(records), _Pictures(found, load), found)
    return found


class _Pictures:
    def __init__(self, found: Collection, load: Load) -> None:
        self._found, self._load = found, load

    def of(self, ref: ImageRef) -> Picture:
        return self._found.picture(ref.sha256, lambda: self._load(ref))

    def target(self, record: EditRecord) -> Picture:
        if record.target is None:
            raise BadInputError("no_target", "the record has no edited image yet")
        return self.of(record.target)


def _scores(records: Sequence[EditRecord], pictures: _Pictures, found: Collection) -> None:
    for record in records:
        try:
            target = pictures.target(record)
            found.add(
                Item(
                    key=record.id,
                    instruction=record.instruction,
                    source=pictures.of(record.source),
                    candidates=(target,),
                    context=record.turn.history if record.turn else (),
                    facts=_facts(record),
                )
            )
        except BadInputError as error:
            found.drop(record.id, error)


def _pairs(records: Sequence[EditRecord], pictures: _Pictures, found: Collection) -> None:
    groups: dict[tuple[str, str], dict[str, EditRecord]] = defaultdict(dict)
    for record in records:
        if record.target is None:
            found.drop(record.id, BadInputError("no_target", "the record has no edited image yet"))
            continue
        groups[record.source.sha256, record.instruction].setdefault(record.target.sha256, record)
    for group in groups.values():
        candidates = list(group.values())
        if len(candidates) < 2:
            alone = BadInputError("no_partner", "no other edit of the same source and instruction")
            found.drop(candidates[0].id, alone)
        for first, second in itertools.islice(itertools.combinations(candidates, 2), MOST_PAIRS):
            _pair(first, second, pictures, found)


def _pair(first: EditRecord, second: EditRecord, pictures: _Pictures, found: Collection) -> None:
    key = content_id("pair", first.id, second.id)
    try:
        found.add(
            Item(
                key=key,
                instruction=first.instruction,
                source=pictures.of(first.source),
                candidates=(pictures.target(first), pictures.target(second)),
                context=first.turn.history if first.turn else (),
                facts=_facts(first) | {"first_id": first.id, "second_id": second.id},
            )
        )
    except BadInputError as error:
        found.drop(key, error)


def _dialogues(records: Sequence[EditRecord], pictures: _Pictures, found: Collection) -> None:
    dialogues: dict[str, list[EditRecord]] = defaultdict(list)
    for record in records:
        if record.turn is None:
            found.drop(record.id, BadInputError("no_dialogue", "the record is a single turn"))
        else:
            dialogues[record.turn.dialogue_id].append(record)
    for name, turns in dialogues.items():
        try:
            found.add(_dialogue(name, turns, pictures))
        except BadInputError as error:
            found.drop(name, error)


def _dialogue(name: str, records: Sequence[EditRecord], pictures: _Pictures) -> Item:
    ordered = sorted(records, key=_place)
    first, places = ordered[0], [_place(record) for record in ordered]
    expected = first.turn.turns if first.turn else 0
    if places != list(range(1, expected + 1)):
        raise BadInputError("bad_turns", f"turns {places} are there, expected 1 to {expected}")
    told = first.turn.history if first.turn else ()
    return Item(
        key=name,
        instruction=first.instruction,
        source=pictures.of(first.source),
        turns=tuple(
            ItemTurn(instruction=record.instruction, picture=pictures.target(record))
            for record in ordered
        ),
        context=told,
        hint=str(first.kind),
        facts=_facts(first) | {"record_ids": [record.id for record in ordered]},
    )


def _place(record: EditRecord) -> int:
    return record.turn.turn if record.turn else 0


def _facts(record: EditRecord) -> dict[str, JsonValue]:
    facts: dict[str, JsonValue] = {
        "img_id": record.source.sha256[:16],
        "edit_type": str(record.edit_type),
        "recipe": record.provenance.recipe,
    }
    if record.turn:
        facts |= {"dialogue": record.turn.dialogue_id, "turn": record.turn.turn}
    return facts

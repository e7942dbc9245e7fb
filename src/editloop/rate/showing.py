"""What one rater's browser is told of an item: never a key, a file name, an editor, or which image is which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from editloop.rate.assigning import Assignment
from editloop.rate.items import Item, Picture
from editloop.rate.ratings import Given
from editloop.rate.sheets import Sheet, SheetKind

_TO_SIDE = {"first": "left", "second": "right"}
_TO_ITEM = {"left": "first", "right": "second"}
_MIRROR = {"first": "second", "second": "first", "left": "right", "right": "left"}


def shown_pictures(item: Item, kind: SheetKind, assignment: Assignment) -> dict[str, Picture]:
    """The images on screen by the name that the browser knows; in a ``noop`` check nothing is edited."""
    unchanged = assignment.purpose == "noop"
    if kind == "dialogue":
        turns = {
            f"turn_{number}": item.source if unchanged else turn.picture
            for number, turn in enumerate(item.turns, start=1)
        }
        return {"source": item.source, **turns}
    if kind == "score":
        return {"source": item.source, "edited": item.source if unchanged else item.candidates[0]}
    first, second = (item.candidates[0],) * 2 if unchanged else item.candidates[:2]
    left, right = (second, first) if assignment.flipped else (first, second)
    return {"source": item.source, "left": left, "right": right}


def shown_item(item: Item, sheet: Sheet, assignment: Assignment) -> dict[str, Any]:
    """The item as JSON for the page."""
    pictures = shown_pictures(item, sheet.kind, assignment)
    return {
        "token": assignment.token,
        "instruction": item.instruction,
        "context": list(item.context),
        "hint": sheet.hints.get(item.hint, ""),
        "turns": [turn.instruction for turn in item.turns],
        "images": [
            {"part": part, "width": picture.width, "height": picture.height}
            for part, picture in pictures.items()
        ],
        "done": assignment.done is not None,
    }


def shown_answer(given: Given) -> dict[str, Any]:
    """An earlier answer in the words of the page, to be changed."""
    flipped = given.assignment.flipped
    body = given.answer.model_dump(mode="json")
    if body["choice"]:
        body["choice"] = _mirrored(_TO_SIDE.get(body["choice"], body["choice"]), flipped)
    for mark in body["marks"]:
        mark["image"] = _mirrored(_TO_SIDE.get(mark["image"], mark["image"]), flipped)
    return body


def told_answer(body: Mapping[str, Any], assignment: Assignment) -> dict[str, Any]:
    """The page's answer in the words of the item: left and right become first and second."""
    told = dict(body)
    choice = told.get("choice")
    if isinstance(choice, str):
        told["choice"] = _mirrored(_TO_ITEM.get(choice, choice), assignment.flipped)
    marks = told.get("marks")
    if isinstance(marks, list):
        told["marks"] = [
            mark | {"image": _mirrored(_TO_ITEM.get(str(mark.get("image")), str(mark.get("image"))), assignment.flipped)}
            if isinstance(mark, dict)
            else mark
            for mark in marks
        ]  # fmt: skip
    return told


def _mirrored(side: str, flipped: bool) -> str:  # noqa: FBT001
    return _MIRROR.get(side, side) if flipped else side

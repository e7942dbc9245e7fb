"""Reads edits that people scored: one JSON object a line (or a row of a JSON list or a CSV file), images relative to the file.

A line needs ``instruction``, ``source``, ``edited`` and people's scores, either one by one in ``ratings`` (a list of
``{"rater": ..., AXIS: number, ...}``) or as their means in ``mean_AXIS``. Other usual names of the three are understood
(`columns.COLUMNS`). ``uid`` names the edit; ``img_id`` names the photograph
that it started from, which all turns of a chain share; ``scale`` holds the ends of the scale that people were offered
(``[1, 5]``) and ``context`` earlier instructions of the same dialogue, both as `editloop rate` exports them. Other text and numbers of a line are kept as labels.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from editloop.core.errors import BadInputError, UsageError
from editloop.core.images import decode_image, read_image_file
from editloop.records.formats.columns import COLUMNS, first_text, table_rows
from editloop.records.rating import Rating

SCALES: Final = ((0.0, 1.0), (1.0, 5.0), (0.0, 5.0), (1.0, 7.0), (0.0, 10.0), (0.0, 100.0))
"""Scales that people are offered in the literature, from the narrowest to the widest."""
_MEAN: Final = "mean_"
_OWN_KEYS: Final = frozenset(
    {"uid", "img_id", "instruction", "source", "edited", "ratings", "n_raters", "width", "height"}
)
_FORM: Final = (
    "A line is a JSON object with instruction, source, edited and ratings, "
    'e.g. [{"rater": "a", "overall": 7}]'
)
_FORM_CSV: Final = (
    "A row of a CSV file is an edit, with columns instruction, source, edited and mean_AXIS; ratings one by one are read from JSONL "
    "(`editloop rate --export FILE.jsonl`)"
)
RATINGS_FILE: Final = "ratings.jsonl"
"""What is read of a folder."""


@dataclass(frozen=True, slots=True)
class RatedEdit:
    """One edit with what people said about it.

    Args:
        uid: Its name.
        image: Name of the photograph it started from: edits of one photograph are never independent.
        instruction: What was asked.
        source: File of the image before.
        edited: File of the image after.
        scores: Axis -> rater -> score, on the file's own scale; a file of means has one rater, ``mean``.
        labels: Categories and whatever else the line holds.
        context: Earlier instructions of the same dialogue, oldest first.
        references: Files of images that the instruction refers to.
        scale: Ends of the scale that the line says people were offered; None where it does not say.
    """

    uid: str
    image: str
    instruction: str
    source: Path
    edited: Path
    scores: Mapping[str, Mapping[str, float]]
    labels: Mapping[str, str] = field(default_factory=dict)
    context: tuple[str, ...] = ()
    references: tuple[Path, ...] = ()
    scale: tuple[float, float] | None = None

    def mean(self, axis: str) -> float | None:
        """People's mean on `axis`; None when nobody was asked."""
        answers = self.scores.get(axis)
        return fmean(answers.values()) if answers else None


@dataclass(frozen=True, slots=True)
class Unusable:
    """A line that was dropped, and why; `reason` is a stable code."""

    place: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class RatedFile:
    """What a file holds."""

    path: Path
    lines: int
    edits: tuple[RatedEdit, ...]
    dropped: tuple[Unusable, ...]
    ignored: tuple[Unusable, ...] = ()
    """Single answers that were left out of edits that were read: no number, or replaced by a later one of the same rater."""

    @property
    def axes(self) -> tuple[str, ...]:
        """Every axis that people scored, in the order of their first appearance."""
        return tuple(dict.fromkeys(axis for edit in self.edits for axis in edit.scores))

    @property
    def stated_scale(self) -> tuple[float, float] | None:
        """The scale that the lines say people were offered; None where none says.

        Raises:
            UsageError: lines name different scales, or a score of a line without one lies outside.
        """
        stated = sorted({edit.scale for edit in self.edits if edit.scale is not None})
        if not stated:
            return None
        if len(stated) > 1:
            names = " and ".join(f"{low:g} to {high:g}" for low, high in stated)
            raise UsageError(
                f"{self.path} mixes ratings on scales of {names}, whose means do not compare: make one file of each, or "
                "name the one scale that all are on (--people-scale LOW,HIGH)"
            )
        (low, high), (least, most) = stated[0], self._ends
        if least < low or high < most:
            raise UsageError(
                f"{self.path} says that people scored from {low:g} to {high:g}, but lines without a scale hold scores from "
                f"{least:g} to {most:g}: name the scale that all are on (--people-scale LOW,HIGH)"
            )
        return stated[0]

    @property
    def scale(self) -> tuple[float, float]:
        """The scale that the file states, else the narrowest usual one that holds every score.

        Raises:
            UsageError: a score lies outside all of them, or as `stated_scale`.
        """
        stated = self.stated_scale
        if stated is not None:
            return stated
        low, high = self._ends
        for scale in SCALES:
            if scale[0] <= low and high <= scale[1]:
                return scale
        raise UsageError(
            f"{self.path} holds scores from {low:g} to {high:g}, which is no usual scale: name it (--people-scale LOW,HIGH)"
        )

    @property
    def _ends(self) -> tuple[float, float]:
        """The lowest and the highest score of all."""
        answers = (given for edit in self.edits for given in edit.scores.values())
        scores = [score for given in answers for score in given.values()]
        return min(scores, default=0.0), max(scores, default=0.0)

    def ratings(self) -> list[Rating]:
        """Every single answer."""
        return [
            Rating(edit.uid, rater, axis, score)
            for edit in self.edits
            for axis, answers in edit.scores.items()
            for rater, score in answers.items()
        ]


def read_rated_edits(path: Path) -> RatedFile:
    """All usable lines of a file; the others are listed with a reason.

    Whether images are there and can be decoded is found out when they are read (`read_image_file`).

    Raises:
        UsageError: the file cannot be read, or none of its lines can be used.
    """
    path = path / RATINGS_FILE if path.is_dir() else path
    edits: dict[str, RatedEdit] = {}
    dropped: list[Unusable] = []
    doubts: list[_Doubt] = []
    lines = 0
    for number, row in table_rows(path, "ratings"):
        lines += 1
        own: list[_Doubt] = []
        try:
            edit = _edit(row, number, path.parent, own)
            if edit.uid in edits:
                raise BadInputError("duplicate_uid", f"{edit.uid!r} stands in an earlier line")
        except BadInputError as error:
            dropped.append(Unusable(f"line {number}", error.reason, error.detail))
        else:
            edits[edit.uid] = edit
            doubts += own
    if not edits:
        first = f"; line {dropped[0].place.split()[-1]}: {dropped[0].detail}" if dropped else ""
        raise UsageError(
            f"{path} holds no rated edit in {lines} lines{first}. {_FORM_CSV if path.suffix.lower() == '.csv' else _FORM}"
        )
    asked = {axis for edit in edits.values() for axis in edit.scores}
    ignored = tuple(one.found for one in doubts if one.axis in asked)
    return RatedFile(path, lines, tuple(edits.values()), tuple(dropped), ignored)


def check_image(path: Path) -> str:
    """SHA-256 of an image file that can be decoded.

    Raises:
        BadInputError: with ``missing_image`` or one of `core.images.DECODE_REASONS`.
    """
    return decode_image(image_bytes(path)).facts.sha256


def image_bytes(path: Path) -> bytes:
    """Bytes of an image file.

    Raises:
        BadInputError: ``missing_image``, or as `read_image_file`.
    """
    try:
        there = path.exists()
    except OSError as error:  # a name longer than the system allows: pixels as text, for example
        raise BadInputError(
            "unreadable", f"{path.name[:60]!r}: {os.strerror(error.errno or 0)}"
        ) from error
    if not there:
        raise BadInputError("missing_image", f"there is no file {path.name[:200]!r}")
    return read_image_file(path)


@dataclass(frozen=True, slots=True)
class _Doubt:
    """An answer that is no score. It only is a loss when `axis` is one: a note is none."""

    axis: str
    found: Unusable


def _edit(row: Any, number: int, folder: Path, doubts: list[_Doubt]) -> RatedEdit:
    words = {name: _text(row, name) for name in ("instruction", "source", "edited")}
    source = words["source"]
    uid = first_text(row, COLUMNS["uid"]) or f"line-{number}"
    scores = _scores(row, f"line {number}", doubts)
    return RatedEdit(
        uid=uid,
        image=first_text(row, ("img_id",)) or source,
        instruction=words["instruction"],
        source=folder / source,
        edited=folder / words["edited"],
        scores=scores,
        labels={
            key: str(value)
            for key, value in row.items()
            if isinstance(key, str)
            and key not in _OWN_KEYS
            and not key.startswith(_MEAN)
            and isinstance(value, str | int | float)
        },
        context=_context(row),
        scale=_scale(row, scores),
    )


def _text(row: Any, key: str) -> str:
    """The text of `key` under any of its names; a number is none."""
    for column in COLUMNS[key]:
        value = row.get(column) if isinstance(row, dict) else None
        if isinstance(value, str) and first_text(row, (column,)) is not None:
            return value
    first_text(row, ())
    raise BadInputError(
        f"no_{key}",
        f"expected text in one of {', '.join(COLUMNS[key])}, got {row.get(key)!r:.80}",
    )


def _scores(row: dict[str, Any], place: str, doubts: list[_Doubt]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    answers = row.get("ratings")
    for at, answer in enumerate(answers if isinstance(answers, list) else []):
        if isinstance(answer, dict):
            rater = first_text(answer, ("rater",)) or f"rater {at + 1}"
            for axis, value in answer.items():
                if axis == "rater" or value is None:
                    continue
                who = f"{place}, {rater}"
                if not _is_score(value):
                    told = Unusable(who, "not_a_number", f"{axis} is {value!r:.60}")
                    doubts.append(_Doubt(axis, told))
                    continue
                if rater in found.setdefault(axis, {}):
                    told = Unusable(who, "rated_twice", f"{axis} {value:g} stands, not the earlier")
                    doubts.append(_Doubt(axis, told))
                found[axis][rater] = float(value)
    if not found:
        found = dict(_means(row))
    if not found:
        raise BadInputError("no_ratings", "neither a number in ratings nor a mean_... of one")
    return found


def _means(row: dict[Any, Any]) -> Iterator[tuple[str, dict[str, float]]]:
    """Axis and mean of the row's ``mean_AXIS``, which a CSV file holds as text."""
    for key, value in row.items():
        if isinstance(key, str) and key.startswith(_MEAN):
            try:
                score = float(value) if isinstance(value, str) else value
            except ValueError:
                continue
            if _is_score(score):
                yield key.removeprefix(_MEAN), {"mean": float(score)}


def _context(row: dict[str, Any]) -> tuple[str, ...]:
    """The line's ``context``; anything but a list of texts is a label of that name."""
    said = row.get("context")
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        return ()
    return tuple(said)


def _scale(
    row: dict[str, Any], scores: Mapping[str, Mapping[str, float]]
) -> tuple[float, float] | None:
    """The line's ``scale``; anything but a list is a label of that name."""
    stated = row.get("scale")
    if not isinstance(stated, list):
        return None
    if len(stated) != 2 or not all(map(_is_score, stated)) or not stated[0] < stated[1]:
        raise BadInputError("bad_scale", f"scale must be two rising numbers, got {stated!r:.80}")
    low, high = float(stated[0]), float(stated[1])
    for axis, given in scores.items():
        for score in given.values():
            if not low <= score <= high:
                raise BadInputError(
                    "score_off_scale",
                    f"{axis} {score:g} lies outside the line's scale, {low:g} to {high:g}",
                )
    return low, high


def _is_score(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

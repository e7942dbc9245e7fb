"""Ratings as files: JSON lines that `editloop judge` and `editloop fit` read, or CSV with one row an answer."""

from __future__ import annotations

import csv
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from editloop.core.errors import BadInputError, StoreError, UsageError
from editloop.rate.items import Item, Picture
from editloop.rate.ratings import Given, RatingFile
from editloop.rate.sheets import Sheet
from editloop.rate.statistics import numbers_of, rater_name

Load = Callable[[str], bytes]
_ENDINGS = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"RI": ".webp", b"GI": ".gif"}
_CSV_COLUMNS = (
    "uid", "rater", "axis", "score", "choice", "outcome", "note", "marks", "seconds", "instruction",
)  # fmt: skip


class Exported(NamedTuple):
    """What an export holds."""

    path: Path
    items: int
    ratings: int
    unscored: int
    missing_images: int


def export_ratings(study: RatingFile, path: Path, load: Load | None = None) -> Exported:
    """Write every rated item to `path` (``.jsonl`` or ``.csv``), replacing it at once.

    Images are copied beside a JSON Lines file, into ``<stem>_images``, named by their hash, so that the two can be moved together.

    Args:
        study: Where the answers are.
        path: Its ending chooses the format.
        load: The bytes of a picture by hash; without it, or where a picture cannot be read, lines name images only by hash.

    Raises:
        UsageError: another ending, or a study without ratings.
        StoreError: the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in {".jsonl", ".csv"}:
        raise UsageError(
            f"cannot export ratings to {path.name!r}: expected a name that ends in .jsonl or .csv"
        )
    by_item: dict[str, list[Given]] = defaultdict(list)
    for given in study.answers():
        if given.assignment.purpose == "rate":
            by_item[given.assignment.item].append(given)
    if not by_item:
        raise UsageError(f"{study.folder} holds no ratings yet: there is nothing to export")
    sheet, items = study.sheet(), study.items()
    images = _Images(path, load)
    rated = [(items[key], answers) for key, answers in sorted(by_item.items())]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.part")
        with partial.open("w", encoding="utf-8", newline="") as file:
            if suffix == ".csv":
                _write_csv(file, sheet, rated)
            else:
                for item, answers in rated:
                    file.write(
                        json.dumps(_line(sheet, item, answers, images), ensure_ascii=False) + "\n"
                    )
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    every = [given for _, answers in rated for given in answers]
    unscored = sum(given.answer.cannot_judge for given in every)
    return Exported(path, len(rated), len(every) - unscored, unscored, len(images.missing))


class _Images:
    """Copies pictures beside the export, each once."""

    def __init__(self, path: Path, load: Load | None) -> None:
        self._path, self._load = path, load
        self._names: dict[str, str] = {}
        self.missing: set[str] = set()

    def name(self, picture: Picture) -> str:
        if picture.sha256 not in self._names:
            self._names[picture.sha256] = self._copy(picture)
        return self._names[picture.sha256]

    def _copy(self, picture: Picture) -> str:
        try:
            data = self._load(picture.sha256) if self._load else b""
        except BadInputError:
            data = b""
        if not data:
            self.missing.add(picture.sha256)
            return f"missing:{picture.sha256[:32]}"
        name = f"{self._path.stem}_images/{picture.sha256[:32]}{_ENDINGS.get(data[:2], '.img')}"
        target = self._path.parent / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}.{os.getpid()}")
            partial.write_bytes(data)
            partial.replace(target)
        return name


def _line(sheet: Sheet, item: Item, answers: Sequence[Given], images: _Images) -> dict[str, Any]:
    own = {"uid": item.key, "instruction": item.instruction, "source": images.name(item.source)}
    shown = {"score": _scored, "pairs": _paired, "dialogue": _told}[sheet.kind]
    scored = [given for given in answers if not given.answer.cannot_judge]
    unscored = [
        {"rater": rater_name(given.assignment.rater), "note": given.answer.note}
        for given in answers
        if given.answer.cannot_judge
    ]
    facts = {name: value for name, value in item.facts.items() if name not in own}
    context = {"context": list(item.context)} if item.context else {}
    sized = {"width": item.source.width, "height": item.source.height}
    body = shown(sheet, item, scored, images)
    return own | context | facts | sized | body | {"n_raters": len(scored), "unscored": unscored}


def _scored(sheet: Sheet, item: Item, scored: Sequence[Given], images: _Images) -> dict[str, Any]:
    means = {
        f"mean_{axis}": round(fmean(given.answer.scores[axis] for given in scored), 4)
        for axis in sheet.axis_names()
        if scored
    }
    ratings = [_rating(given, _whole(given.answer.scores)) for given in scored]
    edited = images.name(item.candidates[0])
    return {"edited": edited, "scale": list(sheet.scale), "ratings": ratings, **means}


def _paired(_sheet: Sheet, item: Item, scored: Sequence[Given], images: _Images) -> dict[str, Any]:
    votes = [
        _rating(
            given,
            {
                "choice": given.answer.choice,
                "left": "second" if given.assignment.flipped else "first",
            },
        )
        for given in scored
    ]
    both = {name: images.name(item.candidates[at]) for at, name in enumerate(("first", "second"))}
    return both | {"votes": votes}


def _told(_sheet: Sheet, item: Item, scored: Sequence[Given], images: _Images) -> dict[str, Any]:
    ratings = [
        _rating(
            given,
            {"turns": [turn.answers for turn in given.answer.turns], "whole": given.answer.whole},
        )
        for given in scored
    ]
    turns = [
        {"instruction": turn.instruction, "edited": images.name(turn.picture)}
        for turn in item.turns
    ]
    yes = {"whole_yes": sum(bool(given.answer.whole) for given in scored)}
    return {"kind": item.hint, "turns": turns, "ratings": ratings} | yes


def _rating(given: Given, said: Mapping[str, Any]) -> dict[str, Any]:
    """One rater's part of a line: numbers stand for scores alone, so that every number in it is one."""
    marks = [mark.model_dump() for mark in given.answer.marks]
    note = {"note": given.answer.note} if given.answer.note else {}
    drawn = {"marks": marks} if marks else {}
    return {"rater": rater_name(given.assignment.rater), **said, **note, **drawn}


def _whole(scores: Mapping[str, float]) -> dict[str, int]:
    return {axis: int(score) for axis, score in scores.items()}


def _write_csv(file: Any, sheet: Sheet, rated: Iterable[tuple[Item, Sequence[Given]]]) -> None:
    writer = csv.DictWriter(file, _CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for item, answers in rated:
        for given in answers:
            writer.writerows(_csv_rows(sheet, item, given))


def _csv_rows(sheet: Sheet, item: Item, given: Given) -> Iterator[dict[str, Any]]:
    marks = [mark.model_dump() for mark in given.answer.marks]
    common = {
        "uid": _cell(item.key),
        "rater": rater_name(given.assignment.rater),
        "choice": given.answer.choice or "",
        "outcome": "cannot_judge" if given.answer.cannot_judge else "scored",
        "note": _cell(given.answer.note),
        "marks": json.dumps(marks) if marks else "",
        "seconds": f"{given.seconds:.1f}",
        "instruction": _cell(item.instruction),
    }
    numbers = {} if given.answer.cannot_judge else numbers_of(sheet, given.answer)
    if sheet.kind == "pairs" or not numbers:
        yield common | {"axis": "", "score": ""}
        return
    for axis, score in numbers.items():
        yield common | {"axis": axis, "score": f"{score:g}"}


def _cell(text: str) -> str:
    """Text that a spreadsheet must not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text

"""ImgEdit-Bench multi-turn: three kinds of dialogues, judged yes or no by people; a model may stand in, clearly marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

from editloop.bench.cases import BenchCase, CaseSet, keyed_cases
from editloop.bench.replies import texts_of
from editloop.bench.results import ItemScore, Run
from editloop.bench.tasks.base import Cap, Request, Task, of_readings
from editloop.bench.tasks.people import is_rated
from editloop.bench.tasks.unscored import plain_mean, unscored
from editloop.core.errors import UsageError
from editloop.judges.parsing.reading import Reading
from editloop.judges.parsing.yes_no import read_yes_no
from editloop.records.taxonomy import DIALOGUE_TYPES

TURNS: Final = ("turn1", "turn2", "turn3")
_KINDS: Final = tuple(kind.value for kind in sorted(DIALOGUE_TYPES))
_FLAG: Final = "right"


class MultiTurnBench(Task):
    """Share of dialogues that went right as a whole.

    Answers of people are read as `editloop rate --sheet dialogue --export` writes them, one line a dialogue with `ratings`;
    a dialogue's figure is the share of its raters who said yes. Anything else is taken for the reply of a model, and a
    result that holds such replies says so.
    """

    name = "multi-turn"
    title = "ImgEdit-Bench multi-turn"
    version = "1"
    groups = _KINDS
    metrics = ("yes",)
    headline = "yes"
    scales: ClassVar[Mapping[str, tuple[float, float]]] = {"yes": (0.0, 1.0)}
    protocols = ("robust",)
    needs_cases = False

    def read_cases(self, path: Path) -> CaseSet:
        """A file of dialogues (key -> `id, turn1, turn2, turn3`), or a folder with one file for each kind.

        The kind is `edit_type` of an entry where it has one, else the name of the file.
        """
        files = dialogue_files(path)
        if not files:
            raise UsageError(f"{path} holds no JSON file of dialogues")
        cases: list[BenchCase] = []
        dropped: dict[str, int] = {}
        for file in files:
            found = keyed_cases(file, turns=TURNS)
            kind = kind_of(file)
            for case in found.cases:
                key = f"{kind}/{case.key}" if len(files) > 1 else case.key
                cases.append(replace(case, key=key, group=_plain(case.group) or kind))
            for why, count in found.dropped.items():
                dropped[why] = dropped.get(why, 0) + count
        return CaseSet(tuple(cases), dropped)

    def chosen(self, request: Request) -> list[BenchCase]:
        """As `Task.chosen`; without cases those that the rating page's export names, with their kind."""
        if request.cases is not None:
            return super().chosen(request)
        return [_exported(key, value) for key, value in request.replies.values.items()]

    def robust(self, request: Request) -> Run:
        """Every dialogue once; says whether people or a model answered."""
        run = super().robust(request)
        models = sum(bool(item.metrics) and not is_rated(item.reply) for item in run.items)
        people = sum(bool(item.metrics) for item in run.items) - models
        notes = [f"{people} dialogues were judged by people"] if people else []
        if models:
            notes.append(
                f"STAND-IN: {models} dialogues were judged by a model or an oracle, not by people"
            )
        return replace(run, notes=(*notes, *run.notes))

    def robust_item(self, case: BenchCase, texts: Sequence[str], cap: Cap) -> ItemScore:
        """A model's yes or no about the whole dialogue."""
        del cap  # nothing to cap
        return of_readings(case, [read_yes_no(text, _FLAG, ("whole", "answer", "verdict", "result", "success")) for text in texts], _as_share, "yes")  # fmt: skip

    def _robust_case(self, case: BenchCase, found: tuple[bool, Any], cap: Cap) -> ItemScore:
        there, value = found
        if there and is_rated(value):
            return _rated(case, value)
        if there and isinstance(value, Mapping) and not texts_of(value).texts:
            return unscored(case, "failed", "no_answer", value)
        return super()._robust_case(case, found, cap)


def dialogue_files(path: Path) -> list[Path]:
    """The files of dialogues: that of a path, or all JSON files of a folder. The keys of several begin with the kind."""
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def kind_of(file: Path) -> str:
    """The kind of dialogue that the name of a file says."""
    name = _plain(file.stem)
    return next((kind for kind in _KINDS if kind in name), name)


def _rated(case: BenchCase, row: Mapping[str, Any]) -> ItemScore:
    """Share of raters who said yes to the dialogue as a whole; the shares of its turns stand beside it."""
    answers = [rating for rating in row["ratings"] if isinstance(rating, Mapping)]
    whole = [
        float(rating["whole"]) for rating in answers if isinstance(rating.get("whole"), bool | int)
    ]
    if not whole:
        return unscored(case, "failed", "nobody_answered", row)
    turns: dict[str, list[float]] = {}
    for rating in answers:
        for place, turn in enumerate(rating.get("turns") or (), start=1):
            for question, answer in turn.items() if isinstance(turn, Mapping) else ():
                if isinstance(answer, bool | int):
                    turns.setdefault(f"turn {place} {question}", []).append(float(answer))
    return ItemScore(
        case.key,
        case.group,
        case.cluster,
        metrics={"yes": plain_mean(whole)},
        axes={name: plain_mean(values) for name, values in turns.items()},
        repeats=tuple(whole) if len(whole) > 1 else (),
        reply=dict(row),
        instruction=" / ".join(case.instructions),
    )


def _exported(key: str, row: Any) -> BenchCase:
    if not isinstance(row, Mapping):
        return BenchCase(key, "")
    turns = row.get("turns")
    words = [turn.get("instruction") for turn in turns if isinstance(turn, Mapping)] if isinstance(turns, list) else []  # fmt: skip
    return BenchCase(
        key,
        _plain(str(row.get("kind") or row.get("edit_type") or "")),
        tuple(str(word) for word in words if word),
        str(row.get("source") or ""),
    )


def _as_share(reading: Reading) -> dict[str, float]:
    return {"yes": float(reading.flags[_FLAG])}


def _plain(kind: str) -> str:
    return kind.strip().lower().replace(" ", "_").replace("-", "_")

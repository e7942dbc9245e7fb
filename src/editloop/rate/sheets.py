"""What raters are asked: the sheet, its axes and scale, and the check of one answer against it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from editloop.core.errors import BadInputError, UsageError
from editloop.core.registry import did_you_mean

SheetKind: TypeAlias = Literal["score", "pairs", "dialogue"]
Choice: TypeAlias = Literal["first", "second", "tie", "both_bad"]
CHOICES: tuple[Choice, ...] = ("first", "second", "tie", "both_bad")
SCALES: dict[str, tuple[int, int]] = {"0-5": (0, 5), "1-5": (1, 5), "0-10": (0, 10)}
WHOLE = "whole"
"""The last question of a dialogue: about all turns together."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


class Anchors(BaseModel):
    """What the ends and the middle of a scale stand for; yes and no are the two ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: str = ""
    middle: str = ""
    high: str = ""


class Axis(BaseModel):
    """One thing that is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    question: str
    anchors: Anchors = Anchors()


class Sheet(BaseModel):
    """Everything a rater is asked about one item; two sheets that differ make ratings that do not mix.

    `scale` has no meaning for pairs and dialogues. `questions` are asked after a dialogue's last turn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: SheetKind
    title: str
    axes: tuple[Axis, ...]
    scale: tuple[int, int] = (0, 1)
    questions: tuple[Axis, ...] = ()
    hints: dict[str, str] = {}
    source: str = ""
    guidelines: tuple[str, ...] = ()
    """Paragraphs of the study's own, shown above the anchors."""

    def axis_names(self) -> tuple[str, ...]:
        """Names in the order in which they are asked."""
        return tuple(axis.name for axis in self.axes)


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Mark(BaseModel):
    """A region that a rater drew, in shares of the width and height of the image called `image`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str = Field(max_length=32)
    left: Share
    top: Share
    right: Share
    bottom: Share
    text: Text = ""


class TurnAnswer(BaseModel):
    """Yes or no to each question about one turn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answers: dict[str, bool]


class Answer(BaseModel):
    """What one rater said about one item.

    `cannot_judge` stands for an answer that is no score: the item stays unscored for this rater, with `note` as the reason,
    and is never read as a zero. `choice` is in terms of the item (``first``, ``second``), whatever side was shown left.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scores: dict[str, float] = {}
    choice: Choice | None = None
    turns: tuple[TurnAnswer, ...] = Field(default=(), max_length=16)
    whole: bool | None = None
    cannot_judge: bool = False
    note: Text = ""
    marks: tuple[Mark, ...] = Field(default=(), max_length=64)


def read_answer(sheet: Sheet, body: Mapping[str, Any], turns: int = 0) -> Answer:
    """Check `body` against `sheet`.

    Args:
        sheet: What was asked.
        body: What came from the page.
        turns: Turns of the item, for a dialogue.

    Raises:
        BadInputError: `bad_answer`, saying what is missing or out of range.
    """
    try:
        answer = Answer.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInputError("bad_answer", f"{where}: {first['msg']}") from error
    if any(mark.left >= mark.right or mark.top >= mark.bottom for mark in answer.marks):
        raise BadInputError("bad_answer", "a mark has no area")
    if answer.cannot_judge:
        if not answer.note:
            raise BadInputError("bad_answer", "say in the note why it cannot be judged")
        return Answer(cannot_judge=True, note=answer.note, marks=answer.marks)
    problem = {"score": _score_problem, "pairs": _pair_problem, "dialogue": _dialogue_problem}
    found = problem[sheet.kind](sheet, answer, turns)
    if found:
        raise BadInputError("bad_answer", found)
    return answer


def _score_problem(sheet: Sheet, answer: Answer, _turns: int) -> str:
    low, high = sheet.scale
    if set(answer.scores) != set(sheet.axis_names()):
        return f"scores for {sorted(answer.scores)}, expected {list(sheet.axis_names())}"
    for axis, score in answer.scores.items():
        if not low <= score <= high or score != int(score):
            return f"{axis} is {score}, expected a whole number from {low} to {high}"
    return "a score sheet takes no choice and no turns" if answer.choice or answer.turns else ""


def _pair_problem(_sheet: Sheet, answer: Answer, _turns: int) -> str:
    if answer.choice is None:
        return f"no choice, expected one of {', '.join(CHOICES)}"
    return "a pair sheet takes no scores and no turns" if answer.scores or answer.turns else ""


def _dialogue_problem(sheet: Sheet, answer: Answer, turns: int) -> str:
    if len(answer.turns) != turns:
        return f"answers to {len(answer.turns)} turns, expected {turns}"
    for number, turn in enumerate(answer.turns, start=1):
        if set(turn.answers) != set(sheet.axis_names()):
            return f"turn {number}: answers to {sorted(turn.answers)}, expected {list(sheet.axis_names())}"
    return "" if answer.whole is not None else "no answer about the dialogue as a whole"


def sheet_names() -> list[str]:
    """Every sheet that `make_sheet` knows."""
    return sorted(_catalogue()["sheets"])


def make_sheet(
    name: str, *, axes: Sequence[str] = (), scale: str | None = None, guidelines: str = ""
) -> Sheet:
    """The sheet called `name`, with other axes, another scale or a study's own guidelines where given.

    An axis that the catalogue does not know is asked by its name alone.

    Raises:
        UsageError: an unknown sheet or scale, a name that cannot be an axis, a scale where there is none.
    """
    known = _catalogue()["sheets"]
    if name not in known:
        raise UsageError(
            f"no sheet is called {name!r}{did_you_mean(name, sorted(known))}; known: {', '.join(sorted(known))}"
        )
    entry = known[name]
    kind: SheetKind = entry["kind"]
    if kind != "score" and scale is not None:
        raise UsageError(f"sheet {name!r} asks for {kind}: it takes no --scale")
    if kind == "pairs" and axes:
        raise UsageError("a pair sheet asks one question: it takes no --axes")
    if scale is not None and scale not in SCALES:
        raise UsageError(f"no scale is called {scale!r}; known: {', '.join(SCALES)}")
    ends = SCALES[scale] if scale else tuple(entry.get("scale", (0, 1)))
    table = "questions" if kind == "dialogue" else "axes"
    return Sheet(
        name=name,
        kind=kind,
        title=entry["title"],
        axes=tuple(
            _axis(table, axis, entry.get("anchors")) for axis in _distinct(axes or entry["axes"])
        ),
        scale=(int(ends[0]), int(ends[1])),
        questions=(_axis("questions", WHOLE),) if kind == "dialogue" else (),
        hints=_catalogue()["hints"] if kind == "dialogue" else {},
        source=entry.get("source", ""),
        guidelines=tuple(part.strip() for part in re.split(r"\n\s*\n", guidelines) if part.strip()),
    )


def _distinct(axes: Sequence[str]) -> list[str]:
    for axis in axes:
        if not _NAME.fullmatch(axis) or axis == WHOLE:
            raise UsageError(
                f"{axis!r} cannot name an axis: expected small letters, digits and _, such as 'instruction'"
            )
    return list(dict.fromkeys(axes))


def _axis(table: str, name: str, anchors: Mapping[str, str] | None = None) -> Axis:
    entry = _catalogue()[table].get(name, {})
    if table == "questions":
        ends = {"low": entry.get("no", ""), "high": entry.get("yes", "")}
    else:
        ends = {end: entry.get(end, "") for end in ("low", "middle", "high")}
    question = entry.get("question", name.replace("_", " ").capitalize() + "?")
    return Axis(name=name, question=question, anchors=Anchors(**(anchors or ends)))


@cache
def _catalogue() -> dict[str, Any]:
    text = files("editloop.rate").joinpath("sheets.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)

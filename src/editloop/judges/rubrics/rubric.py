"""A rubric: which questions a judge is asked about one edit, on which scale, and how the replies are read.

Rubrics are data (`data/*.toml` and one template). Their version is the hash of both, so that no score can stand under a
prompt that did not make it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

import jinja2
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from editloop.core.errors import ConfigError, UnknownNameError
from editloop.core.ids import sha256_hex
from editloop.core.registry import did_you_mean
from editloop.judges.rubrics.readings import known_reading
from editloop.records.taxonomy import EditType, paper_name

ImageRole = Literal["source", "edited", "first", "second"]
ReplyForm = Literal[
    "lines", "scores", "flag", "failure", "json", "number", "yes_no", "vote", "free"
]
Combination = Literal["mean", "geometric_mean", "vie"]
ANY: Final = "*"
"""Edit type of a question that is asked whatever was edited."""

_SHOWN: Final = {
    "source": "the picture before the edit",
    "edited": "the picture after the edit",
    "first": "edit A",
    "second": "edit B",
}


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ScoreAxis(_Strict):
    """One thing to be scored, as the judge is told: `label` is what it writes before its score."""

    label: str
    title: str
    asks: str
    anchors: tuple[str, ...] = ()


class Question(_Strict):
    """One question.

    Args:
        name: Unique in its rubric.
        edit_types: Edit types it is asked for, or ``*`` for those that no other question of the rubric names.
        reading: Key of `readings.read_reply`.
        images: What is shown, in this order.
        shown: What the judge is told that the images are; the usual names by default.
        instruction: Whether the instruction is told.
        role: First sentence.
        rules: Sentences after the axes.
        reply: Form of the reply; ``free`` for an official prompt that says so itself.
        flag: Name of the yes/no of a ``flag`` reply.
        axes: What is scored.
        official: The text of a published prompt with its slots; used as it is, in place of the template.
    """

    name: str
    edit_types: tuple[str, ...]
    reading: str
    images: tuple[ImageRole, ...]
    shown: tuple[str, ...] = ()
    instruction: bool = True
    role: str = ""
    rules: tuple[str, ...] = ()
    reply: ReplyForm
    flag: str = ""
    axes: tuple[ScoreAxis, ...] = Field(default=(), alias="axis")
    official: str | None = None


class Rubric(_Strict):
    """All questions of one protocol. Make it with `load_rubric`."""

    name: str
    source: str
    scale: tuple[float, float]
    combine: Combination
    type_names: str | None = None
    questions: tuple[Question, ...]
    version: str

    def questions_for(self, edit_type: EditType | None) -> tuple[Question, ...]:
        """What to ask about an edit of this type: the type's own questions, else those for any type.

        An empty tuple says that the rubric cannot judge such an edit.
        """
        names = {str(edit_type)} if edit_type is not None else set()
        if (
            edit_type is not None
            and self.type_names
            and (name := paper_name(self.type_names, edit_type))
        ):
            names.add(name)
        own = tuple(question for question in self.questions if names & set(question.edit_types))
        return own or tuple(question for question in self.questions if ANY in question.edit_types)

    def text(
        self,
        question: Question,
        instruction: str,
        context: tuple[str, ...] = (),
        references: int = 0,
    ) -> str:
        """What the judge reads before it sees the images.

        Instruction and context stand between two lines that they cannot contain, since these hold their hash.
        """
        if question.official is not None:
            return _official_text(question.official, instruction)
        shown = list(question.shown or (_SHOWN[image] for image in question.images))
        shown += [f"reference image {n} of the instruction" for n in range(1, references + 1)]
        low, high = self.scale
        return (
            _template()
            .render(
                question=question,
                shown=shown,
                instruction=instruction if question.instruction else None,
                context=context if question.instruction else (),
                fence=f"[material {sha256_hex(chr(0).join((instruction, *context)).encode(errors='replace'))[:12]}]",
                low=round(low),
                high=round(high),
            )
            .strip()
        )


def rubric_names() -> list[str]:
    """Rubrics of the package."""
    return sorted(
        file.name.removesuffix(".toml") for file in _data().iterdir() if file.name.endswith(".toml")
    )


@lru_cache(maxsize=64)
def load_rubric(name: str) -> Rubric:
    """A rubric of the package by name, or of a TOML file by path.

    Raises:
        UnknownNameError: with the nearest name.
        ConfigError: the file cannot be read or is no rubric.
    """
    return parse_rubric(rubric_text(name), name)


def rubric_text(name: str) -> str:
    """The TOML text of a rubric of the package by name, or of a file by path.

    Raises:
        UnknownNameError: with the nearest name.
        ConfigError: the file cannot be read.
    """
    if name.endswith(".toml"):
        return _file_text(Path(name))
    if name not in rubric_names():
        known = rubric_names()
        raise UnknownNameError(
            f"no rubric is called {name!r}{did_you_mean(name, known)} known: {', '.join(known)}; or name a .toml file"
        )
    return str((_data() / f"{name}.toml").read_text(encoding="utf-8"))


def parse_rubric(text: str, where: str) -> Rubric:
    """The rubric that a TOML text holds.

    Raises:
        ConfigError: it is none; the message names the place.
    """
    try:
        body = tomllib.loads(text)
        shared, defaults = body.pop("anchors", {}), body.pop("defaults", {})
        questions = [
            _with_anchors({**defaults, **question}, shared) for question in body.pop("question", [])
        ]
        version = sha256_hex(f"{text}\0{_template_text()}".encode())[:12]
        rubric = Rubric.model_validate({**body, "questions": questions, "version": version})
    except (tomllib.TOMLDecodeError, ValidationError, KeyError, TypeError) as error:
        raise ConfigError(f"{where} is no rubric: {error}") from error
    if not rubric.questions:
        raise ConfigError(f"{where} asks nothing: a rubric needs a [[question]]")
    for question in rubric.questions:
        known_reading(question.reading)
    return rubric


def _with_anchors(question: dict[str, Any], shared: Mapping[str, list[str]]) -> dict[str, Any]:
    axes = [
        {**axis, "anchors": shared[anchors]}
        if isinstance(anchors := axis.get("anchors", ()), str)
        else axis
        for axis in question.get("axis", [])
    ]
    return {**question, "axis": axes}


def _official_text(official: str, instruction: str) -> str:
    for slot in ("<edit_prompt>", "<instruction>", "<prompt>"):
        official = official.replace(slot, instruction)
    return official


def _file_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the rubric {path}: {error}") from error


def _data() -> Any:
    return resources.files("editloop.judges.rubrics") / "data"


@lru_cache(maxsize=1)
def _template_text() -> str:
    return str((_data() / "question.j2").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, autoescape=False
    )  # plain text for a model
    return environment.from_string(_template_text())

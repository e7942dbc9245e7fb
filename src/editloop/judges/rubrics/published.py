"""Published prompt files from disk: for numbers that stand beside published ones, the very words must be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from editloop.core.errors import ConfigError
from editloop.core.ids import sha256_hex
from editloop.judges.parsing.protocols import IMGEDIT_AXES, VIE_AXES
from editloop.judges.rubrics.rubric import Question, Rubric

_SLOTS: Final = ("<edit_prompt>", "<instruction>")


def with_published_prompts(rubric: Rubric, path: Path) -> Rubric:
    """`rubric` with the words of a published file in place of ours; instruction and images go in as the scripts put them.

    Args:
        rubric: ``imgedit`` for ImgEdit-Bench's ``prompts.json`` (edit type -> text with the slot ``<edit_prompt>``), ``viescore``
            for ``{"SC": ..., "PQ": ...}`` (slot ``<instruction>``), ``imgedit-uge`` for ``{"uge": ...}``.
        path: The JSON file.

    Raises:
        ConfigError: the file does not hold the prompts that the rubric needs.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read the prompts {path}: {error}") from error
    needed = _needed(rubric)
    if not isinstance(body, dict) or not all(isinstance(body.get(name), str) for name in needed):
        held = ", ".join(body) if isinstance(body, dict) else type(body).__name__
        raise ConfigError(
            f"{path} does not hold the prompts of {rubric.name!r}: expected the keys {', '.join(needed)}, found {held}"
        )
    questions = tuple(
        _published(question, body) for question in rubric.questions if question.name in needed
    )
    told = [question.name for question in questions if question.instruction]
    lacking = [name for name in told if not any(slot in body[name] for slot in _SLOTS)]
    if lacking:
        raise ConfigError(
            f"{path}: {', '.join(lacking)} lack a slot for the instruction ({' or '.join(_SLOTS)})"
        )
    version = "official-" + sha256_hex(json.dumps(body, sort_keys=True).encode())[:12]
    return rubric.model_copy(update={"questions": questions, "version": version})


def _published(question: Question, body: dict[str, Any]) -> Question:
    return question.model_copy(update={"official": body[question.name], "reply": "free"})


def _needed(rubric: Rubric) -> tuple[str, ...]:
    needed: dict[str, tuple[str, ...]] = {
        "imgedit": tuple(IMGEDIT_AXES),
        "viescore": tuple(VIE_AXES),
        "imgedit-uge": ("uge",),
    }
    if rubric.name not in needed:
        raise ConfigError(
            f"no prompts were published for the rubric {rubric.name!r}; there are some for {', '.join(needed)}"
        )
    return needed[rubric.name]

"""Benchmark cases as their authors publish them: an image, an instruction or several, and a type."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from editloop.core.errors import BadInputError
from editloop.records.taxonomy import EditType, from_paper_name


class InstructionCase(BaseModel):
    """One case: `turns` holds one instruction, or two to three for a dialogue; `image` is relative to the image folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    image: str
    turns: tuple[str, ...]
    edit_type: EditType | None = None
    category: str = ""


def read_imgedit_bench(path: Path) -> list[InstructionCase]:
    """ImgEdit-Bench's basic suite (737 cases), UGE suite (47, no types) or a multi-turn task, told apart by their fields.

    Raises:
        BadInputError: `bad_annotation`, naming the entry.
    """
    content = _load(path)
    cases = []
    for key, entry in content.items():
        try:
            turns = tuple(
                entry[name] for name in ("prompt", "turn1", "turn2", "turn3") if name in entry
            )
            paper_type = entry.get("edit_type", "")
            edit_type = from_paper_name("imgedit", paper_type) if paper_type else None
            case = InstructionCase(
                key=key, image=entry["id"], turns=turns, edit_type=edit_type, category=paper_type
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise BadInputError("bad_annotation", f"{path.name}, entry {key!r}: {error}") from error
        if not turns:
            raise BadInputError("bad_annotation", f"{path.name}, entry {key!r}: no instruction")
        cases.append(case)
    return cases


def read_real_edit(path: Path) -> list[InstructionCase]:
    """Real-Edit's instruction file: per image a list of "Type. n: instruction" (arXiv 2411.04713).

    Raises:
        BadInputError: `bad_annotation`, naming the entry.
    """
    cases = []
    for image, lines in _load(path).items():
        for number, line in enumerate(lines):
            head, colon, instruction = line.rpartition(": ")
            category = head.partition(".")[0].strip()
            try:
                edit_type = from_paper_name("real_edit", category)
            except KeyError as error:
                raise BadInputError("bad_annotation", f"{path.name}, {image}: {line!r}") from error
            if not colon or not instruction.strip():
                raise BadInputError("bad_annotation", f"{path.name}, {image}: {line!r}")
            cases.append(
                InstructionCase(
                    key=f"{image}#{number}",
                    image=image,
                    turns=(instruction.strip(),),
                    edit_type=edit_type,
                    category=category,
                )
            )
    return cases


def _load(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise BadInputError("bad_annotation", f"{path.name}: {error}") from error
    if not isinstance(content, dict):
        raise BadInputError(
            "bad_annotation", f"{path.name} holds a {type(content).__name__}, expected an object"
        )
    return content

"""What a benchmark number depends on, and whether two numbers may stand in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict

from editloop.core.errors import UsageError

UNRECORDED: Final = ""
"""Value of a field that nobody noted down; two such values count as equal, and tables say so."""

JUDGE_FIELDS: Final = ("judge", "judge_version", "prompt_version", "temperature", "image_encoding")


class ScoreContext(BaseModel):
    """Everything but the editor that a score depends on. Numbers of unequal contexts are not comparable.

    Args:
        task: Name of the benchmark, for example ``imgedit``.
        task_version: Changes whenever this package would give other figures for the same replies.
        cases: Hash of the cases scored (keys, groups, instructions), so that 734 and 737 cases are told apart.
        subset: Which cases, for example ``en/fullset``; empty for all.
        protocol: ``official`` or ``robust`` reading of the replies.
        cap: ``prompt`` where the judge alone was asked to keep later scores at or below the first, ``enforced`` where
            scoring does it.
        judge: Model that judged.
        judge_version: Its dated version or revision.
        prompt_version: Hash or name of the rubric text.
        temperature: As text, since "the default of the endpoint" is an answer too.
        image_encoding: How images were sent, for example ``png`` or ``jpeg-75 long-side 512``.
        repeats: Replies of the judge that one item's score averages; 0 where items differ.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    task_version: str
    cases: str
    subset: str = UNRECORDED
    protocol: str = "robust"
    cap: str = "prompt"
    judge: str = UNRECORDED
    judge_version: str = UNRECORDED
    prompt_version: str = UNRECORDED
    temperature: str = UNRECORDED
    image_encoding: str = UNRECORDED
    repeats: int = 1

    def differences(self, other: ScoreContext, ignore: Sequence[str] = ()) -> list[str]:
        """One phrase a field in which `other` differs, for example ``judge: gpt-4o against gpt-4.1``."""
        mine, theirs = self.model_dump(), other.model_dump()
        return [
            f"{field.replace('_', ' ')}: {_shown(value)} against {_shown(theirs[field])}"
            for field, value in mine.items()
            if value != theirs[field] and field not in ignore
        ]

    @property
    def unrecorded(self) -> list[str]:
        """Judge fields that nobody noted down."""
        return [field for field in JUDGE_FIELDS if getattr(self, field) == UNRECORDED]


def require_comparable(contexts: Mapping[str, ScoreContext], ignore: Sequence[str] = ()) -> None:
    """Refuse to put numbers of unequal contexts side by side.

    Args:
        contexts: Name of a row -> its context.
        ignore: Fields that may differ.

    Raises:
        UsageError: naming every field that differs, and what to do.
    """
    names = list(contexts)
    for name in names[1:]:
        problems = contexts[names[0]].differences(contexts[name], ignore)
        if problems:
            raise UsageError(
                f"{names[0]} and {name} are not comparable: {'; '.join(problems)}. Score both the same way, or make "
                "one table for each"
            )


def grouped_by_context(contexts: Mapping[str, ScoreContext]) -> dict[ScoreContext, list[str]]:
    """The rows that may share a table, by their context, in the order given."""
    groups: dict[ScoreContext, list[str]] = {}
    for name, context in contexts.items():
        groups.setdefault(context, []).append(name)
    return groups


def _shown(value: object) -> str:
    return "not recorded" if value == UNRECORDED else str(value)

"""A judge that asks, for each kind of edit, the version that people's labels chose: a folder, loaded by its path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from editloop.core.ids import content_id
from editloop.judges.base import BatchJudge, Judge, JudgeRequest, WaitingJudge
from editloop.judges.calibrate.prompt_search import LabelledEdit
from editloop.judges.intent import read_instruction
from editloop.judges.people.bulk import Judged
from editloop.judges.people.report import score_of
from editloop.judges.registry import JUDGE_FILE, load_judge
from editloop.models.roles import ModelIdentity
from editloop.records.formats.rated_edits import RatedFile
from editloop.records.verdict import Verdict
from editloop.store.runs import write_atomically

UNREAD: Final = "unread"
"""The task of an instruction whose kind of edit could not be read."""


class ChosenModel(BaseModel):
    """What the folder holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["chosen"] = "chosen"
    base: str
    """Spec of the version for tasks without a choice."""
    versions: dict[str, str]
    """Task, as `task_of` names it -> spec."""
    report: dict[str, Any] = {}
    """What ``editloop fit`` printed."""


class ChosenJudge:
    """Each triplet goes to the version of its task; the verdict stays that version's own, under this judge's name."""

    def __init__(self, model: ChosenModel) -> None:
        self.model = model
        specs = dict.fromkeys((model.base, *model.versions.values()))
        self._judges: dict[str, Judge] = {spec: load_judge(spec) for spec in specs}

    @property
    def identity(self) -> ModelIdentity:
        """The version covers the choice and every version chosen."""
        parts = [
            (spec, one.identity.name, one.identity.version) for spec, one in self._judges.items()
        ]
        version = content_id(self.model.base, self.model.versions, parts)[:12]
        return ModelIdentity(f"chosen:{self.model.base}", version)

    @property
    def reject_reasons(self) -> tuple[str, ...]:
        """Those of every version."""
        found = (reason for one in self._judges.values() for reason in one.reject_reasons)
        return tuple(dict.fromkeys(found))

    @property
    def at_once(self) -> int:
        """As many as the most patient version takes; 1 where none waits for an endpoint."""
        waiting = [one.at_once for one in self._judges.values() if isinstance(one, WaitingJudge)]
        return max(waiting, default=1)

    def judge(self, request: JudgeRequest) -> Verdict:
        """The verdict on one triplet."""
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[JudgeRequest]) -> list[Verdict]:
        """One verdict a request, in order."""
        rows: dict[str, list[int]] = {}
        for row, request in enumerate(requests):
            task = task_of(request.instruction, request.context)
            rows.setdefault(self.model.versions.get(task, self.model.base), []).append(row)
        identity, found = self.identity, dict[int, Verdict]()
        for spec, own in rows.items():
            asked, judge = [requests[row] for row in own], self._judges[spec]
            verdicts = (
                judge.score_many(asked)
                if isinstance(judge, BatchJudge)
                else [judge.judge(request) for request in asked]
            )
            found |= dict(zip(own, verdicts, strict=True))
        named = {"judge": identity.name, "judge_version": identity.version}
        return [found[row].model_copy(update=named) for row in range(len(requests))]


def task_of(instruction: str, context: Sequence[str] = ()) -> str:
    """The kind of edit that an instruction asks for."""
    kind = read_instruction(instruction, tuple(context)).edit_type
    return UNREAD if kind is None else kind.value


def labelled_edits(
    rated: RatedFile, judged: dict[str, Judged], axis: str, scale: tuple[float, float]
) -> list[LabelledEdit]:
    """Rated edits with the score of every version.

    Args:
        rated: What people said.
        judged: Spec -> its verdicts.
        axis: What people were asked.
        scale: People's scale.
    """
    edits = []
    for edit in rated.edits:
        people = edit.mean(axis)
        if people is None:
            continue
        scores = {}
        for spec, one in judged.items():
            verdict = one.verdicts.get(edit.uid)
            score = None if verdict is None else score_of(axis, verdict, scale)
            if score is not None:
                scores[spec] = score
        edits.append(LabelledEdit(edit.uid, edit.image, task_of(edit.instruction), people, scores))
    return edits


def save_chosen(model: ChosenModel, folder: Path) -> Path:
    """Write the judge's folder; returns its file.

    Raises:
        StoreError: it cannot be written.
    """
    path = folder / JUDGE_FILE
    write_atomically(path, model.model_dump_json(indent=1).encode())
    return path

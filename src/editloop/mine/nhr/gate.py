"""The plausibility gate: does a drawn picture show what its prompt says?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from editloop.judges.base import Judge, JudgeRequest
from editloop.judges.registry import load_judge
from editloop.mine.nhr.records import DrawnSource, PlannedEdit, ScenePrompt
from editloop.models.roles import RgbImage
from editloop.world.fitting import case_on, fit_scene
from editloop.world.sampling import case_from_json, case_to_json
from editloop.world.scenes import Scene


@dataclass(frozen=True, slots=True)
class Seen:
    """What the gate saw; `prompt` is the prompt as the picture shows it."""

    passed: bool
    score: float | None
    prompt: ScenePrompt
    detail: str = ""


class Gate(Protocol):
    """Looks at one source."""

    @property
    def version(self) -> str:
        """Changes whenever a decision may change."""

    def look(self, source: DrawnSource, image: RgbImage) -> Seen:
        """The decision on one picture."""


def load_gate(spec: str, min_overall: float, max_mismatch: float) -> Gate:
    """``world:depicts``, or any judge by its spec, asked about the picture and its prompt alone."""
    if spec == "world:depicts":
        return DepictsGate(max_mismatch)
    return JudgeGate(load_judge(spec), min_overall)


class DepictsGate:
    """For storybook prompts: draws what the prompt says and looks for it in the picture, object by object.

    It also moves the true cases behind the edits to where the picture shows the objects, for later audits.
    """

    version = "1"

    def __init__(self, max_mismatch: float) -> None:
        self._max_mismatch = max_mismatch

    def look(self, source: DrawnSource, image: RgbImage) -> Seen:
        """The worst mismatch of any object or the background decides."""
        truths = [edit.truth for edit in source.prompt.edits]
        first = next((truth for truth in truths if truth), None)
        if first is None:
            return Seen(False, None, source.prompt, "the prompt comes without a storybook scene")
        fitted = fit_scene(case_from_json(first).source, image)
        edits = tuple(_moved(edit, fitted.scene) for edit in source.prompt.edits)
        prompt = source.prompt.model_copy(update={"edits": edits})
        detail = f"{source.prompt.prompt}: largest mismatch {fitted.worst:.2f} of 1"
        return Seen(fitted.depicts(self._max_mismatch), 1 - fitted.worst, prompt, detail)


class JudgeGate:
    """A judge that is shown the picture twice, with the prompt as the instruction."""

    def __init__(self, judge: Judge, min_overall: float) -> None:
        self._judge, self._min_overall = judge, min_overall

    @property
    def version(self) -> str:
        """The judge's."""
        return self._judge.identity.version

    def look(self, source: DrawnSource, image: RgbImage) -> Seen:
        """The judge's overall score decides."""
        request = JudgeRequest(source=image, instruction=source.prompt.prompt, edited=image)
        verdict = self._judge.judge(request)
        score = verdict.overall
        passed = score is not None and score >= self._min_overall
        return Seen(passed, score, source.prompt, verdict.text)


def _moved(edit: PlannedEdit, scene: Scene) -> PlannedEdit:
    if edit.truth is None:
        return edit
    case = case_on(case_from_json(edit.truth), scene)
    return edit.model_copy(update={"truth": case_to_json(case)})

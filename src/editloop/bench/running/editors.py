"""Editors of a benchmark run: every adapter, and three that show what a benchmark measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from editloop.core.errors import BadInputError, UnknownNameError
from editloop.core.registry import Registry, did_you_mean
from editloop.models import load_model
from editloop.models.roles import Editor, EditRequest, EditResult, ModelIdentity
from editloop.world.cases import Case
from editloop.world.corruptors import applicable_flaws, corrupt
from editloop.world.render import render

BROKEN_FLAWS: Final = ("wrong_object", "wrong_attribute", "over_edit", "identity_drift", "artefacts", "blur", "colour_shift")  # fmt: skip
"""Flaws that the broken editor plants; leaving the picture alone is the no-op editor's part."""


class SimpleEditor(Protocol):
    """What the editors here are."""

    @property
    def identity(self) -> ModelIdentity:
        """Name and version."""

    def edit(self, request: EditRequest) -> EditResult:
        """The edited image."""


class NoOp:
    """Returns the source: the floor of "was it done" and the ceiling of "did everything else stay"."""

    identity = ModelIdentity("noop", "1", "Apache-2.0")

    def edit(self, request: EditRequest) -> EditResult:
        """The source, unchanged."""
        return EditResult(request.image.copy(), np.zeros(request.image.shape[:2], np.bool_))


class TrueTarget:
    """Draws the true result of a storybook case: what a perfect editor would return."""

    identity = ModelIdentity("world:true-target", "1", "Apache-2.0")

    def edit(self, request: EditRequest) -> EditResult:
        """The true result.

        Raises:
            BadInputError: `no_plan`, for anything but a storybook case.
        """
        return EditResult(render(_case(request).target, request.image.shape[0]))


class Broken:
    """Returns a storybook edit that misreads the instruction and looks bad: one flaw of each kind, one upon the other."""

    identity = ModelIdentity("world:broken-editor", "1", "Apache-2.0")

    def edit(self, request: EditRequest) -> EditResult:
        """A flawed result; which flaws, follows from the seed.

        Raises:
            BadInputError: `no_plan`, for anything but a storybook case.
        """
        case, rng = _case(request), np.random.default_rng(request.seed)
        size = request.image.shape[0]
        possible = [flaw for flaw in applicable_flaws(case, size) if flaw in BROKEN_FLAWS]
        misread = [flaw for flaw in possible if flaw in ("wrong_object", "wrong_attribute")]
        flaw = rng.choice(misread or possible or ["no_op"])
        wrong = corrupt(case, str(flaw), rng, size).astype(np.float32)
        cast = rng.permutation(np.array([1.35, 1.0, 0.6], np.float32))
        grain = rng.normal(0, 40, wrong.shape)
        spoilt = np.clip(wrong * cast + grain, 0, 255)
        return EditResult(spoilt.astype(np.uint8))


CALL_OPTIONS: Final = frozenset(
    {"cache", "mode", "concurrency", "requests_per_minute", "tokens_per_minute", "timeout", "attempts", "patience", "backoff"}
    | {"max_calls", "max_tokens", "max_usd", "max_seconds", "input_usd", "output_usd", "edit_usd", "expected_seconds"}
)  # fmt: skip
"""Options of an endpoint's spec that change no picture."""
BENCH_EDITORS: Final = Registry[type[SimpleEditor]]("editor")
"""Editors that exist for benchmarks alone."""
for _name, _cls in (("true-target", "TrueTarget"), ("broken-editor", "Broken")):
    BENCH_EDITORS.add(f"world:{_name}", f"editloop.bench.running.editors:{_cls}")
BENCH_EDITORS.add("noop", "editloop.bench.running.editors:NoOp")


def load_editor(spec: str) -> Editor:
    """The editor that `spec` names: ``noop``, ``world:true-target``, ``world:broken-editor``, or any adapter.

    Raises:
        UnknownNameError: with the nearest name.
        PrerequisiteError: when a package is missing.
    """
    if spec in BENCH_EDITORS:
        return BENCH_EDITORS.get(spec)()
    try:
        return load_model("editor", spec)
    except UnknownNameError as error:
        known = list(BENCH_EDITORS)
        raise UnknownNameError(
            f"{error}; for benchmarks also {', '.join(known)}{did_you_mean(spec, known)}"
        ) from error


def shown_editor(spec: str) -> str:
    """An editor's spec without what changes no picture: cache, budget, pace and prices of an endpoint.

    Example:
        >>> shown_editor("openai:gpt-image-1?picture_quality=low&max_usd=5&cache=calls.sqlite")
        'openai:gpt-image-1?picture_quality=low'
    """
    if not spec.startswith("openai:"):
        return spec
    name, _, options = spec.partition("?")
    kept = [one for one in options.split("&") if one and one.partition("=")[0] not in CALL_OPTIONS]
    return f"{name}?{'&'.join(kept)}" if kept else name


def edit_all(editor: Editor, requests: Sequence[EditRequest]) -> list[EditResult]:
    """One result a request, in one call where the editor can."""
    together = getattr(editor, "edit_many", None)
    if together is not None:
        found: list[EditResult] = together(requests)
        return found
    return [editor.edit(request) for request in requests]


def _case(request: EditRequest) -> Case:
    if not isinstance(request.plan, Case):
        raise BadInputError(
            "no_plan",
            "this editor draws storybook cases alone: make some with `editloop bench build storybook`",
        )
    return request.plan

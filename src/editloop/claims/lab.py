"""What every claim works with: sizes, the base editor, held-out cases, judges, and the store of arms."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict

from editloop.claims.arms import RESULT_NAME, ArmResult, ArmStore
from editloop.claims.base import spoiling_config, spoilt_editor
from editloop.claims.evaluation import Measurement, edit_request, measure
from editloop.core.errors import UsageError
from editloop.judges.storybook import StorybookJudge, held_out_judge, tiny_judge
from editloop.models.diffusers.editor import DiffusersEditor
from editloop.models.roles import BatchEditor
from editloop.train.align.trajectory import AlignCase
from editloop.train.policies import load_policy
from editloop.train.policies.storybook import StorybookPolicy
from editloop.train.policy import EditPolicy
from editloop.train.policy_editor import PolicyEditor
from editloop.world.cases import Case
from editloop.world.imperfect import POOR_SHARES
from editloop.world.render import render
from editloop.world.sampling import cases

EVALUATION_SEED: Final = 7001
"""Of the held-out cases and of the editors' noise on them; no training and no tuning uses it."""


BASE: Final = "base"
SHEET_NAME, FAILURES_NAME = "edits.png", "failures.json"


class ClaimSizes(BaseModel):
    """How much work a claim is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seeds: int = 5
    evaluation_cases: int = 160
    edit_steps: int = 3
    base_steps: int = 100
    """Updates on poor triplets that make the base editor (`claims.base`); 0 starts from the editor as it is."""
    triplets: int = 1200
    """Imperfect triplets that a supervised arm learns from."""
    prompts: int = 180
    """Scenes that NHR's mining begins with."""
    training_steps: int = 120
    """Updates of an arm on given triplets, batch 32."""
    mined_steps: int = 40
    """Updates of an arm on mined triplets, which are few."""
    practice_cases: int = 300
    """Edits that alignment practises on."""
    alignment_steps: int = 18
    groups: int = 6
    group_size: int = 16
    look_every: int = 6
    """Alignment steps between two points of a curve."""
    ablations: bool = True
    """Whether ablations and comparisons side by side run, or the main claim of each paper alone."""


FULL: Final = ClaimSizes()
SHORT: Final = ClaimSizes(
    seeds=1,
    evaluation_cases=64,
    triplets=400,
    prompts=24,
    training_steps=60,
    mined_steps=20,
    practice_cases=120,
    alignment_steps=8,
    look_every=4,
    ablations=False,
)
"""What `editloop loop` runs in a few minutes."""


@dataclass(frozen=True)
class Lab:
    """The shared bench of all claims.

    Args:
        store: Keeps arms.
        sizes: How much work.
        editor: Spec of the editor that the base is made from.
    """

    store: ArmStore
    sizes: ClaimSizes
    editor: str = "world:tiny-editor"

    @cached_property
    def base(self) -> Measurement:
        """The base editor on the held-out cases."""
        _ = self._base_result
        return kept_measurement(self.store.arm_folder(BASE, 0, self._common_settings()))

    @cached_property
    def _base_result(self) -> ArmResult:
        """The base editor, made and measured once a folder."""
        steps = self.sizes.base_steps

        def train(folder: Path) -> tuple[BatchEditor, dict[str, Any]]:
            policy = _storybook_policy(self.editor)
            if steps == 0:
                return self.in_memory(policy), {}
            made = spoilt_editor(policy, steps, folder / "training")
            return self.on_disk(made), {"editor": str(made.relative_to(self.store.folder))}

        return self.arm(BASE, 0, {}, train, needed=True)

    @cached_property
    def base_spec(self) -> str:
        """Spec of the base editor."""
        made = self._base_result.editor
        return self.editor if made is None else f"diffusers:{(self.store.folder / made).resolve()}"

    @cached_property
    def cases(self) -> Sequence[Case]:
        """The held-out cases: combinations of kind, colour and edit that no training sees."""
        return tuple(cases(EVALUATION_SEED, self.sizes.evaluation_cases, "held_out"))

    @cached_property
    def judge(self) -> StorybookJudge:
        """The validator and reward that learnt from many ratings."""
        return tiny_judge()

    @cached_property
    def held_out_judge(self) -> StorybookJudge:
        """A judge that is never a reward."""
        return held_out_judge()

    @cached_property
    def editor_version(self) -> str:
        """Weights of the base editor."""
        return self.policy().identity.version

    def policy(self) -> StorybookPolicy:
        """A fresh copy of the base editor, to be trained."""
        return _storybook_policy(self.base_spec)

    def in_memory(self, policy: EditPolicy) -> BatchEditor:
        """A policy as an editor."""
        return PolicyEditor(policy, self.sizes.edit_steps)

    def on_disk(self, folder: Path | None) -> BatchEditor:
        """An exported editor, through the adapter that big editors are loaded by."""
        if folder is None:
            raise UsageError("the training was stopped before its last step: run again to go on")
        return DiffusersEditor(f"{folder}?steps={self.sizes.edit_steps}")

    def measured(self, editor: BatchEditor) -> Measurement:
        """An editor on the held-out cases."""
        return measure(editor, self.cases, self.held_out_judge, seed=EVALUATION_SEED)

    def arm(
        self,
        name: str,
        seed: int,
        settings: dict[str, Any],
        train: Callable[[Path], tuple[BatchEditor | Measurement, dict[str, Any]]],
        *,
        needed: bool = False,
    ) -> ArmResult:
        """Train an editor once and measure it on the held-out cases.

        Args:
            name: Of the arm.
            seed: Of its training.
            settings: Everything that bears on its result besides the lab's own sizes.
            train: Gets the arm's folder; returns the trained editor, or its measurement where it has been taken, and further
                fields of the `ArmResult`.
            needed: As `ArmStore.result`.
        """

        def compute(folder: Path) -> ArmResult:
            started = time.process_time()
            trained, fields = train(folder)
            used = time.process_time() - started
            found = trained if isinstance(trained, Measurement) else self.measured(trained)
            _keep_pictures(folder, found)
            return ArmResult(arm=name, seed=seed, scores=found.scores, cpu_seconds=used, **fields)

        merged = self._common_settings() | settings
        return self.store.result(name, seed, merged, compute, needed=needed)

    @cached_property
    def _made_from(self) -> str:
        return _storybook_policy(self.editor).identity.version

    def _common_settings(self) -> dict[str, Any]:
        steps = self.sizes.base_steps
        return {
            "editor": self._made_from,
            "base": spoiling_config(steps).model_dump(mode="json") if steps else None,
            "poor_triplets": POOR_SHARES,
            "cases": self.sizes.evaluation_cases,
            "edit_steps": self.sizes.edit_steps,
            "held_out_judge": self.held_out_judge.identity.version,
        }


def _storybook_policy(spec: str) -> StorybookPolicy:
    policy = load_policy(spec)
    if not isinstance(policy, StorybookPolicy):
        raise TypeError(f"claims need a storybook editor, {spec} is {type(policy)}")
    return policy


def practice_case(case: Case) -> AlignCase:
    """A case as alignment practises it, with its true target for the start-up check of the judge."""
    return AlignCase(id=case.id, request=edit_request(case, 0), target=render(case.target))


def kept_measurement(folder: Path) -> Measurement:
    """What `Lab.arm` measured, from the arm's folder."""
    result = ArmResult.model_validate_json((folder / RESULT_NAME).read_bytes())
    with Image.open(folder / SHEET_NAME) as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    images = np.split(pixels, pixels.shape[1] // pixels.shape[0], axis=1)
    failures = json.loads((folder / FAILURES_NAME).read_text("utf-8"))
    return Measurement(scores=result.scores, failures=tuple(failures), images=tuple(images))


def _keep_pictures(folder: Path, found: Measurement) -> None:
    """The edited pictures as one lossless sheet, for the report."""
    Image.fromarray(np.concatenate(found.images, axis=1)).save(folder / SHEET_NAME)
    (folder / FAILURES_NAME).write_text(json.dumps(found.failures), "utf-8")

"""A generator, an editor and judges that know the storybook cases: their faults are planted, so every count can be foreseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from editloop.judges.base import JudgeRequest
from editloop.mine.nhr.records import ScenePrompt
from editloop.models.roles import (
    EditRequest,
    EditResult,
    GenerationRequest,
    ModelIdentity,
    RgbImage,
)
from editloop.records.verdict import Verdict
from editloop.world.cases import Case
from editloop.world.corruptors import applicable_flaws, corrupt
from editloop.world.oracle import score_edit
from editloop.world.render import render
from editloop.world.sampling import case_from_json
from editloop.world.scenes import Scene


@dataclass
class Troupe:
    """What the actors know: the scene of every prompt, and the case of every edit of a picture."""

    scenes: dict[str, Scene] = field(default_factory=dict)
    cases: dict[tuple[str, bytes], Case] = field(default_factory=dict)

    @classmethod
    def of(cls, prompts: Sequence[ScenePrompt]) -> Troupe:
        troupe = cls()
        for prompt in prompts:
            for edit in prompt.edits:
                case = case_from_json(edit.truth or "")
                troupe.scenes[prompt.prompt] = case.source
                troupe.cases[edit.instruction, render(case.source).tobytes()] = case
        return troupe


@dataclass
class Drawer:
    """Draws every third picture without its first object."""

    troupe: Troupe
    identity: ClassVar[ModelIdentity] = ModelIdentity("test:drawer", "1", "CC0-1.0")

    def generate_many(self, requests: Sequence[GenerationRequest]) -> list[RgbImage]:
        return [self._draw(request) for request in requests]

    def _draw(self, request: GenerationRequest) -> RgbImage:
        scene = self.troupe.scenes[request.prompt]
        if request.seed % 3 == 0:
            scene = replace(scene, objects=scene.objects[1:])
        return render(scene)


@dataclass
class Retoucher:
    """Edits right on even seeds, and with a flaw of the corruptors on odd ones."""

    troupe: Troupe
    identity: ClassVar[ModelIdentity] = ModelIdentity("test:retoucher", "1")

    def edit(self, request: EditRequest) -> EditResult:
        case = self.troupe.cases[request.instruction, request.image.tobytes()]
        if request.seed % 2 == 0:
            return EditResult(render(case.target))
        rng = np.random.default_rng(request.seed)
        flaws = applicable_flaws(case)
        return EditResult(corrupt(case, flaws[request.seed % len(flaws)], rng))


@dataclass
class Knower:
    """Gives the oracle's scores where it knows the case, and full scores elsewhere (inverses and compositions)."""

    troupe: Troupe
    identity: ClassVar[ModelIdentity] = ModelIdentity("test:knower", "1")
    reject_reasons: ClassVar[tuple[str, ...]] = ()

    def judge(self, request: JudgeRequest) -> Verdict:
        case = self.troupe.cases.get((request.instruction, request.source.tobytes()))
        axes = {"instruction": 5.0, "preservation": 5.0, "quality": 5.0}
        if case is not None:
            score = score_edit(case, request.edited, request.source)
            axes = {name: getattr(score, name) for name in axes}
        return Verdict(judge="test:knower", judge_version="1", scale=(1.0, 5.0), axes=axes)


@dataclass
class Lenient:
    """Scores everything four."""

    identity: ClassVar[ModelIdentity] = ModelIdentity("test:lenient", "1")
    reject_reasons: ClassVar[tuple[str, ...]] = ()

    def judge(self, request: JudgeRequest) -> Verdict:
        axes = {"instruction": 4.0, "preservation": 4.0, "quality": 4.0}
        return Verdict(judge="test:lenient", judge_version="1", scale=(1.0, 5.0), axes=axes)

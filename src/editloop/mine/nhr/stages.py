"""The recipe's first half: from prompts to judged candidates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from editloop.core.ids import content_id
from editloop.core.images import encode_png
from editloop.core.seeds import derive_seed
from editloop.engine.stage import Dropped, Kept, Lane, Stage, StageConfig, StageContext
from editloop.judges.base import Judge, JudgeRequest
from editloop.judges.registry import load_judge
from editloop.mine.nhr.gate import Gate, load_gate
from editloop.mine.nhr.low_level import largest_component_share
from editloop.mine.nhr.records import Candidate, DrawnSource, PlannedEdit, ScenePrompt
from editloop.models import load_model
from editloop.models.roles import BatchEditor, EditRequest, GenerationRequest, Generator, RgbImage
from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Step
from editloop.records.verdict import Verdict


class DrawConfig(StageConfig):
    """N sources a prompt."""

    generator: str = "world:tiny-generator"
    images: int = 10


class DrawSources(Stage[ScenePrompt, DrawnSource, DrawConfig]):
    """Text-to-image, `images` times a prompt (step 1b: N = 10)."""

    name: ClassVar[str] = "draw_sources"
    version: ClassVar[str] = "1"
    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 8
    input = ScenePrompt
    output = DrawnSource

    def open(self, context: StageContext) -> None:
        """Load the generator once per worker."""
        super().open(context)
        self.generator: Generator = load_model("generator", self.config.generator)

    @property
    def model_versions(self) -> dict[str, str]:
        """Version of the generator."""
        return {"generator": load_model("generator", self.config.generator).identity.version}

    def run(self, records: Sequence[ScenePrompt]) -> Sequence[Kept[DrawnSource] | Dropped]:
        """All pictures of the prompts, drawn as one batch."""
        seeds = [
            [
                derive_seed(self.context.run_seed, prompt.id, "draw", n)
                for n in range(self.config.images)
            ]
            for prompt in records
        ]
        requests = [
            GenerationRequest(prompt.prompt, seed)
            for prompt, own in zip(records, seeds, strict=True)
            for seed in own
        ]
        images = iter(self.generator.generate_many(requests))
        return [self._sources(*pair, images) for pair in zip(records, seeds, strict=True)]

    def _sources(
        self, prompt: ScenePrompt, seeds: list[int], images: Iterator[RgbImage]
    ) -> Kept[DrawnSource]:
        identity = self.generator.identity
        return Kept(
            tuple(
                DrawnSource(
                    id=content_id("nhr-source", prompt.id, seed),
                    prompt=prompt,
                    image=save_png(self.context, next(images)),
                    seed=seed,
                    steps=(
                        Step(
                            stage=self.name,
                            version=self.version,
                            model=identity.name,
                            model_version=identity.version,
                            prompt_hash=content_id(prompt.prompt),
                            seed=seed,
                        ),
                    ),
                )
                for seed in seeds
            )
        )


class GateConfig(StageConfig):
    """Which gate looks at sources."""

    gate: str = "world:depicts"
    min_overall: float = 4.0
    """Least score, where the gate is a judge that gives scores."""


class PlausibilityGate(Stage[DrawnSource, DrawnSource, GateConfig]):
    """Does the picture show its prompt (prompt A.5; 56 % fell here in the paper)?"""

    name: ClassVar[str] = "gate"
    version: ClassVar[str] = "1"
    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 16
    input = DrawnSource
    output = DrawnSource
    reasons: tuple[str, ...] = ("not_as_described", "unscored")

    def open(self, context: StageContext) -> None:
        """Load the gate once per worker."""
        super().open(context)
        self.gate: Gate = load_gate(self.config.gate, self.config.min_overall)

    @property
    def model_versions(self) -> dict[str, str]:
        """Version of the gate."""
        return {"gate": load_gate(self.config.gate, self.config.min_overall).version}

    def run(self, records: Sequence[DrawnSource]) -> Sequence[Kept[DrawnSource] | Dropped]:
        """Sources as they are, or dropped."""
        return [self._one(record) for record in records]

    def _one(self, record: DrawnSource) -> Kept[DrawnSource] | Dropped:
        seen = self.gate.look(record, self.context.load(record.image))
        if seen.score is None:
            return Dropped("unscored", seen.detail)
        if not seen.passed:
            return Dropped("not_as_described", seen.detail, {"score": seen.score})
        return Kept((record.model_copy(update={"prompt": seen.prompt}),))


class TryEditsConfig(StageConfig):
    """M tries an edit."""

    editor: str = "world:tiny-editor"
    tries: int = 5
    budget: int | None = None
    """Most tries of one source, drawn uniformly without replacement; None takes all (the paper's budget-aware scheduler)."""


class TryEdits(Stage[DrawnSource, Candidate, TryEditsConfig]):
    """Every edit of a source, `tries` times with other seeds (step 1b: M = 5)."""

    name: ClassVar[str] = "try_edits"
    version: ClassVar[str] = "1"
    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 4
    input = DrawnSource
    output = Candidate

    def open(self, context: StageContext) -> None:
        """Load the editor once per worker."""
        super().open(context)
        self.editor: BatchEditor = load_model("editor", self.config.editor)  # type: ignore[assignment]

    @property
    def model_versions(self) -> dict[str, str]:
        """Version of the editor."""
        return {"editor": load_model("editor", self.config.editor).identity.version}

    def run(self, records: Sequence[DrawnSource]) -> Sequence[Kept[Candidate] | Dropped]:
        """All tries of the sources, edited as one batch."""
        jobs = [(source, self._jobs(source)) for source in records]
        requests = [
            EditRequest(self.context.load(source.image), edit.instruction, seed)
            for source, own in jobs
            for edit, seed in own
        ]
        results = iter(self.editor.edit_many(requests))
        return [
            Kept(tuple(self._candidate(source, *job, next(results).image) for job in own))
            for source, own in jobs
        ]

    def _jobs(self, source: DrawnSource) -> list[tuple[PlannedEdit, int]]:
        seed = self.context.run_seed
        jobs = [
            (edit, derive_seed(seed, source.id, edit.key, "try", number))
            for edit in source.prompt.edits
            for number in range(self.config.tries)
        ]
        if self.config.budget is None or self.config.budget >= len(jobs):
            return jobs
        rng = np.random.default_rng(derive_seed(seed, source.id, "budget"))
        chosen = sorted(rng.permutation(len(jobs))[: self.config.budget].tolist())
        return [jobs[place] for place in chosen]

    def _candidate(
        self, source: DrawnSource, edit: PlannedEdit, seed: int, image: RgbImage
    ) -> Candidate:
        identity = self.editor.identity
        step = Step(
            stage=self.name,
            version=self.version,
            model=identity.name,
            model_version=identity.version,
            seed=seed,
        )
        return Candidate(
            id=content_id("nhr-candidate", source.id, edit.key, seed),
            source=source,
            edit=edit,
            edited=save_png(self.context, image),
            seed=seed,
            steps=(step,),
        )


class JudgeConfig(StageConfig):
    """A judge and the scores it must give, on its own scale."""

    judge: str = "world:tiny-judge"
    min_adherence: float = 3.0
    min_aesthetic: float = 3.0
    yes_from: float = 3.0
    """Least score on an axis that counts as "yes" to the checks for unwanted changes (A.3) and for looks (A.4)."""


class SoftFilter(Stage[Candidate, Candidate, JudgeConfig]):
    """The cheap first judge: two scores and two yes/no questions (57 % fell here in the paper)."""

    name: ClassVar[str] = "soft_filter"
    version: ClassVar[str] = "1"
    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 64
    input = Candidate
    output = Candidate
    reasons: tuple[str, ...] = ("low_adherence", "low_aesthetic", "unwanted_change", "unscored")

    def open(self, context: StageContext) -> None:
        """Load the judge once per worker."""
        super().open(context)
        self.judge: Judge = load_judge(self.config.judge)

    @property
    def model_versions(self) -> dict[str, str]:
        """Version of the judge."""
        return {"judge": load_judge(self.config.judge).identity.version}

    def run(self, records: Sequence[Candidate]) -> Sequence[Kept[Candidate] | Dropped]:
        """Candidates with a verdict, or dropped with it."""
        verdicts = judge_candidates(self.judge, records, self.context)
        return [self._one(*pair) for pair in zip(records, verdicts, strict=True)]

    def _one(self, record: Candidate, verdict: Verdict) -> Kept[Candidate] | Dropped:
        judged = record.model_copy(update={"verdicts": (*record.verdicts, verdict)})
        reason = self._objection(verdict)
        return Dropped(reason, verdict.text, verdict.axes, judged) if reason else Kept((judged,))

    def _objection(self, verdict: Verdict) -> str | None:
        if not verdict.axes:
            return "unscored"
        adherence, aesthetic = adherence_of(verdict), aesthetic_of(verdict)
        if verdict.axes.get("preservation", self.config.yes_from) < self.config.yes_from:
            return "unwanted_change"
        if adherence < self.config.min_adherence:
            return "low_adherence"
        return "low_aesthetic" if aesthetic < self.config.min_aesthetic else None


class LowLevelConfig(StageConfig):
    """The check for diffuse noise in place of an edit."""

    threshold: int = 40
    min_share: float = 0.005
    """Least share of the changed pixels in their largest connected part."""


class LowLevelCheck(Stage[Candidate, Candidate, LowLevelConfig]):
    """Changes that are scattered all over are noise, not an edit (about 3 % in the paper)."""

    name: ClassVar[str] = "low_level"
    version: ClassVar[str] = "1"
    input = Candidate
    output = Candidate
    reasons: tuple[str, ...] = ("no_change", "scattered_change")

    def run(self, records: Sequence[Candidate]) -> Sequence[Kept[Candidate] | Dropped]:
        """Candidates as they are, or dropped."""
        return [self._one(record) for record in records]

    def _one(self, record: Candidate) -> Kept[Candidate] | Dropped:
        before, after = self.context.load(record.source.image), self.context.load(record.edited)
        share = largest_component_share(before, after, self.config.threshold)
        if share is None:
            return Dropped("no_change", record=record)
        if share < self.config.min_share:
            return Dropped("scattered_change", evidence={"largest_share": share}, record=record)
        return Kept((record,))


def adherence_of(verdict: Verdict) -> float:
    """NHR's adherence: everything asked for done and everything else unchanged, so the worse of the two axes where a judge has both."""
    axes: dict[str, Any] = verdict.axes
    if "adherence" in axes:
        return float(axes["adherence"])
    return float(min(axes["instruction"], axes.get("preservation", axes["instruction"])))


def aesthetic_of(verdict: Verdict) -> float:
    """NHR's aesthetic score, or the quality axis."""
    axes: dict[str, Any] = verdict.axes
    return float(axes["aesthetic"] if "aesthetic" in axes else axes["quality"])


def judge_candidates(
    judge: Judge, records: Sequence[Candidate], context: StageContext
) -> list[Verdict]:
    """One verdict a candidate; judges that take many at once get them so."""
    requests = [
        JudgeRequest(
            source=context.load(record.source.image),
            instruction=record.edit.instruction,
            edited=context.load(record.edited),
        )
        for record in records
    ]
    return judge_all(judge, requests)


def judge_all(judge: Judge, requests: Sequence[JudgeRequest]) -> list[Verdict]:
    """One verdict a request; judges that take many at once get them so."""
    many = getattr(judge, "score_many", None)
    return list(many(requests)) if many else [judge.judge(request) for request in requests]


def save_png(context: StageContext, image: RgbImage) -> ImageRef:
    """Store small pictures without loss: JPEG would cost a 32 px picture its colours."""
    height, width = image.shape[:2]
    return context.save_bytes(encode_png(image), width, height, "image/png")

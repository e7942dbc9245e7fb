"""From prompts to sources: N pictures a prompt, and a look at each (step 1b of arXiv 2507.14119)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from editloop.core.ids import content_id
from editloop.core.seeds import derive_seed
from editloop.engine.stage import Dropped, Kept, Lane, Stage, StageConfig, StageContext
from editloop.mine.nhr.gate import Gate, load_gate
from editloop.mine.nhr.records import DrawnSource, ScenePrompt
from editloop.mine.pictures import save_png
from editloop.models import load_model
from editloop.models.roles import GenerationRequest, Generator, RgbImage
from editloop.records.provenance import Step
from editloop.world.fitting import LARGEST_ERROR
from editloop.world.illustrator import ILLUSTRATOR, Illustrator


def load_generator(spec: str) -> Generator:
    """``world:illustrator``, which draws storybook prompts without weights, or any generator of `models`."""
    return Illustrator() if spec == ILLUSTRATOR else load_model("generator", spec)


class DrawConfig(StageConfig):
    """N sources a prompt."""

    generator: str = "world:tiny-generator"
    images: int = 10


class DrawSources(Stage[ScenePrompt, DrawnSource, DrawConfig]):
    """Text-to-image, `images` times a prompt.

    The pictures of one prompt are one batch whatever else is in flight: networks round differently in batches of
    another size, and a run must not depend on its timing.
    """

    name: ClassVar[str] = "draw_sources"
    version: ClassVar[str] = "1"
    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 4
    input = ScenePrompt
    output = DrawnSource

    def open(self, context: StageContext) -> None:
        """Load the generator once per worker."""
        super().open(context)
        self.generator: Generator = load_generator(self.config.generator)

    @property
    def model_versions(self) -> dict[str, str]:
        """Version of the generator."""
        return {"generator": load_generator(self.config.generator).identity.version}

    def run(self, records: Sequence[ScenePrompt]) -> Sequence[Kept[DrawnSource] | Dropped]:
        """All pictures of each prompt."""
        return [self._one(prompt) for prompt in records]

    def _one(self, prompt: ScenePrompt) -> Kept[DrawnSource]:
        seeds = [
            derive_seed(self.context.run_seed, prompt.id, self.name, number)
            for number in range(self.config.images)
        ]
        images = self.generator.generate_many(
            [GenerationRequest(prompt.prompt, seed) for seed in seeds]
        )
        pairs = zip(images, seeds, strict=True)
        return Kept(tuple(self._source(prompt, image, seed) for image, seed in pairs))

    def _source(self, prompt: ScenePrompt, image: RgbImage, seed: int) -> DrawnSource:
        identity = self.generator.identity
        step = Step(
            stage=self.name,
            version=self.version,
            model=identity.name,
            model_version=identity.version,
            prompt_hash=content_id(prompt.prompt),
            seed=seed,
            parameters={"prompt": prompt.prompt},
        )
        return DrawnSource(
            id=content_id("nhr-source", prompt.id, seed),
            prompt=prompt,
            image=save_png(self.context, image),
            seed=seed,
            licence=identity.licence,
            steps=(step,),
        )


class GateConfig(StageConfig):
    """Which gate looks at sources."""

    gate: str = "world:depicts"
    min_overall: float = 4.0
    """Least score, where the gate is a judge that gives scores."""
    max_mismatch: float = LARGEST_ERROR
    """Largest difference, 0 to 1, of an object or the background from what the prompt says, for ``world:depicts``."""

    def load(self) -> Gate:
        """The gate."""
        return load_gate(self.gate, self.min_overall, self.max_mismatch)


class PlausibilityGate(Stage[DrawnSource, DrawnSource, GateConfig]):
    """Does the picture show its prompt (prompt A.5; 56 % fell here in the paper)?"""

    name: ClassVar[str] = "gate"
    version: ClassVar[str] = "2"
    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 16
    input = DrawnSource
    output = DrawnSource
    reasons: tuple[str, ...] = ("not_as_described", "unscored")

    def open(self, context: StageContext) -> None:
        """Load the gate once per worker."""
        super().open(context)
        self.gate: Gate = self.config.load()

    @property
    def model_versions(self) -> dict[str, str]:
        """Version of the gate."""
        return {"gate": self.config.load().version}

    def run(self, records: Sequence[DrawnSource]) -> Sequence[Kept[DrawnSource] | Dropped]:
        """Sources, their edits' truth moved to what the picture shows; or dropped."""
        return [self._one(record) for record in records]

    def _one(self, record: DrawnSource) -> Kept[DrawnSource] | Dropped:
        seen = self.gate.look(record, self.context.load(record.image))
        if seen.score is None:
            return Dropped("unscored", seen.detail, record=record)
        if not seen.passed:
            return Dropped("not_as_described", seen.detail, {"score": seen.score}, record)
        return Kept((record.model_copy(update={"prompt": seen.prompt}),))

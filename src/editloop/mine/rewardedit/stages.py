"""Imperfect triplets, made or imported, and what a judge says of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from editloop.core.seeds import derive_seed
from editloop.engine.stage import Dropped, Kept, Lane, Stage, StageConfig
from editloop.mine.judging import JudgingStage
from editloop.mine.storybook import PICTURE_SIZE, CaseGroup, case_record
from editloop.records.formats import Dataset, read_dataset
from editloop.records.formats.dataset import images_of
from editloop.records.formats.reward_edit import as_rewards
from editloop.records.provenance import Step
from editloop.records.record import EditRecord
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case
from editloop.world.imperfect import imperfect_target
from editloop.world.sampling import DEFAULT_WEIGHTS, cases

RECIPE: Final = "rewardedit"
WEIGHTS: Final[dict[EditType, float]] = {
    edit_type: weight
    for edit_type, weight in DEFAULT_WEIGHTS.items()
    if not edit_type.is_dialogue and edit_type is not EditType.VISUAL
}
"""Types that a picture and a sentence tell completely, as InstructPix2Pix's triplets are."""


class MakeImperfect(Stage[CaseGroup, EditRecord, StageConfig]):
    """Draws triplets of which about a third carry a known flaw, as in the base editor's training data."""

    name: ClassVar[str] = "make_imperfect"
    version: ClassVar[str] = "1"
    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 4
    input = CaseGroup
    output = EditRecord

    def run(self, records: Sequence[CaseGroup]) -> Sequence[Kept[EditRecord] | Dropped]:
        """One triplet a case."""
        return [Kept(tuple(map(self._triplet, self._cases(group)))) for group in records]

    def _cases(self, group: CaseGroup) -> Iterator[Case]:
        seed = derive_seed(self.context.run_seed, RECIPE, group.number)
        return cases(seed, group.size, "train", weights=WEIGHTS)

    def _triplet(self, case: Case) -> EditRecord:
        seed = derive_seed(self.context.run_seed, case.id, self.name)
        target, flaw = imperfect_target(case, np.random.default_rng(seed), PICTURE_SIZE)
        return case_record(
            case,
            target,
            self.context,
            recipe=RECIPE,
            step=Step(stage=self.name, version=self.version, seed=seed),
            parameters={"flaw": flaw},
        )


class ImportConfig(StageConfig):
    """Which data set."""

    dataset: str


class ImportTriplets(Stage[EditRecord, EditRecord, ImportConfig]):
    """Brings the pictures of a data set's triplets into the run."""

    name: ClassVar[str] = "import_triplets"
    version: ClassVar[str] = "1"
    input = EditRecord
    output = EditRecord
    reasons: tuple[str, ...] = ("no_edited_image",)

    def run(self, records: Sequence[EditRecord]) -> Sequence[Kept[EditRecord] | Dropped]:
        """The records as they are."""
        return [self._one(record) for record in records]

    @cached_property
    def _dataset(self) -> Dataset:
        return read_dataset(Path(self.config.dataset))

    def _one(self, record: EditRecord) -> Kept[EditRecord] | Dropped:
        if record.target is None:
            return Dropped("no_edited_image")
        for _, image in images_of(record):
            data = self._dataset.load(image)
            self.context.save_bytes(data, image.width, image.height, image.media_type)
        return Kept((record,))


class PerspectivesConfig(StageConfig):
    """Who judges."""

    judge: str = "world:tiny-judge"


class Perspectives(JudgingStage[PerspectivesConfig]):
    """Following, preserving and quality from 0 to 5, the fault in words at the one it counts against."""

    name: ClassVar[str] = "perspectives"
    version: ClassVar[str] = "1"
    reasons: tuple[str, ...] = ("unscored",)

    @property
    def judge_spec(self) -> str:
        """As configured."""
        return self.config.judge

    def decide(self, record: EditRecord) -> Kept[EditRecord] | Dropped:
        """The verdict in RewardEdit's terms; only what cannot be judged goes."""
        verdict = record.verdicts[-1]
        rewards = as_rewards(verdict)
        if rewards is None:
            return Dropped("unscored", verdict.text, record=record)
        return Kept((record.model_copy(update={"verdicts": (*record.verdicts[:-1], rewards)}),))

"""Triplets made from accepted triplets without a new picture: inverses and compositions (arXiv 2507.14119)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import permutations
from typing import ClassVar

import numpy as np

from editloop.core.errors import UsageError
from editloop.core.ids import content_id
from editloop.core.seeds import generator
from editloop.engine.stage import Dropped, Kept, Scope, Stage, StageConfig
from editloop.mine.truth import TRUTH, truth_of
from editloop.records.provenance import Step
from editloop.records.record import EditRecord, Operation
from editloop.world.cases import Case
from editloop.world.derived import composed_case, inverse_case
from editloop.world.sampling import case_to_json


class Invert(Stage[EditRecord, EditRecord, StageConfig]):
    """Semantic inversion: beside <source, edit, edited> also <edited, inverse edit, source>.

    The words come from the case behind the triplet; a triplet without one, or whose way back no few words say, stays alone.
    """

    name: ClassVar[str] = "invert"
    version: ClassVar[str] = "1"
    input = EditRecord
    output = EditRecord

    def run(self, records: Sequence[EditRecord]) -> Sequence[Kept[EditRecord] | Dropped]:
        """Each triplet, and its inverse where there is one."""
        return [Kept((record, *self._inverses(record))) for record in records]

    def _inverses(self, record: EditRecord) -> list[EditRecord]:
        case = truth_of(record)
        if case is None or record.target is None:
            return []
        rng = generator(self.context.run_seed, record.id, self.name)
        inverse = _worded(lambda: inverse_case(case, rng))
        if inverse is None:
            return []
        step = Step(
            stage=self.name, version=self.version, parameters={TRUTH: case_to_json(inverse)}
        )
        return [
            EditRecord(
                id=content_id("nhr-inverse", record.id),
                source=record.target,
                target=record.source,
                instruction=inverse.instruction,
                edit_type=inverse.edit_type,
                parents=(record.id,),
                operation=Operation.INVERSE,
                provenance=record.provenance.with_step(step),
            )
        ]


class ComposeConfig(StageConfig):
    """How much is composed."""

    per_source: int = 2
    """Most compositions of one source, drawn from all ordered pairs of its accepted edits."""


class Compose(Stage[EditRecord, EditRecord, ComposeConfig]):
    """Bootstrap composition: of two accepted edits of one source, <first edited, undo first and do second, second edited>."""

    name: ClassVar[str] = "compose"
    version: ClassVar[str] = "1"
    scope: ClassVar[Scope] = Scope.ALL
    input = EditRecord
    output = EditRecord

    def run(self, records: Sequence[EditRecord]) -> Sequence[Kept[EditRecord] | Dropped]:
        """Every triplet, the first of a pair followed by its compositions."""
        siblings: dict[str, list[EditRecord]] = defaultdict(list)
        for record in records:
            if record.operation is Operation.ORIGINAL and record.target is not None:
                siblings[record.source.sha256].append(record)
        made: dict[str, list[EditRecord]] = defaultdict(list)
        for source in sorted(siblings):
            for composition in self._of_source(source, siblings[source]):
                made[composition.parents[0]].append(composition)
        return [Kept((record, *made[record.id])) for record in records]

    def _of_source(self, source: str, records: Sequence[EditRecord]) -> list[EditRecord]:
        rng = generator(self.context.run_seed, source, self.name)
        pairs = list(permutations(records, 2))
        made: list[EditRecord] = []
        for place in rng.permutation(len(pairs)):
            if len(made) == self.config.per_source:
                break
            first, second = pairs[place]
            made += self._composed(first, second, rng)
        return made

    def _composed(
        self, first: EditRecord, second: EditRecord, rng: np.random.Generator
    ) -> list[EditRecord]:
        cases = truth_of(first), truth_of(second)
        if cases[0] is None or cases[1] is None or first.target is None:
            return []
        before, after = cases[0], cases[1]
        case = _worded(lambda: composed_case(before, after, rng))
        if case is None:
            return []
        step = Step(stage=self.name, version=self.version, parameters={TRUTH: case_to_json(case)})
        return [
            EditRecord(
                id=content_id("nhr-composition", first.id, second.id),
                source=first.target,
                target=second.target,
                instruction=case.instruction,
                edit_type=case.edit_type,
                parents=(first.id, second.id),
                operation=Operation.COMPOSITION,
                provenance=first.provenance.with_step(step),
            )
        ]


def _worded(derive: Callable[[], Case | None]) -> Case | None:
    """A derived case, or None where the world has no way between the two pictures."""
    try:
        return derive()
    except UsageError:
        return None

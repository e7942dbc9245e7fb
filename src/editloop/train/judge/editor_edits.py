"""Edits of a real editor for the pool: the kind of picture that a judge will meet in training and benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from editloop.core.seeds import derive_seed
from editloop.models.roles import BatchEditor, EditRequest, RgbImage
from editloop.train.judge.variants import Variant
from editloop.world.cases import Case
from editloop.world.render import render

BY_EDITOR = "editor"
_BATCH = 64


@dataclass(frozen=True, slots=True)
class EditorEdits:
    """Lets `editor` edit every case `tries` times; an instance is a `pool.ExtraEdits`."""

    editor: BatchEditor
    tries: int = 4

    def __call__(self, batch: Sequence[Case], sources: Sequence[RgbImage]) -> list[list[Variant]]:
        """`tries` edits of each case, with seeds that follow from the case."""
        requests = [
            EditRequest(
                source,
                case.instruction,
                derive_seed(0, case.id, attempt),
                references=tuple(render(scene, source.shape[0]) for scene in case.references),
                context=case.context,
            )
            for case, source in zip(batch, sources, strict=True)
            for attempt in range(self.tries)
        ]
        images = [
            result.image
            for start in range(0, len(requests), _BATCH)
            for result in self.editor.edit_many(requests[start : start + _BATCH])
        ]
        made = [Variant(BY_EDITOR, image) for image in images]
        return [made[start : start + self.tries] for start in range(0, len(made), self.tries)]

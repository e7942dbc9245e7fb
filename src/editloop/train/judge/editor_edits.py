"""Edits of a real editor for the pool: the kind of picture that a judge will meet in training and benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from editloop.core.errors import UsageError
from editloop.core.seeds import derive_seed
from editloop.models import load_model
from editloop.models.roles import BatchEditor, EditRequest, RgbImage
from editloop.train.judge.pool import Pool, open_pool
from editloop.train.judge.variants import Variant
from editloop.world.cases import Case, Split
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


def editor_pool(
    spec: str, folder: Path, seed: int, count: int, split: Split, *, even: bool = False
) -> Pool:
    """As `pool.open_pool`, with the edits of an editor; each version of it has its own folder beside `folder`.

    Raises:
        UsageError: when the editor takes one picture at a time.
    """
    editor = load_model("editor", spec)
    if not isinstance(editor, BatchEditor):
        raise UsageError(f"the editor {spec!r} cannot edit several pictures at once")
    own = folder.with_name(f"{folder.name}-of-editor-{editor.identity.version}")
    return open_pool(own, seed, count, split, even=even, editor=EditorEdits(editor))

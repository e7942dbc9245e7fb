"""The stages that edit: one for single edits, one a turn for dialogues. The journal keeps each outcome, so nothing is done twice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar, Final

from editloop.bench.running.editors import edit_all, load_editor
from editloop.bench.running.items import BenchItem
from editloop.bench.running.stored import case_of, pixels_of, store_pixels
from editloop.core.errors import BadInputError
from editloop.core.seeds import derive_seed
from editloop.engine.stage import Dropped, Kept, RemoteStage, Stage, StageConfig, StageContext
from editloop.models.roles import Editor, EditRequest, EditResult, WaitingEditor

REFUSED: Final = "editor_refused"
"""The editor says that it cannot do this edit: an outcome of its own, never a zero."""


class EditConfig(StageConfig):
    """Who edits, and which turn of dialogues, from 1."""

    editor: str
    turn: int = 1


class _Editing:
    """What both kinds of editing share."""

    config: EditConfig
    context: StageContext
    reasons: tuple[str, ...] = (REFUSED,)

    @cached_property
    def editor(self) -> Editor:
        """The editor, opened on first use."""
        return load_editor(self.config.editor)

    @property
    def model_versions(self) -> dict[str, str]:
        """Version of the editor."""
        return {"editor": self.editor.identity.version}

    def _is_over(self, item: BenchItem) -> bool:
        """Whether a dialogue ended before this turn."""
        return self.config.turn > max(1, len(item.turns))

    def _request(self, item: BenchItem) -> EditRequest:
        """A turn edits the picture of the turn before, and is told what was said before."""
        turn = self.config.turn
        seed = (item.key, item.run, turn) if turn > 1 else (item.key, item.run)
        return EditRequest(
            image=pixels_of(self.context, item.turn_images[-1] if turn > 1 else item.source),
            instruction=item.turns[turn - 1] if item.turns else item.instruction,
            seed=derive_seed(self.context.run_seed, *seed),
            references=tuple(pixels_of(self.context, ref) for ref in item.reference_images),
            context=item.turns[: turn - 1],
            plan=case_of(item, turn),
        )

    def _edited(self, item: BenchItem, result: EditResult) -> Kept[BenchItem]:
        edited = store_pixels(self.context, result.image)
        turns = (*item.turn_images, edited) if item.turns else ()
        made = {"edited": edited, "turn_images": turns, "facts": result.facts}
        return Kept((item.model_copy(update=made),))

    def _refused(self, item: BenchItem, error: BadInputError) -> Dropped:
        """The end of an item; the turns that were made before are kept with it."""
        where = f"turn {self.config.turn}: " if item.turns else ""
        return Dropped(REFUSED, f"{where}{error.reason}: {error.detail}", record=item)


class Edit(_Editing, Stage[BenchItem, BenchItem, EditConfig]):
    """Asks an editor that computes on this machine, a batch at a time; outputs are kept without loss."""

    name: ClassVar[str] = "edit"
    version: ClassVar[str] = "1"
    batch_size: ClassVar[int] = 32
    input = BenchItem
    output = BenchItem

    def run(self, records: Sequence[BenchItem]) -> Sequence[Kept[BenchItem] | Dropped]:
        """Every item with its output; a refusal ends it with the editor's own reason."""
        asked = [item for item in records if not self._is_over(item)]
        try:
            results = edit_all(self.editor, [self._request(item) for item in asked])
        except BadInputError as error:
            if len(records) > 1:
                return [outcome for item in records for outcome in self.run([item])]
            return [self._refused(records[0], error)]
        made = iter([self._edited(*pair) for pair in zip(asked, results, strict=True)])
        return [Kept((item,)) if self._is_over(item) else next(made) for item in records]


class EditRemotely(_Editing, RemoteStage[BenchItem, BenchItem, EditConfig]):
    """Asks an editor behind an endpoint, many items on the way at once; how many of them are sent, its own pace decides."""

    name: ClassVar[str] = "edit"
    version: ClassVar[str] = "1"
    concurrency: ClassVar[int] = 64
    input = BenchItem
    output = BenchItem

    async def call(self, record: BenchItem) -> Kept[BenchItem] | Dropped:
        """The item with its output.

        Raises:
            ModelCallError: the endpoint did not answer, so that the next run asks again.
        """
        if self._is_over(record):
            return Kept((record,))
        editor = self.editor
        if not isinstance(editor, WaitingEditor):
            raise TypeError(f"{editor.identity.name} is no editor behind an endpoint")
        try:
            return self._edited(record, await editor.edit_async(self._request(record)))
        except BadInputError as error:
            return self._refused(record, error)


def edit_stages(editor: str, turns: int = 1) -> list[Stage[BenchItem, BenchItem, EditConfig]]:
    """The stages that edit, one a turn: on this machine, or at an endpoint."""
    here = [Edit(EditConfig(editor=editor, turn=turn)) for turn in range(1, turns + 1)]
    for stage in here[1:]:
        stage.editor = here[0].editor  # opened once
    if not isinstance(here[0].editor, WaitingEditor):
        return list(here)
    remote = [EditRemotely(stage.config) for stage in here]
    for one in remote:
        one.editor = here[0].editor
    return list(remote)

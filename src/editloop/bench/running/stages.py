"""The stages of a benchmark run: sources in, edits, verdicts. The journal keeps each outcome, so nothing is done twice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from editloop.bench.running.editors import edit_all, load_editor
from editloop.bench.running.items import BenchItem
from editloop.bench.running.judging import Oracle, load_bench_judge, verdicts_of
from editloop.core.errors import BadInputError, ModelCallError
from editloop.core.images import DECODE_REASONS, decode_image, encode_png, read_image_file
from editloop.core.seeds import derive_seed
from editloop.engine.stage import (
    Dropped,
    Kept,
    Lane,
    RemoteStage,
    Stage,
    StageConfig,
    StageContext,
)
from editloop.judges.base import Judge, JudgeRequest
from editloop.models.roles import Editor, EditRequest, EditResult, RgbImage, WaitingEditor
from editloop.records.image_ref import ImageRef
from editloop.records.taxonomy import EditType, from_paper_name
from editloop.records.verdict import Outcome, Verdict
from editloop.world.cases import Case
from editloop.world.sampling import case_from_json

REFUSED = "editor_refused"
"""The editor says that it cannot do this edit: an outcome of its own, never a zero."""


class FolderConfig(StageConfig):
    """Where images are read from."""

    folder: str


class ReadSource(Stage[BenchItem, BenchItem, FolderConfig]):
    """Takes the source image into the run folder, bytes unchanged."""

    name: ClassVar[str] = "source"
    version: ClassVar[str] = "1"
    lane: ClassVar[Lane] = Lane.THREAD
    input = BenchItem
    output = BenchItem
    reasons: tuple[str, ...] = DECODE_REASONS

    def run(self, records: Sequence[BenchItem]) -> Sequence[Kept[BenchItem] | Dropped]:
        """Every item with its source."""
        return [self._one(item) for item in records]

    def _one(self, item: BenchItem) -> Kept[BenchItem] | Dropped:
        return _stored(self.context, item, Path(self.config.folder) / item.image, "source")


class Collect(Stage[BenchItem, BenchItem, FolderConfig]):
    """Takes an output that somebody made before into the run folder."""

    name: ClassVar[str] = "collect"
    version: ClassVar[str] = "1"
    lane: ClassVar[Lane] = Lane.THREAD
    input = BenchItem
    output = BenchItem
    reasons: tuple[str, ...] = DECODE_REASONS

    def run(self, records: Sequence[BenchItem]) -> Sequence[Kept[BenchItem] | Dropped]:
        """Every item with its output."""
        folders = self.config.folder.split("\n")
        return [
            _stored(self.context, item, Path(folders[item.run]) / item.output, "edited")
            for item in records
        ]


def _stored(
    context: StageContext, item: BenchItem, path: Path, field: str
) -> Kept[BenchItem] | Dropped:
    try:
        data = read_image_file(path)
        facts = decode_image(data).facts
    except BadInputError as error:
        return Dropped(error.reason, f"{path.name}: {error.detail}")
    ref = context.save_bytes(data, facts.width_px, facts.height_px, facts.media_type)
    return Kept((item.model_copy(update={field: ref}),))


class EditConfig(StageConfig):
    """Who edits."""

    editor: str


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

    def _request(self, item: BenchItem) -> EditRequest:
        return EditRequest(
            image=_pixels(self.context, item.source),
            instruction=item.instruction,
            seed=derive_seed(self.context.run_seed, item.key, item.run),
            plan=case_of(item),
        )

    def _edited(self, item: BenchItem, result: EditResult) -> Kept[BenchItem]:
        edited = _save_png(self.context, result.image)
        return Kept((item.model_copy(update={"edited": edited, "facts": result.facts}),))

    def _refused(self, error: BadInputError) -> Dropped:
        return Dropped(REFUSED, f"{error.reason}: {error.detail}")


class Edit(_Editing, Stage[BenchItem, BenchItem, EditConfig]):
    """Asks an editor that computes on this machine, a batch at a time; outputs are kept without loss."""

    name: ClassVar[str] = "edit"
    version: ClassVar[str] = "1"
    batch_size: ClassVar[int] = 32
    input = BenchItem
    output = BenchItem

    def run(self, records: Sequence[BenchItem]) -> Sequence[Kept[BenchItem] | Dropped]:
        """Every item with its output; a refusal ends it with the editor's own reason."""
        requests = [self._request(item) for item in records]
        try:
            results = edit_all(self.editor, requests)
        except BadInputError as error:
            if len(records) > 1:
                return [outcome for item in records for outcome in self.run([item])]
            return [self._refused(error)]
        return [self._edited(item, result) for item, result in zip(records, results, strict=True)]


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
        editor = self.editor
        if not isinstance(editor, WaitingEditor):
            raise TypeError(f"{editor.identity.name} is no editor behind an endpoint")
        try:
            return self._edited(record, await editor.edit_async(self._request(record)))
        except BadInputError as error:
            return self._refused(error)


def edit_stage(editor: str) -> Edit | EditRemotely:
    """The stage that edits: on this machine, or at an endpoint."""
    config = EditConfig(editor=editor)
    here = Edit(config)
    return EditRemotely(config) if isinstance(here.editor, WaitingEditor) else here


class JudgeConfig(StageConfig):
    """Who judges, and whose names of edit types the benchmark uses."""

    judge: str
    paper: str = "imgedit"


class _Judging:
    """What both kinds of judging share."""

    config: JudgeConfig
    context: StageContext

    @cached_property
    def judge(self) -> Judge | Oracle:
        """The judge, opened on first use."""
        return load_bench_judge(self.config.judge)

    @property
    def model_versions(self) -> dict[str, str]:
        """Version of the judge."""
        return {"judge": self.judge.identity.version}

    def _request(self, item: BenchItem) -> JudgeRequest:
        return JudgeRequest(
            source=_pixels(self.context, item.source),
            instruction=item.instruction,
            edited=_pixels(self.context, item.edited),
            edit_type=edit_type_of(self.config.paper, item.group),
        )


class JudgeHere(_Judging, Stage[BenchItem, BenchItem, JudgeConfig]):
    """Asks a judge that computes on this machine."""

    name: ClassVar[str] = "judge"
    version: ClassVar[str] = "1"
    batch_size: ClassVar[int] = 16
    input = BenchItem
    output = BenchItem

    def run(self, records: Sequence[BenchItem]) -> Sequence[Kept[BenchItem] | Dropped]:
        """Every item with its verdict; one without scores is a verdict too."""
        verdicts = verdicts_of(
            self.judge,
            [self._request(item) for item in records],
            [case_of(item) for item in records],
        )
        return [
            Kept((item.model_copy(update={"verdict": verdict}),))
            for item, verdict in zip(records, verdicts, strict=True)
        ]


class JudgeInWorkers(JudgeHere):
    """The same, one copy of the judge in each worker process."""

    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 1


class JudgeRemotely(_Judging, RemoteStage[BenchItem, BenchItem, JudgeConfig]):
    """Asks a judge behind an endpoint, many items on the way at once."""

    name: ClassVar[str] = "judge"
    version: ClassVar[str] = "1"
    concurrency: ClassVar[int] = 64
    input = BenchItem
    output = BenchItem

    async def call(self, record: BenchItem) -> Kept[BenchItem] | Dropped:
        """The item with its verdict.

        Raises:
            ModelCallError: the endpoint did not answer, so that the next run asks again.
        """
        verdicts: list[Verdict] = await self.judge.judge_many([self._request(record)])  # type: ignore[union-attr]  # what `waits_for_a_service` looks for
        verdict = verdicts[0]
        if verdict.outcome is Outcome.FAILED and any(
            reason.endswith("call_failed") for reason in verdict.reasons
        ):
            raise ModelCallError(verdict.text or "the judge did not answer")
        return Kept((record.model_copy(update={"verdict": verdict}),))


def case_of(item: BenchItem) -> Case | None:
    """The storybook case of an item that has one."""
    return case_from_json(item.plan) if item.plan else None


def edit_type_of(paper: str, group: str) -> EditType | None:
    """The edit type behind a benchmark's group, where it has one."""
    try:
        return from_paper_name(paper, group) if group else None
    except KeyError:
        return None


def _pixels(context: StageContext, ref: ImageRef | None) -> RgbImage:
    if ref is None:
        raise BadInputError("unreadable", "the item has no such image")
    return context.load(ref)


def _save_png(context: StageContext, pixels: RgbImage) -> ImageRef:
    height, width = pixels.shape[:2]
    return context.save_bytes(encode_png(pixels), width, height, "image/png")

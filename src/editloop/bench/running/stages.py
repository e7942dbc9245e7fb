"""The stages around the editor: sources and outputs in, verdicts out. The journal keeps each outcome, so nothing is done twice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from editloop.bench.running.items import BenchItem
from editloop.bench.running.judging import Oracle, load_bench_judge, verdicts_of
from editloop.bench.running.stored import case_of, pixels_of, store_file
from editloop.core.errors import BadInputError, ModelCallError
from editloop.core.images import DECODE_REASONS
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
from editloop.records.taxonomy import EditType, from_paper_name
from editloop.records.verdict import Outcome, Verdict


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
        folder = Path(self.config.folder)
        try:
            source = store_file(self.context, folder / item.image)
            references = tuple(store_file(self.context, folder / name) for name in item.references)
        except BadInputError as error:
            return Dropped(error.reason, error.detail)
        found = {"source": source, "reference_images": references}
        return Kept((item.model_copy(update=found),))


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
        return [self._one(item) for item in records]

    def _one(self, item: BenchItem) -> Kept[BenchItem] | Dropped:
        folder = Path(self.config.folder.split("\n")[item.run])
        try:
            found = tuple(store_file(self.context, folder / name) for name in item.outputs)
        except BadInputError as error:
            return Dropped(error.reason, error.detail)
        turns = found if item.turns else ()
        return Kept((item.model_copy(update={"edited": found[-1], "turn_images": turns}),))


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
            source=pixels_of(self.context, item.source),
            instruction=item.instruction,
            edited=pixels_of(self.context, item.edited),
            references=tuple(pixels_of(self.context, ref) for ref in item.reference_images),
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


def edit_type_of(paper: str, group: str) -> EditType | None:
    """The edit type behind a benchmark's group, where it has one."""
    try:
        return from_paper_name(paper, group) if group else None
    except KeyError:
        return None

"""Scores arrive while the next group is still being drawn: every finished group goes to the judges at once, in threads.

A score that does not come (timeout, refusal, an endpoint that is down) is None and masks its sample; it is never a zero.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Final, Protocol, TypeAlias, TypeVar, runtime_checkable

import numpy as np

from editloop.core.config import Config
from editloop.core.errors import BudgetError, EditloopError, PrerequisiteError, UsageError
from editloop.core.ids import sha256_hex
from editloop.judges.base import BatchJudge, Judge, JudgeRequest
from editloop.models.roles import EditRequest, ModelIdentity, RgbImage
from editloop.records.verdict import OVERALL, Outcome, Verdict

Scores: TypeAlias = Mapping[str, float]
"""Axis name -> score on the judge's own scale."""
T = TypeVar("T")

_STOPS_THE_RUN: Final = (UsageError, PrerequisiteError, BudgetError)
_PASSING: Final = (EditloopError, OSError, TimeoutError)


@runtime_checkable
class RewardModel(Protocol):
    """Anything that scores edited images."""

    def score_many(
        self, requests: Sequence[EditRequest], images: Sequence[RgbImage]
    ) -> Sequence[Scores | None]:
        """One `Scores` an image, or None where it could not be scored; all of them belong to one group."""


class JudgeReward:
    """Any `Judge` as a reward: the axes of its verdicts on their own scale, and its score of the whole edit (`Verdict.overall`) as ``overall``.

    `scale` is the scale of the first scored verdict; None before it.
    """

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.scale: tuple[float, float] | None = None

    @property
    def identity(self) -> ModelIdentity:
        """The judge's."""
        return self.judge.identity

    def score_many(
        self, requests: Sequence[EditRequest], images: Sequence[RgbImage]
    ) -> list[Scores | None]:
        """The verdict on each image, in one call where the judge takes several; an unscored verdict is None.

        Raises:
            UsageError: when the judge changes its scale.
        """
        triplets = [_triplet(*pair) for pair in zip(requests, images, strict=True)]
        if isinstance(self.judge, BatchJudge):
            return [self._scores(verdict) for verdict in self.judge.score_many(triplets)]
        return [self._scores(self.judge.judge(triplet)) for triplet in triplets]

    def _scores(self, verdict: Verdict) -> Scores | None:
        if verdict.outcome is not Outcome.SCORED or verdict.overall is None:
            return None
        if self.scale not in (None, verdict.scale):
            raise UsageError(
                f"{verdict.judge} scored on {verdict.scale} after {self.scale}: one reward has one scale"
            )
        self.scale = verdict.scale
        return {**verdict.axes, OVERALL: verdict.overall}


class FunctionReward:
    """A plain function of (request, image) as a reward: a number, a dictionary of numbers, or None."""

    def __init__(self, function: Callable[[EditRequest, RgbImage], float | Scores | None]) -> None:
        self._function = function

    def score_many(
        self, requests: Sequence[EditRequest], images: Sequence[RgbImage]
    ) -> list[Scores | None]:
        """The function's values; a plain number is the axis ``overall``."""
        values = [self._function(*pair) for pair in zip(requests, images, strict=True)]
        return [
            value if value is None or isinstance(value, Mapping) else {"overall": float(value)}
            for value in values
        ]


class BusConfig(Config):
    """How patiently judges are asked."""

    timeout_s: float = 120.0
    """Longest that one call (a group) may take."""
    retries: int = 2
    """Further attempts after a call that failed."""
    retry_wait_s: float = 1.0
    """Wait before the first of them; it doubles each time."""
    concurrency: int = 1
    """Calls in flight to one judge."""
    cache_images: int = 4096
    """Scores kept by request and pixels, the least recently used dropped first."""


@dataclass
class BusCounts:
    """What the bus has done so far."""

    scored: int = 0
    missing: int = 0
    cached: int = 0
    retries: int = 0
    failed_calls: int = 0
    judge_s: float = 0.0


class RewardBus:
    """Scores groups in the background; use it as a context manager.

    Args:
        models: Name -> judge. Axes are called ``name/axis`` where there is more than one judge, else ``axis``.
        config: Timeouts, retries, concurrency.
    """

    def __init__(self, models: Mapping[str, RewardModel], config: BusConfig | None = None) -> None:
        if not models:
            raise UsageError("a reward bus needs at least one reward model")
        self._models = dict(models)
        self._config = config or BusConfig()
        self._slots = {name: asyncio.Semaphore(self._config.concurrency) for name in models}
        self._cache: OrderedDict[str, Scores] = OrderedDict()
        self.counts = BusCounts()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> RewardBus:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def submit(
        self, requests: Sequence[EditRequest], images: Sequence[RgbImage]
    ) -> Future[list[Scores | None]]:
        """Start scoring a group; the future gives one `Scores` or None an image.

        Waiting on it raises what makes going on pointless: a usage error, a missing prerequisite, a budget that is spent, or
        a bug in the judge.
        """
        return asyncio.run_coroutine_threadsafe(self._score(requests, images), self._loop)

    def as_json(self) -> dict[str, float]:
        """The counts, for the log."""
        return asdict(self.counts)

    def close(self) -> None:
        """Stop; calls in flight are abandoned."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _score(
        self, requests: Sequence[EditRequest], images: Sequence[RgbImage]
    ) -> list[Scores | None]:
        keys = [_key(*pair) for pair in zip(requests, images, strict=True)]
        wanted = [place for place, key in enumerate(keys) if key not in self._cache]
        found: dict[str, Scores] = {key: self._cache[key] for key in keys if key in self._cache}
        if wanted:
            asked = ([requests[i] for i in wanted], [images[i] for i in wanted])
            answers = await asyncio.gather(*(self._ask(name, *asked) for name in self._models))
            for row, place in enumerate(wanted):
                merged = self._merged([answer[row] for answer in answers])
                if merged is not None:
                    found[keys[place]] = merged
        self._remember(found)
        self.counts.cached += len(keys) - len(wanted)
        self.counts.scored += sum(key in found for key in keys)
        self.counts.missing += sum(key not in found for key in keys)
        return [found.get(key) for key in keys]

    async def _ask(
        self, name: str, requests: Sequence[EditRequest], images: Sequence[RgbImage]
    ) -> Sequence[Scores | None]:
        """The answer of one judge; all None when every attempt failed."""
        model, config = self._models[name], self._config
        for attempt in range(config.retries + 1):
            started = time.perf_counter()
            try:
                async with self._slots[name]:
                    call = _in_thread(lambda: model.score_many(requests, images))
                    answer = await asyncio.wait_for(asyncio.wrap_future(call), config.timeout_s)
                return _checked(name, answer, len(images))
            except _STOPS_THE_RUN:
                raise
            except _PASSING:
                if attempt < config.retries:
                    self.counts.retries += 1
                    await asyncio.sleep(config.retry_wait_s * 2**attempt)
            finally:
                self.counts.judge_s += time.perf_counter() - started
        self.counts.failed_calls += 1
        return [None] * len(images)

    def _merged(self, parts: Sequence[Scores | None]) -> Scores | None:
        if len(parts) == 1:
            return parts[0]
        merged: dict[str, float] = {}
        for name, part in zip(self._models, parts, strict=True):
            if part is None:
                return None
            merged |= {f"{name}/{axis}": value for axis, value in part.items()}
        return merged

    def _remember(self, found: Mapping[str, Scores]) -> None:
        for key, scores in found.items():
            self._cache[key] = scores
            self._cache.move_to_end(key)
        while len(self._cache) > self._config.cache_images:
            self._cache.popitem(last=False)


def _triplet(request: EditRequest, image: RgbImage) -> JudgeRequest:
    return JudgeRequest(
        source=request.image,
        instruction=request.instruction,
        edited=image,
        mask=request.mask,
        references=request.references,
        context=request.context,
        edit_type=request.edit_type,
    )


def _checked(name: str, answer: Sequence[Scores | None], count: int) -> Sequence[Scores | None]:
    if len(answer) != count:
        raise UsageError(f"reward model {name!r} gave {len(answer)} scores for {count} images")
    return [None if scores is None or not _finite(scores) else scores for scores in answer]


def _finite(scores: Scores) -> bool:
    return bool(np.isfinite(list(scores.values())).all())


def _key(request: EditRequest, image: RgbImage) -> str:
    parts = [request.image, image, *request.references]
    pixels = b"".join(str(part.shape).encode() + part.tobytes() for part in parts)
    words = "\x1f".join([request.instruction, *request.context]).encode()
    mask = b"" if request.mask is None else request.mask.tobytes()
    return sha256_hex(pixels + b"\x1e" + mask + b"\x1e" + words)


def _in_thread(function: Callable[[], T]) -> Future[T]:
    """Run in a thread of its own that does not keep the process alive: a judge may hang for ever."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits on the future
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


async def _cancel_others() -> None:
    tasks: list[asyncio.Task[Any]] = [
        task for task in asyncio.all_tasks() if task is not asyncio.current_task()
    ]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

"""Calls, tokens, money and time of a benchmark run, before anything is spent.

Prices come from the user's options alone. Tokens and seconds are those of kept replies of the same model where there are any, else
an upper estimate of the tokens, and of the seconds nothing, unless `expected_seconds` says it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final

import numpy as np

from editloop.bench.running.dialogues import DialogueStandIn, question_of
from editloop.bench.running.editing import EditRemotely
from editloop.bench.running.items import BenchItem
from editloop.bench.running.stages import JudgeRemotely, edit_type_of
from editloop.core.errors import BadInputError
from editloop.core.images import read_image_file, upright_size
from editloop.judges.base import JudgeRequest
from editloop.judges.vlm.asking import question_request
from editloop.judges.vlm.judge import RubricJudge
from editloop.models.editors.served.client import KIND as EDITS
from editloop.models.editors.served.editor import ServedEditor
from editloop.models.editors.served.wire import MOST_OUTPUT_TOKENS, estimated_input_tokens
from editloop.models.roles import EditRequest, RgbImage
from editloop.models.vlms.chat import estimated_input_tokens as estimated_question_tokens
from editloop.models.vlms.client import KIND as QUESTIONS
from editloop.models.vlms.messages import VlmRequest
from editloop.models.vlms.openai import OpenAiVlm
from editloop.models.vlms.settings import Endpoint, EndpointSettings
from editloop.store.kept_calls import sample_of_replies

UNKNOWN_SIDE: Final = 1024
"""Side of a picture that cannot be read now, pixels."""
ESTIMATED: Final = "upper estimate"


@dataclass(frozen=True, slots=True)
class CallPlan:
    """The calls of one model of a run that starts afresh; what is kept already is not asked again.

    Args:
        who: ``editor`` or ``judge``.
        model: Its name.
        calls: Number of calls.
        input_tokens: Of all calls.
        output_tokens: Of all calls.
        tokens_from: Where these two come from.
        usd: US dollars; None without a price.
        usd_from: Which price, or which option gives one.
        concurrency: Calls in flight.
        seconds_a_call: None where nobody knows.
        seconds_from: Where it comes from, or which option gives it.
        wall_seconds: Of all calls: latency, concurrency and the limit of requests a minute; None where nobody knows.
    """

    who: str
    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    tokens_from: str
    usd: float | None
    usd_from: str
    concurrency: int
    seconds_a_call: float | None
    seconds_from: str
    wall_seconds: float | None

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def editor_calls(editor: ServedEditor, items: Sequence[BenchItem], sizes: Sizes) -> CallPlan:
    """What a served editor will be asked: one call a turn."""
    settings = editor.settings

    def tokens(item: BenchItem) -> int:
        pictures = [sizes(name) for name in (item.image, *item.references)]
        words = item.turns or (item.instruction,)
        return sum(
            estimated_input_tokens(
                EditRequest(pictures[0], text, 0, references=tuple(pictures[1:]), context=words[:place]),
                settings,
            )
            for place, text in enumerate(words)
        )  # fmt: skip

    calls = sum(len(item.outputs) for item in items)
    usage = Usage(calls, sum(map(tokens, items)), calls * MOST_OUTPUT_TOKENS)
    by_picture = settings.edit_usd is not None
    return _planned(
        "editor",
        editor.endpoint,
        settings,
        (EDITS, min(EditRemotely.concurrency, settings.concurrency)),
        usage,
        lambda used: settings.price(used.calls, used.input_tokens, used.output_tokens),
        "edit_usd, a picture" if by_picture else "input_usd and output_usd, a million tokens",
        "add edit_usd=PRICE, or input_usd and output_usd, to the editor's spec",
    )


def judge_calls(
    judge: object, paper: str, items: Sequence[BenchItem], sizes: Sizes
) -> CallPlan | None:
    """What a served judge will be asked; None for a judge that is no endpoint's or no single model's.

    Args:
        judge: The judge, or who stands in for people.
        paper: Whose names of edit types the benchmark uses.
        items: What is judged.
        sizes: Sizes of pictures.
    """
    vlm = judge.vlm if isinstance(judge, DialogueStandIn | RubricJudge) else None
    if not isinstance(vlm, OpenAiVlm):
        return None
    usage = Usage()
    for item in items:
        for asked in _questions(judge, paper, item, sizes):
            encoding = asked.encoding or vlm.settings.encoding
            read = estimated_question_tokens(asked, encoding)
            usage += Usage(1, read, asked.max_tokens)
    settings = vlm.settings
    return _planned(
        "judge",
        vlm.endpoint,
        settings,
        (QUESTIONS, min(JudgeRemotely.concurrency, settings.concurrency)),
        usage,
        lambda used: settings.cost(used.input_tokens, used.output_tokens),
        "input_usd and output_usd, a million tokens",
        "add input_usd and output_usd to the judge's spec",
    )


def _questions(judge: object, paper: str, item: BenchItem, sizes: Sizes) -> list[VlmRequest]:
    """The questions about one item, with blank pictures of the right sizes."""
    source = sizes(item.image)
    if isinstance(judge, DialogueStandIn):
        pictures = [source] * (len(item.turns) + 1)
        return [VlmRequest(question_of(item.turns, pictures))]
    if not isinstance(judge, RubricJudge):
        return []
    kind = edit_type_of(paper, item.group)
    references = tuple(sizes(name) for name in item.references)
    request = JudgeRequest(source, item.instruction, source, references=references, edit_type=kind)
    return [
        question_request(judge.rubric, question, request, judge.settings, sample)
        for sample in range(judge.settings.repeats)
        for question in judge.rubric.questions_for(kind)
    ]


class Sizes:
    """Blank pictures of the size of files, read once each; of `UNKNOWN_SIDE` where a file cannot be read.

    Args:
        folder: Of the images.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, RgbImage] = {}

    def __call__(self, name: str) -> RgbImage:
        """A picture of the size of the file `name`; its pixels mean nothing and take no memory."""
        if name not in self._known:
            try:
                width, height = upright_size(read_image_file(self._folder / name))
            except BadInputError:
                width = height = UNKNOWN_SIDE
            self._known[name] = np.broadcast_to(np.uint8(0), (height, width, 3))
        return self._known[name]


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls, and the tokens of all of them."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )


def _planned(
    who: str,
    endpoint: Endpoint,
    settings: EndpointSettings,
    how: tuple[str, int],
    usage: Usage,
    price: Callable[[Usage], float | None],
    priced_by: str,
    no_price: str,
) -> CallPlan:
    kind, concurrency = how
    known: Mapping[str, Any] = {
        "kind": kind,
        "endpoint": settings.endpoint or endpoint.host,
        "model": endpoint.model,
        "revision": settings.revision,
    }
    kept = [one for one in sample_of_replies(settings.cache_file, known) if one.seconds]
    counted = [one for one in kept if one.input_tokens and one.output_tokens]
    tokens_from = ESTIMATED
    if counted:
        tokens_from = f"mean of {len(counted)} kept replies"
        means = [fmean(getattr(one, name) for one in counted) for name in ("input_tokens", "output_tokens")]  # fmt: skip
        usage = Usage(usage.calls, *(round(usage.calls * mean) for mean in means))
    seconds, seconds_from = settings.expected_seconds, "expected_seconds"
    if seconds is None and kept:
        seconds = median(one.seconds for one in kept)
        seconds_from = f"median of {len(kept)} kept replies"
    usd = price(usage)
    return CallPlan(
        who,
        f"{endpoint.model} at {endpoint.url}",
        usage.calls,
        usage.input_tokens,
        usage.output_tokens,
        tokens_from,
        None if usd is None else round(usd, 4),
        no_price if usd is None else priced_by,
        concurrency,
        seconds,
        seconds_from if seconds is not None else f"unknown: add expected_seconds=N to the {who}'s spec",
        _wall(usage.calls, seconds, concurrency, settings.requests_per_minute),
    )  # fmt: skip


def _wall(
    calls: int, seconds: float | None, concurrency: int, a_minute: float | None
) -> float | None:
    if seconds is None:
        return None
    by_latency = math.ceil(calls / concurrency) * seconds
    by_limit = calls / a_minute * 60 if a_minute else 0.0
    return round(max(by_latency, by_limit), 1)

"""Rubric judges from spec strings: ``rubric:imgedit@openai:gpt-4o``, ``rubric:viescore?repeats=4&reading=official@...``."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlencode

from pydantic import ValidationError

from editloop.core.errors import ConfigError, UsageError
from editloop.core.registry import did_you_mean
from editloop.judges.rubrics import Rubric, load_rubric, with_published_prompts
from editloop.judges.rubrics.readings import VOTE
from editloop.judges.vlm.judge import RubricJudge
from editloop.judges.vlm.pairs import Orders, PairJudge
from editloop.judges.vlm.settings import RubricSettings
from editloop.models import load_model

FORM: Final = "rubric:NAME[?option=value&...]@VLM"
EXAMPLE: Final = "rubric:imgedit@openai:gpt-4o-2024-08-06"


def rubric_judge(spec: str) -> RubricJudge:
    """The judge that ``NAME[?options]@VLM`` names; the model is reached at its first verdict.

    Args:
        spec: `NAME` is a rubric of the package or a .toml file; the options are fields of `RubricSettings`; `VLM` is a
            spec of the role ``vlm``.

    Raises:
        UsageError: the spec is incomplete, or asks for an official reading that does not exist.
        ConfigError: an option is unknown or of the wrong type.
        UnknownNameError: there is no such rubric or model.
    """
    name, query, vlm = _split(spec)
    settings = parse_settings(query)
    rubric = rubric_of(name, settings)
    if compares(rubric):
        raise UsageError(
            f"the rubric {name!r} compares two edits: give it a table of pairs (columns instruction, source, first, second)"
        )
    return RubricJudge(rubric, load_model("vlm", vlm), settings, f"rubric:{spec}")


def pair_judge(spec: str) -> PairJudge | None:
    """The judge of pairs that ``rubric:NAME[?options]@VLM`` names; None when the spec names a judge of single edits.

    Options are those of a rubric judge, and ``orders``: ``both`` or ``forward``.

    Raises:
        UsageError: the spec is incomplete, or `orders` is neither.
        ConfigError: an option is unknown or of the wrong type.
        UnknownNameError: there is no such rubric or model.
    """
    provider, _, rest = spec.partition(":")
    if provider != "rubric":
        return None
    name, query, vlm = _split(rest)
    rubric = load_rubric(name)
    if not compares(rubric):
        return None
    options = dict(parse_qsl(query, keep_blank_values=True))
    orders = options.pop("orders", "both")
    if orders not in ("both", "forward"):
        raise UsageError(f"orders is both or forward, got {orders!r}")
    settings = parse_settings(urlencode(options))
    chosen: Orders = "forward" if orders == "forward" else "both"
    return PairJudge(load_model("vlm", vlm), settings, rubric, chosen, spec)


def compares(rubric: Rubric) -> bool:
    """Whether a rubric asks about two edits at once."""
    return any(question.reading == VOTE for question in rubric.questions)


def _split(spec: str) -> tuple[str, str, str]:
    """Rubric, options, model.

    Raises:
        UsageError: one of the first and last is missing.
    """
    asked, at, vlm = spec.partition("@")
    if not at or not asked or not vlm:
        raise UsageError(f"a rubric judge is {FORM}, for example {EXAMPLE}; got 'rubric:{spec}'")
    name, _, query = asked.partition("?")
    return name, query, vlm


def rubric_of(name: str, settings: RubricSettings) -> Rubric:
    """The rubric with published words where the settings name a file of them."""
    rubric = load_rubric(name)
    return rubric if settings.prompts is None else with_published_prompts(rubric, settings.prompts)


def parse_settings(query: str) -> RubricSettings:
    """Options behind the question mark.

    Raises:
        ConfigError: an option is unknown or of the wrong type.
    """
    options = dict(parse_qsl(query, keep_blank_values=True))
    known = list(RubricSettings.model_fields)
    for option in options:
        if option not in known:
            raise ConfigError(
                f"a rubric judge has no option {option!r}{did_you_mean(option, known)} known: {', '.join(known)}"
            )
    try:
        return RubricSettings.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"option {first['loc'][0]!r}: {first['msg']}, got {first['input']!r}"
        ) from error

"""GEdit-Bench (Step1X-Edit): eleven groups in English and Chinese, judged by VIEScore's SC and PQ."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from editloop.bench.cases import BenchCase, CaseSet
from editloop.bench.parts import Parts, parts_of, read_parted_replies
from editloop.bench.replies import Replies, texts_of
from editloop.bench.results import Figures, ItemScore, Run
from editloop.bench.tasks.base import Request, figures, mean_of, notes_of
from editloop.bench.tasks.gedit_files import (
    GEditFinder,
    is_score_table,
    read_gedit_cases,
    read_score_table,
)
from editloop.bench.tasks.gedit_notes import NOT_FINITE, notes_of_script, shared_note
from editloop.bench.tasks.parted import PartedTask
from editloop.bench.tasks.unscored import plain_mean, unscored
from editloop.core.seeds import derive_seed
from editloop.judges.parsing.protocols import read_vie
from editloop.judges.parsing.reading import Reading, ReadingMode

PARTS: Final[Parts] = {
    "SC": ("sc", "sementics", "semantics", "semantic", "semantic_consistency"),
    "PQ": ("pq", "quality", "perceptual_quality"),
}
_KINDS: Final[tuple[Literal["SC"], Literal["PQ"]]] = ("SC", "PQ")
_SCALE: Final = (0.0, 10.0)
SKIPPED: Final = "missing_skipped"
"""Slip: the published script goes on without a word where an image, and so a reply, is not there."""
NEGATIVE: Final = "negative_product"
"""Reason: SC and PQ of unlike signs have no root. The script asks again; one that finds it in its table ends with an error."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What the published script makes of one case's replies."""

    sc: Reading
    pq: Reading
    settled: bool
    slips: tuple[str, ...]


class GEditBench(PartedTask):
    """VIEScore's lower sub-score of two, for consistency (SC) and quality (PQ); O is the root of their product."""

    name = "gedit"
    parts = PARTS
    title = "GEdit-Bench"
    version = "1"
    groups = (
        "background_change",
        "color_alter",
        "material_alter",
        "motion_change",
        "ps_human",
        "style_change",
        "subject-add",
        "subject-remove",
        "subject-replace",
        "text_change",
        "tone_transfer",
    )
    metrics = ("O", "SC", "PQ")
    headline = "O"
    scales: ClassVar[Mapping[str, tuple[float, float]]] = dict.fromkeys(metrics, _SCALE)
    subsets = ("fullset", "intersection")
    languages = ("en", "cn")
    needs_cases = False
    image_encoding = "jpeg-75, edited resized to the source"

    def read_cases(self, path: Path) -> CaseSet:
        """Rows of the data set: JSON, JSON lines, CSV or Parquet."""
        return read_gedit_cases(path)

    def read_replies(self, path: Path, run: int = 0) -> Replies:
        """Replies a case, or the score tables that the published script writes."""
        if is_score_table(path):
            return read_score_table(path)
        return read_parted_replies(path, PARTS, run)

    def chosen(self, request: Request) -> list[BenchCase]:
        """As `Task.chosen`; without cases those that a score table names."""
        if request.cases is None and not any(_is_row(v) for v in request.replies.values.values()):
            return super().chosen(request)
        known = request.cases or CaseSet(
            tuple(
                _case_of_row(key, row)
                for key, row in request.replies.values.items()
                if _is_row(row)
            ),
            {},
        )
        return super().chosen(replace(request, cases=known))

    def official(self, request: Request) -> Run:
        """Means as NumPy takes them: groups, then over all eleven; a group without items makes the overall undefined."""
        cases = self.chosen(request)
        find = self.finder(request.replies, cases)
        items = []
        for case in cases:
            there, value = find(case)
            items.append(
                self._official_item(case, value, request.seed)
                if there
                else replace(unscored(case, "missing", "no_reply"), slips=(SKIPPED,))
            )
        counted = [item for item in items if item.group in self.groups]
        undefined = {item.group for item in counted if item.reason == NOT_FINITE}
        found = figures(
            [item for item in counted if item.group not in undefined],
            self.metrics,
            self.groups,
            group_mean=numpy_mean,
            macro_mean=numpy_mean,
            micro_mean=plain_mean,
        )
        if undefined:
            found = {metric: replace(one, micro=None) for metric, one in found.items()}
        extra = find.unused(request)
        complete = {metric: _undefined_if_empty(one, self.groups) for metric, one in found.items()}
        notes = [
            *notes_of(items, (), request.replies, extra),
            *notes_of_script(items, complete, self.groups),
            *shared_note(request),
        ]
        return Run(
            items=tuple(items),
            figures=complete,
            extra=extra,
            notes=tuple(notes),
            stops=tuple(
                f"{item.key}: {item.reason}"
                for item in items
                if item.reason == NEGATIVE and _is_row(item.reply)
            ),
            printed=_printed(complete, self.groups),
        )

    def robust(self, request: Request) -> Run:
        """As `Task.robust`; says which replies count for several languages."""
        run = super().robust(request)
        return replace(run, notes=(*run.notes, *shared_note(request)))

    def finder(self, replies: Replies, cases: Sequence[BenchCase]) -> GEditFinder:
        """Keys alone or behind language and group."""
        return GEditFinder(replies.values, cases)

    def robust_parts(self, case: BenchCase, replies: Mapping[str, Any], value: Any) -> ItemScore:
        """As `PartedTask`."""
        means: dict[str, float] = {}
        axes: dict[str, float] = {}
        for kind in _KINDS:
            score, sub, trouble = _robust_part(replies[kind], kind)
            if score is None:
                item = unscored(case, *trouble, value)
                return replace(item, reason=f"{kind}: {item.reason}")
            means[kind] = score
            axes |= sub
        return _item(case, means["SC"], means["PQ"], axes, value)

    def _official_item(self, case: BenchCase, value: Any, seed: int) -> ItemScore:
        parts = parts_of(value, PARTS)
        if parts is None:
            return unscored(case, "failed", "no_parts", value)
        if _is_row(value) or all(_is_number(parts[kind]) for kind in _KINDS):
            return _row_item(case, value)
        texts = {kind: texts_of(parts[kind]).texts for kind in _KINDS}
        missing = [kind for kind in _KINDS if not texts[kind]]
        if missing:
            return unscored(case, "failed", f"{missing[0]}: no_reply", value)
        attempt = _as_published(texts["SC"], texts["PQ"], case.key, seed)
        slips = attempt.slips
        if not attempt.settled:
            return replace(unscored(case, "unparsable", "asked_again_forever", value), slips=slips)
        if NOT_FINITE in (attempt.sc.reason, attempt.pq.reason):
            return replace(unscored(case, "failed", NOT_FINITE, value), slips=slips)
        try:
            item = _item(case, attempt.sc.value or 0.0, attempt.pq.value or 0.0, {}, value)
        except ValueError:  # the root of a negative product stops the script, which then asks again
            return replace(unscored(case, "unparsable", NEGATIVE, value), slips=slips)
        return replace(item, slips=slips)


def numpy_mean(values: Sequence[float]) -> float:
    """The mean as NumPy sums it, which the published script prints."""
    import numpy as np

    return float(np.mean(values))


def _as_published(sc: Sequence[str], pq: Sequence[str], key: str, seed: int) -> _Attempt:
    """The script's loop over the replies at hand.

    Both questions are asked again when either reply cannot be read; from the second time on, a reply without braces
    becomes a random number. Where no second reply was kept, the last one stands for it.
    """
    slips: list[str] = []
    turns = max(len(sc), len(pq), 2)
    for turn in range(turns):
        first, second = (
            read_vie(
                texts[min(turn, len(texts) - 1)],
                kind,
                ReadingMode.OFFICIAL,
                _guess(seed, key, kind, turn) if turn else None,
            )
            for texts, kind in ((sc, _KINDS[0]), (pq, _KINDS[1]))
        )
        slips += [*first.slips, *second.slips]
        # An error inside the reading ends the turn at once; the script then begins again with the same replies.
        stopped = "odd_digits_crash" in (*first.slips, *second.slips)
        again = not stopped and "no_json" in (first.reason, second.reason)
        if not again or turn == turns - 1:
            settled = all(r.scored or r.reason == NOT_FINITE for r in (first, second))
            return _Attempt(first, second, settled, tuple(dict.fromkeys(slips)))
    raise AssertionError("the last turn returns")


def _guess(seed: int, key: str, kind: str, turn: int) -> int:
    """The number that stands for the script's unseeded draw: the same for the same seed, item and question."""
    return random.Random(derive_seed(seed, "gedit", key, kind, turn)).randint(0, 10)


def _robust_part(
    value: Any, kind: Literal["SC", "PQ"]
) -> tuple[float | None, dict[str, float], tuple[str, str]]:
    """Mean of a part over its replies, its axes, and else outcome and reason."""
    if _is_number(value):
        if _SCALE[0] <= value <= _SCALE[1]:
            return float(value), {}, ("", "")
        return None, {}, ("unparsable", "out_of_scale")
    texts = texts_of(value)
    if not texts.texts:
        return None, {}, ("failed", texts.problem or "no_reply")
    readings = [read_vie(text, kind) for text in texts.texts]
    scored = [reading for reading in readings if reading.scored]
    if not scored:
        return None, {}, (str(readings[0].outcome), readings[0].reason)
    return plain_mean([r.value or 0.0 for r in scored]), mean_of([r.axes for r in scored]), ("", "")


def _item(
    case: BenchCase, sc: float, pq: float, axes: Mapping[str, float], value: Any
) -> ItemScore:
    return ItemScore(
        case.key,
        case.group,
        case.cluster,
        metrics={"O": math.sqrt(sc * pq), "SC": sc, "PQ": pq},
        axes=axes,
        reply=value,
        instruction=" / ".join(case.instructions),
    )


def _row_item(case: BenchCase, row: Mapping[str, Any]) -> ItemScore:
    """A row of the script's own table, whose scores were read when it was written."""
    try:
        # The script's reader of tables takes an empty cell for NaN.
        sc, pq = (math.nan if row[kind] is None else float(row[kind]) for kind in _KINDS)
    except (TypeError, ValueError):
        return unscored(case, "unparsable", "not_a_score", dict(row))
    if not (math.isfinite(sc) and math.isfinite(pq)):
        return replace(unscored(case, "failed", NOT_FINITE, dict(row)), slips=(NOT_FINITE,))
    if sc * pq < 0:
        return unscored(case, "unparsable", NEGATIVE, dict(row))
    return _item(case, sc, pq, {}, dict(row))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_row(value: Any) -> bool:
    return isinstance(value, Mapping) and "instruction_language" in value and "SC" in value


def _case_of_row(key: str, row: Mapping[str, Any]) -> BenchCase:
    return BenchCase(
        key,
        str(row.get("group", "")),
        (str(row.get("instruction", "")),),
        str(row.get("source_image", "")),
        str(row.get("instruction_language", "")),
        bool(row.get("intersection_exist", True)),
    )


def _undefined_if_empty(found: Figures, groups: Sequence[str]) -> Figures:
    return found if set(groups) <= set(found.groups) else replace(found, macro=None)


def _printed(found: Mapping[str, Figures], groups: Sequence[str]) -> dict[str, str]:
    """The script's lines: SC, PQ and O of every group, then of the average."""

    def three(values: Sequence[float | None]) -> str:
        return ", ".join("nan" if value is None else f"{value:.3f}" for value in values)

    order = ("SC", "PQ", "O")
    lines = {
        group: three([found[metric].groups.get(group) for metric in order]) for group in groups
    }
    return lines | {"Average": three([found[metric].macro for metric in order])}

"""Real-Edit (Multi-Reward as Condition, arXiv 2411.04713): 80 images times seven types, three questions a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from editloop.bench.cases import BenchCase, CaseSet, read_objects
from editloop.bench.parts import Parts, parts_of, read_parted_replies
from editloop.bench.replies import Replies, texts_of
from editloop.bench.results import Figures, ItemScore, Run
from editloop.bench.tasks.base import ReplyFinder, Request, figures, mean_of, notes_of
from editloop.bench.tasks.parted import PartedTask
from editloop.bench.tasks.unscored import unscored
from editloop.core.errors import UsageError
from editloop.judges.parsing.protocols import read_mrc
from editloop.judges.parsing.reading import Reading, ReadingMode

PARTS: Final[Parts] = {
    "following": ("follow", "follow_score", "instruction"),
    "preserving": (
        "consistent",
        "keep",
        "keep_detail",
        "preserve",
        "consistency",
        "detail_preserving",
    ),
    "quality": ("clear", "generation_quality", "qua"),
}
_PERSPECTIVES: Final[dict[str, Literal["following", "consistent", "clear"]]] = {
    "following": "following",
    "preserving": "consistent",
    "quality": "clear",
}
AXES: Final = tuple(PARTS)


class RealEditBench(PartedTask):
    """Yes-rate ("accuracy", here a share of 1) and mean score of 0 to 5 for following, preserving and quality."""

    name = "real-edit"
    parts = PARTS
    title = "Real-Edit"
    version = "1"
    groups = ("Local", "Remove", "Add", "Texture", "Background", "Global", "Style")
    metrics = (
        "overall",
        "overall_accuracy",
        *(name for axis in AXES for name in (axis, f"{axis}_accuracy")),
    )
    headline = "overall"
    scales: ClassVar[Mapping[str, tuple[float, float]]] = {
        name: (0.0, 1.0) if name.endswith("accuracy") else (0.0, 5.0) for name in metrics
    }
    needs_cases = False
    image_encoding = "jpeg, height 512"

    def read_cases(self, path: Path) -> CaseSet:
        """Image -> list of ``Type. n: instruction``; the n-th line of an image is the case ``image#n``, from 0.

        As in the published script the type is what stands before the first full stop, and the instruction what stands
        behind the last colon and space.
        """
        content = read_objects(path)
        if not isinstance(content, dict):
            raise UsageError(
                f"{path} holds a {type(content).__name__}, expected an object: image -> list of 'Type. n: instruction'"
            )
        cases, dropped = [], 0
        for image, lines in content.items():
            if not isinstance(lines, list):
                dropped += 1
                continue
            for place, line in enumerate(lines):
                if not isinstance(line, str):
                    dropped += 1
                    continue
                words = line.rpartition(": ")[2] if ": " in line else line
                cases.append(BenchCase(f"{image}#{place}", line.partition(".")[0], (words,), image))
        return CaseSet(tuple(cases), {"no text": dropped} if dropped else {})

    def read_replies(self, path: Path, run: int = 0) -> Replies:
        """Three replies a case, in any layout of `read_parted_replies`."""
        return read_parted_replies(path, PARTS, run)

    def finder(self, replies: Replies, cases: Sequence[BenchCase]) -> ReplyFinder:
        """``image#n``, also spelt ``image_n``, ``image/n`` or ``image-n``."""
        return _RealEditFinder(replies.values, cases)

    def official(self, request: Request) -> Run:
        """The script's six figures: every yes counts, a score only while all before it could be read."""
        cases = self.chosen(request)
        find = self.finder(request.replies, cases)
        items = [self._official_item(case, find(case)) for case in cases]
        extra = find.unused(request)
        found = dict(figures(items, self.metrics, self.groups))
        overall = [
            _mean_of_axes([found[f"{axis}{end}"].micro for axis in AXES])
            for end in ("", "_accuracy")
        ]
        found["overall"] = replace(found["overall"], micro=overall[0])
        found["overall_accuracy"] = replace(found["overall_accuracy"], micro=overall[1])
        return Run(
            items=tuple(items),
            figures=found,
            extra=extra,
            notes=(*notes_of(items, self.groups, request.replies, extra), *_notes(items)),
            printed=_printed(found),
        )

    def _official_item(self, case: BenchCase, found: tuple[bool, Any]) -> ItemScore:
        there, value = found
        if not there:
            return unscored(case, "missing", "no_reply")
        parts = parts_of(value, PARTS) or {}
        texts = {axis: _one_text(parts.get(axis)) for axis in AXES}
        silent = [axis for axis in AXES if texts[axis] is None]
        if silent:  # the script leaves the whole case out when one of the three calls gave nothing
            return unscored(case, "failed", f"{silent[0]}: no_reply", value)
        metrics: dict[str, float] = {}
        slips: list[str] = []
        for axis, perspective in _PERSPECTIVES.items():
            reading = read_mrc(texts[axis], perspective, ReadingMode.OFFICIAL)
            metrics[f"{axis}_accuracy"] = float(reading.flags[perspective])
            slips += reading.slips
            if not reading.scored:
                return replace(
                    unscored(case, "unparsable", f"{axis}: {reading.reason}", value),
                    metrics=metrics,
                    slips=tuple(dict.fromkeys(slips)),
                )
            metrics[axis] = float(reading.value or 0.0)
        return ItemScore(
            case.key,
            case.group,
            case.cluster,
            metrics=_with_overall(metrics),
            slips=tuple(dict.fromkeys(slips)),
            reply=value,
            instruction=" / ".join(case.instructions),
        )

    def robust_parts(self, case: BenchCase, replies: Mapping[str, Any], value: Any) -> ItemScore:
        """The questions are independent: one that cannot be read costs its own axis, and the overall."""
        metrics: dict[str, float] = {}
        trouble: tuple[str, str] | None = None
        for axis in AXES:
            found_here, problem = _robust_axis(replies[axis], axis)
            metrics |= found_here
            trouble = trouble or problem
        item = ItemScore(
            case.key,
            case.group,
            case.cluster,
            metrics=_with_overall(metrics),
            reply=value,
            instruction=" / ".join(case.instructions),
        )
        return item if trouble is None else replace(item, outcome=trouble[0], reason=trouble[1])


class _RealEditFinder(ReplyFinder):
    def __call__(self, case: BenchCase) -> tuple[bool, Any]:
        image, _, place = case.key.rpartition("#")
        words = f"{image}/{case.instructions[0] if case.instructions else place}"
        for name in (case.key, words, *(f"{image}{mark}{place}" for mark in "_/-:")):
            if name in self._values:
                self._used.add(name)
                return True, self._values[name]
        return super().__call__(case)


def _robust_axis(value: Any, axis: str) -> tuple[dict[str, float], tuple[str, str] | None]:
    texts = texts_of(value)
    if not texts.texts:
        return {}, ("failed", f"{axis}: {texts.problem or 'no_reply'}")
    readings = [read_mrc(text, _PERSPECTIVES[axis]) for text in texts.texts]
    scored = [_axis_metrics(reading, axis) for reading in readings if reading.scored]
    if not scored:
        return {}, (str(readings[0].outcome), f"{axis}: {readings[0].reason}")
    return mean_of(scored), None


def _axis_metrics(reading: Reading, axis: str) -> dict[str, float]:
    found = {axis: float(reading.value or 0.0)}
    if reading.flags:
        found[f"{axis}_accuracy"] = float(next(iter(reading.flags.values())))
    return found


def _with_overall(metrics: dict[str, float]) -> dict[str, float]:
    for name, end in (("overall", ""), ("overall_accuracy", "_accuracy")):
        values = [metrics[f"{axis}{end}"] for axis in AXES if f"{axis}{end}" in metrics]
        if len(values) == len(AXES):
            metrics[name] = sum(values) / len(values)
    return metrics


def _printed(found: Mapping[str, Figures]) -> dict[str, str]:
    """The script's one line, with its own names."""
    line = {"num": str(found["following"].scored)}
    for axis, name in zip(AXES, ("follow", "keep", "qua"), strict=True):
        for metric, end in ((f"{axis}_accuracy", "yn"), (axis, "score")):
            value = found[metric].micro
            line[f"{name}_{end}"] = "division by zero" if value is None else f"{value:.2f}"
    return line


def _mean_of_axes(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(AXES) else None


def _one_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    texts = texts_of(value).texts
    return texts[0] if texts else None


def _notes(items: Sequence[ItemScore]) -> list[str]:
    halves = sum("flag_without_score" in item.slips for item in items)
    if not halves:
        return []
    return [
        f"in {halves} cases a yes or no was counted and its score was not: accuracy and score have unequal denominators"
    ]

"""ImgEdit-Bench (arXiv 2505.20275): nine types of single edits, and UGE, the hard single turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

from editloop.bench.cases import BenchCase, CaseSet, keyed_cases
from editloop.bench.results import ItemScore, Run
from editloop.bench.tasks.base import Cap, Request, Task, figures, notes_of, of_readings
from editloop.bench.tasks.unscored import plain_mean, unscored
from editloop.judges.parsing.official import read_lines
from editloop.judges.parsing.protocols import IMGEDIT_AXES, capped, read_imgedit, read_uge
from editloop.judges.parsing.reading import Reading
from editloop.records.taxonomy import from_paper_name, paper_name

SCALE: Final = (1.0, 5.0)


def rounded_mean(values: Sequence[float]) -> float:
    """The mean as the published scripts round it."""
    return round(sum(values) / len(values), 2)


class ImgEditBench(Task):
    """The basic suite: 737 released cases (734 in the paper), three axes of 1 to 5 each."""

    name = "imgedit"
    title = "ImgEdit-Bench basic"
    version = "1"
    groups: ClassVar[tuple[str, ...]] = (
        "add",
        "adjust",
        "extract",
        "replace",
        "remove",
        "background",
        "style",
        "compose",
        "action",
    )
    scales: ClassVar[Mapping[str, tuple[float, float]]] = {"score": SCALE}
    image_encoding = "png"
    expected_lines: ClassVar[int] = 3

    def read_cases(self, path: Path) -> CaseSet:
        """`basic_edit.json`."""
        return keyed_cases(path)

    def official(self, request: Request) -> Run:
        """Mean of the numbers found in a reply, rounded; mean of a type's items, rounded; no overall is computed.

        The macro mean here is that of the rounded types, as published tables compute it; neither overall is rounded.
        """
        cases = {case.key: case for case in self.chosen(request)}
        items: list[ItemScore] = []
        extra: list[str] = []
        stops: list[str] = []
        for key, value in request.replies.values.items():
            case = cases.pop(key, None)
            item, stop = self._official_item(case or BenchCase(key, ""), value)
            stops += [stop] if stop else []
            if case is None:
                extra.append(key)
            else:
                items.append(item)
        items += [unscored(case, "missing", "no_reply") for case in cases.values()]
        return self._official_run(request, items, tuple(extra), tuple(stops))

    def _official_run(
        self,
        request: Request,
        items: Sequence[ItemScore],
        extra: tuple[str, ...],
        stops: tuple[str, ...],
    ) -> Run:
        typed = [item for item in items if item.group]
        return Run(
            items=tuple(items),
            figures=figures(typed, self.metrics, group_mean=rounded_mean, macro_mean=plain_mean),
            extra=extra,
            stops=stops,
            notes=(*notes_of(items, self.groups, request.replies, extra), *stop_notes(stops)),
        )

    def _official_item(self, case: BenchCase, value: Any) -> tuple[ItemScore, str]:
        """The item, and why the script would end here (empty when it would not)."""
        reading = read_lines(value, self.expected_lines, SCALE)
        item = of_readings(case, [reading], value_as_score, self.headline)
        if reading.scored and not case.group and self.needs_cases:
            item = unscored(case, "failed", "no_edit_type")
        item = replace(
            item, reply=value, instruction=" / ".join(case.instructions), slips=reading.slips
        )
        return item, f"{case.key}: {_why(value)}" if reading.reason == "script_crash" else ""

    def robust_item(self, case: BenchCase, texts: Sequence[str], cap: Cap) -> ItemScore:
        """Three axes by their labels, all or none."""
        edit_type = _benchmark_type(case.group)
        if edit_type is None:
            return unscored(case, "unparsable", "unknown_type")
        readings = [read_imgedit(text, edit_type) for text in texts]
        broken = _breaks_cap(readings)
        if cap == "enforced":
            readings = [
                capped(reading, next(iter(reading.axes))) if reading.scored else reading
                for reading in readings
            ]
        item = of_readings(case, readings, value_as_score, self.headline)
        return replace(item, slips=("cap_broken",)) if broken else item


class ImgEditUge(ImgEditBench):
    """UGE: 47 hard single turns, one score of 1 to 5; its script never looks at the cases."""

    name = "uge"
    title = "ImgEdit-Bench UGE"
    groups = ()
    needs_cases = False
    expected_lines = 1

    def robust_item(self, case: BenchCase, texts: Sequence[str], cap: Cap) -> ItemScore:
        """One score."""
        del cap  # a single score has nothing to cap
        return of_readings(case, [read_uge(text) for text in texts], value_as_score, self.headline)

    def official(self, request: Request) -> Run:
        """Mean of every reply that could be read, whether or not it belongs to a case, rounded."""
        cases = {case.key: case for case in self.chosen(request)}
        items, stops, extra = [], [], []
        for key, value in request.replies.values.items():
            case = cases.pop(key, None)
            if case is None:
                extra.append(key)
            item, stop = self._official_item(case or BenchCase(key, ""), value)
            items.append(item)
            stops += [stop] if stop else []
        items += [unscored(case, "missing", "no_reply") for case in cases.values()]
        counted = ["replies of no case were counted, as the published script does"]
        return Run(
            items=tuple(items),
            figures=figures(items, self.metrics, micro_mean=rounded_mean, group_mean=rounded_mean),
            extra=tuple(extra),
            stops=tuple(stops),
            notes=(
                *notes_of(items, (), request.replies, extra if request.cases else ()),
                *stop_notes(stops),
                *(counted if extra and request.cases else []),
            ),
        )


def value_as_score(reading: Reading) -> dict[str, float]:
    """The item's score as the protocol made it."""
    return {"score": float(reading.value or 0.0)}


def stop_notes(stops: Sequence[str]) -> list[str]:
    """What to say about replies at which a published script ends with an error."""
    if not stops:
        return []
    where = f"{len(stops)} replies (first: {stops[0]})"
    return [f"the published script stops with an error at {where}; these figures are of the others"]


def _benchmark_type(group: str) -> str | None:
    """ImgEdit-Bench's own key of a type that may be called by the paper's name (``hybrid``, ``alter``, ``motion``)."""
    if group in IMGEDIT_AXES:
        return group
    try:
        name = paper_name("imgedit", from_paper_name("imgedit", group))
    except KeyError:
        return None
    return name if name in IMGEDIT_AXES else None


def _breaks_cap(readings: Sequence[Reading]) -> bool:
    """Whether a later score stands above the first although the prompt forbids it."""
    scores = [list(reading.axes.values()) for reading in readings if reading.scored]
    return any(max(row) > row[0] for row in scores)


def _why(value: Any) -> str:
    if isinstance(value, str):
        return "digits that cannot be converted"
    return f"{'null' if value is None else f'a {type(value).__name__}'} instead of text"

"""The pages of a leaderboard, filled from results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from editloop.bench.cases import BenchCase
    from editloop.bench.results import BenchResult, ItemScore
    from editloop.bench.table import Cell, LeaderTable
    from editloop.models.roles import RgbImage
    from editloop.report.board import Board, BoardCase, Figure

PICTURE_PX = 320
PICTURED = 40
"""Cases of an editor that are shown with pictures: from both ends."""
ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
DIALOGUES = "multi-turn"


def ranks(places: tuple[int, int]) -> str:
    """``1`` or ``1-3``."""
    return str(places[0]) if places[0] == places[1] else f"{places[0]}-{places[1]}"


def write_pages(
    table: LeaderTable, results: Sequence[BenchResult], out: Path, pictures: CasePictures
) -> Path:
    """Write the leaderboard's page and one of cases for every editor."""
    from editloop.report.leaderboard import write_board

    return write_board(board_of(table, results, pictures), out)


def board_of(table: LeaderTable, results: Sequence[BenchResult], pictures: CasePictures) -> Board:
    """The table with its cases as the page takes it."""
    from editloop.bench.table import LEVEL
    from editloop.report.board import Board, BoardRow, PairLine

    by_name = {result.editor: result for result in results}
    context = table.context
    rows = []
    for row in table.rows:
        note = ", ".join(f"{count} {outcome}" for outcome, count in sorted(row.unscored.items()))
        if row.across_runs:
            low, high = row.across_runs.low, row.across_runs.high
            note = "; ".join(
                part for part in (f"{row.runs} runs: {low:.2f} to {high:.2f}", note) if part
            )
        rows.append(
            BoardRow(
                name=row.editor,
                ranks=ranks(row.ranks),
                overall=_figure(row.macro),
                by_item=_figure(row.micro),
                groups=tuple(_figure(row.groups.get(group)) for group in table.groups),
                scored=row.n_scored,
                total=row.n,
                note=note,
                cases=_cases(by_name[row.editor], table, pictures),
            )
        )
    return Board(
        title=f"{table.title}: {len(rows)} editors",
        lead=f"{rows[0].total} cases, {context.protocol} reading, judged by {context.judge or 'a judge nobody noted down'}.",
        metric=table.metric,
        scale=table.scale,
        groups=table.groups,
        rows=rows,
        pairs=[
            PairLine(
                pair.better,
                pair.worse,
                _figure_of(pair.difference),
                pair.p_value,
                pair.effect_size,
                pair.detectable,
                pair.n,
                pair.p_value <= LEVEL,
            )
            for pair in table.pairs
        ],
        published=published(context.task, context.subset),
        facts={
            field.replace("_", " "): str(value) if value not in ("", 0) else "not recorded"
            for field, value in context.model_dump().items()
            if field != "subset" or value
        },
        notes=table.notes,
    )


def published(task: str, subset: str) -> list[Any]:
    """Published tables of the same benchmark and subset."""
    from editloop.bench.reference import published_tables
    from editloop.report.board import PublishedBlock

    return [
        PublishedBlock(
            title=table.id,
            judge=table.judge,
            source=table.source,
            columns=(
                *(table.rows[0].figures),
                *(("overall",) if table.rows[0].overall is not None else ()),
            ),
            rows=tuple(
                (
                    row.model,
                    *(f"{value:.2f}" for value in row.figures.values()),
                    *((f"{row.overall:g}",) if row.overall is not None else ()),
                )
                for row in table.rows
            ),
            note=table.note,
        )
        for table in published_tables()
        if table.task == task and (not subset or not table.subset or table.subset == subset)
    ]


class CasePictures:
    """Source and output images of cases, small, where there are any.

    Args:
        task: Name of the benchmark, which decides how its outputs are called.
        subset: Language and subset of the results.
        sources: Folder of source images.
        outputs: Editor -> folder of its outputs.
    """

    def __init__(
        self, task: str, subset: str, sources: Path | None, outputs: Mapping[str, Path]
    ) -> None:
        self._task = task
        self._language = subset.partition("/")[0]
        self._sources = sources
        self._outputs = outputs

    def source(self, item: ItemScore) -> RgbImage | None:
        """The image before the edit."""
        from editloop.bench.running.items import source_name

        if self._sources is None or not item.image:
            return None
        return _inside(self._sources, source_name(self._task, self._case(item), self._sources))

    def edited(self, editor: str, item: ItemScore) -> list[RgbImage]:
        """What `editor` made of a case: one image, or of a dialogue that of every turn up to its end."""
        from editloop.bench.running.items import output_name, turn_name

        folder = self._outputs.get(editor)
        if folder is None:
            return []
        if self._task != DIALOGUES:
            found = _any_ending(folder, output_name(self._task, self._case(item)))
            return [] if found is None else [found]
        turns: list[RgbImage] = []
        while (made := _any_ending(folder, turn_name(item.key, len(turns) + 1))) is not None:
            turns.append(made)
        return turns

    def _case(self, item: ItemScore) -> BenchCase:
        from editloop.bench.cases import BenchCase

        return BenchCase(
            item.key, item.group, (item.instruction,), item.image, language=self._language
        )


def _cases(result: BenchResult, table: LeaderTable, pictures: CasePictures) -> list[BoardCase]:
    from editloop.report.board import BoardCase

    items = result.runs[0].items
    scored = sorted(
        (i for i in items if table.metric in i.metrics), key=lambda i: i.metrics[table.metric]
    )
    pictured = {item.key for item in (*scored[: PICTURED // 2], *scored[-PICTURED // 2 :])}
    made = {
        item.key: pictures.edited(result.editor, item) for item in items if item.key in pictured
    }
    return [
        BoardCase(
            key=item.key,
            group=item.group,
            instruction=item.instruction,
            score=item.metrics.get(table.metric),
            outcome=item.outcome,
            reason=item.reason,
            axes=tuple(item.axes.items())
            or tuple((k, round(v, 3)) for k, v in item.metrics.items()),
            slips=item.slips,
            reply=reply_text(item.reply),
            spread=max(item.repeats) - min(item.repeats) if len(item.repeats) > 1 else None,
            source=pictures.source(item) if item.key in pictured else None,
            edited=next(iter(made.get(item.key, [])[-1:]), None),
            between=tuple(made.get(item.key, [])[:-1]),
        )
        for item in items
    ]


def reply_text(reply: Any) -> str:
    """A kept reply as people read it: text as it is, several under numbers, anything else as JSON."""
    if reply is None:
        return ""
    if isinstance(reply, str):
        return reply
    if isinstance(reply, list) and all(isinstance(part, str) for part in reply):
        return "\n\n".join(f"[{number}] {part}" for number, part in enumerate(reply, start=1))
    if isinstance(reply, dict) and all(isinstance(part, str) for part in reply.values()):
        return "\n\n".join(f"[{name}] {part}" for name, part in reply.items())
    return json.dumps(reply, indent=1)


def _any_ending(folder: Path, name: str) -> RgbImage | None:
    """The picture called `name` in a folder, whatever the ending of its file."""
    for ending in ENDINGS:
        found = _inside(folder, f"{name.removesuffix('.png')}{ending}")
        if found is not None:
            return found
    return None


def _inside(folder: Path, name: str) -> RgbImage | None:
    """The picture `name` of a folder; None for a name that leads out of it, since results may come from anybody."""
    from editloop.bench.running.items import leaves_folder

    path = folder / name
    return None if leaves_folder(name) or not path.is_file() else _picture(path)


def _picture(path: Path) -> RgbImage | None:
    """A small version of an image file, or None where it cannot be read."""
    import numpy as np
    from PIL import Image

    from editloop.core.errors import EditloopError
    from editloop.core.images import decode_image, read_image_file

    try:
        pixels = decode_image(read_image_file(path)).pixels
    except (EditloopError, OSError):
        return None
    image = Image.fromarray(pixels)
    image.thumbnail((PICTURE_PX, PICTURE_PX))
    return np.asarray(image)


def _figure(cell: Cell | None) -> Figure:
    from editloop.report.board import Figure

    return Figure(cell.value, cell.low, cell.high) if cell else Figure(None)


def _figure_of(interval: Any) -> Figure:
    from editloop.report.board import Figure

    return Figure(interval.value, interval.low, interval.high)

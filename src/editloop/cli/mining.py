"""`editloop loop` and `editloop mine`: run the recipe, then write summary, exports and report."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import typer

from editloop.cli.progress import PipelineProgress, say
from editloop.core.errors import StoreError
from editloop.core.log import ProgressDisplay

if TYPE_CHECKING:
    from editloop.engine.result import RunResult
    from editloop.mine.base_recipe import MiningRecipe
    from editloop.records.record import EditRecord
    from editloop.report import ReportInput


class MiningRequest(NamedTuple):
    """What the command line asked for."""

    photos: Path | None
    out: Path
    seed: int
    limit: int | None
    workers: int | None
    config: Path | None
    overrides: tuple[str, ...]
    recipe: str = "photos"


class Mined(NamedTuple):
    """What came of it."""

    summary: dict[str, Any]
    page: Path


def resolve_recipe(
    name: str, config: Path | None, overrides: tuple[str, ...], seed: int
) -> MiningRecipe:
    """A recipe's settings: defaults, then the file, then ``--set``."""
    from editloop.core.config import load_config
    from editloop.mine.recipe import recipe_named

    return load_config(recipe_named(name), config, [*overrides, f"seed={seed}"])


def run_mining(request: MiningRequest, exports: tuple[str, ...], *, as_json: bool) -> None:
    """Mine, then print what came of it."""
    mined = mine_photos(request, exports)
    if as_json:
        typer.echo(json.dumps(mined.summary, indent=2))
    else:
        print_summary(mined)


def mine_photos(
    request: MiningRequest, exports: tuple[str, ...], links: Mapping[str, str] | None = None
) -> Mined:
    """Run, then write ``summary.json``, exports and report.

    Args:
        request: What was asked for.
        exports: Names of layouts.
        links: Label -> relative address of other pages, for the report.
    """
    from editloop.engine import run_pipeline
    from editloop.engine.stage import output_id
    from editloop.models.fetch import fetch_assets
    from editloop.report import write_report

    started = time.perf_counter()
    recipe = resolve_recipe(request.recipe, request.config, request.overrides, request.seed)
    fetch_assets(recipe.asset_names)
    inputs = recipe.inputs(request.photos, request.limit)
    say(f"{len(inputs)} {recipe.input_name} -> {request.out}")
    with ProgressDisplay("mining") as display:
        result = run_pipeline(
            recipe.stages(),
            inputs,
            run_dir=request.out,
            run_seed=recipe.seed,
            workers=request.workers,
            config=recipe.model_dump(mode="json"),
            progress=PipelineProgress(display, recipe.time_shares),
        )
    with result:
        records = cast("list[EditRecord]", list(result.records()))
        for layout in exports:
            manifest = _export(records, result, request.out, layout)
            say(f"exported {manifest} triplets as {layout}")
        say("writing the report")
        names = {output_id(record): recipe.label(record) for record in inputs}
        facts = recipe.facts(result, records)
        seconds = time.perf_counter() - started
        page_input = report_input(result, records, recipe, names, facts, seconds)
        page = write_report(replace(page_input, links=links or {}), request.out)
        summary = summarise(result, records, time.perf_counter() - started) | facts
    write_json(request.out / "summary.json", summary)
    return Mined(summary, page)


def summarise(result: RunResult, records: list[EditRecord], seconds: float) -> dict[str, Any]:
    """What ``summary.json`` holds."""
    return {
        "accepted": len(records),
        "by_type": dict(sorted(Counter(str(r.kind) for r in records).items())),
        "dropped": sum(sum(count.dropped.values()) for count in result.counts),
        "failed": sum(count.failed for count in result.counts),
        "seconds": round(seconds, 1),
        "computed": result.computed,
        "stages": [count.as_json() for count in result.counts],
    }


def _export(records: Iterable[EditRecord], result: RunResult, out: Path, layout: str) -> int:
    from editloop.records.formats import export

    return export(records, result.images.load_bytes, out / "export" / layout, layout).records


def report_input(
    result: RunResult,
    records: list[EditRecord],
    recipe: MiningRecipe,
    names: Mapping[str, str],
    facts: Mapping[str, Any],
    seconds: float,
) -> ReportInput:
    """The page of a run: its accepted triplets in a mixed but fixed order, and everything that was turned away.

    Args:
        result: The finished run.
        records: Its accepted triplets.
        recipe: What was run.
        names: Input id -> what people call it, for inputs that never became a triplet.
        facts: Figures of the recipe.
        seconds: Wall time.
    """
    from editloop.cli.viewing import as_text, run_facts
    from editloop.records.record import EditRecord
    from editloop.report import Failure, RejectedRecord, ReportInput, StageCounts

    rejected, failures = [], []
    for reject in result.rejected():
        label = names.get(reject.record_id) or reject.detail.partition(":")[0] or reject.record_id
        if reject.failed:
            failures.append(Failure(label, reject.stage, reject.reason, reject.detail))
            continue
        record = reject.record if isinstance(reject.record, EditRecord) else None
        rejected.append(
            RejectedRecord(
                record, label, reject.stage, reject.reason, reject.detail, reject.evidence
            )
        )
    return ReportInput(
        title=recipe.title,
        records=mixed(records),
        load=result.images.load_bytes,
        rejected=rejected,
        stages=[
            StageCounts(
                name=count.name,
                lane=str(stage.lane),
                received=count.taken,
                kept=count.kept,
                produced=count.out,
                dropped=count.dropped,
                failed=count.failed,
                replayed=count.replayed,
                seconds=count.seconds,
            )
            for stage, count in zip(recipe.stages(), result.counts, strict=True)
        ],
        failures=failures,
        seconds=seconds,
        facts=run_facts(result.run_dir) | {name: as_text(value) for name, value in facts.items()},
        unavailable=recipe.unavailable,
    )


def mixed(records: list[EditRecord]) -> list[EditRecord]:
    """`records` in a fixed shuffled order, the turns of a dialogue side by side."""
    groups: dict[str, list[EditRecord]] = {}
    for record in records:
        groups.setdefault(record.turn.dialogue_id if record.turn else record.id, []).append(record)
    order = sorted(groups)
    random.Random(0).shuffle(order)
    return [
        r for key in order for r in sorted(groups[key], key=lambda r: r.turn.turn if r.turn else 0)
    ]


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a file that people and programs read, whole or not at all.

    Raises:
        StoreError: when the disk refuses.
    """
    temporary = path.with_suffix(".tmp")
    try:
        temporary.write_text(json.dumps(value, indent=2) + "\n", "utf-8")
        temporary.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error


def print_summary(mined: Mined) -> None:
    """The counts, for people."""
    summary = mined.summary
    typer.echo(
        f"{summary['accepted']} accepted, {summary['dropped']} dropped, {summary['failed']} failed "
        f"in {summary['seconds']:.0f} s"
    )
    for kind, count in summary["by_type"].items():
        typer.echo(f"  {kind:24} {count:5}")
    typer.echo(f"report: {mined.page}")

"""`editloop train`: fine-tune an editor on triplets, plainly or under reward conditions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from editloop.cli.training_page import (
    PICTURE_STEPS,
    TrainingPage,
    example_edits,
    sft_plots,
    sft_table,
    world_edits,
)
from editloop.core.errors import UsageError

if TYPE_CHECKING:
    from editloop.train.align.trajectory import AlignCase
    from editloop.train.examples import EditExample
    from editloop.train.sft import SftConfig, TrainingResult
    from editloop.train.sft.log import StepReport

WORLD = "world"

training = typer.Typer(
    name="train",
    help="Fine-tune an editor on triplets.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

DatasetName = Annotated[
    str, typer.Argument(help="Run folder, data set, or world:COUNT for storybook triplets.")
]
EditorName = Annotated[
    str, typer.Option(help="What to start from: world:tiny-editor or diffusers:FOLDER_OR_ID.")
]
Out = Annotated[Path, typer.Option(help="Folder of the training; run again to resume.")]
Preset = Annotated[str, typer.Option(help="Settings to start from.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="YAML file with settings, instead of a preset.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, e.g. lora.rank=16."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@training.command()
def sft(
    dataset: DatasetName,
    editor: EditorName = "world:tiny-editor",
    out: Out = Path("runs/sft"),
    preset: Preset = "toy",
    config: ConfigFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Imitate the triplets of a data set. Presets: default, toy, bagel_nhr, uniworld."""
    from editloop.core.config import load_config, override
    from editloop.train.policies import load_policy
    from editloop.train.sft import SftConfig, sft_preset, train_sft

    changes = overrides or []
    settings = (
        load_config(SftConfig, config, changes)
        if config
        else override(SftConfig, sft_preset(preset), changes)
    )
    policy = load_policy(editor)
    with examples_of(dataset, settings.seed) as examples, _StepDisplay(settings.steps) as show:
        page = TrainingPage(policy, _shown_edits(dataset, examples), PICTURE_STEPS)
        result = train_sft(policy, examples, settings, out, on_step=show, on_export=page.look)
    _finish(result, page, f"{editor} fine-tuned on {dataset}", settings, as_json=as_json)


@training.command()
def conditioned(
    dataset: DatasetName,
    editor: EditorName = "world:tiny-editor",
    out: Out = Path("runs/conditioned"),
    preset: Preset = "toy",
    config: ConfigFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Learn judged triplets under their scores and faults, then ask for the best (MRC). Presets: default, toy, mrc."""
    from editloop.core.config import load_config, override
    from editloop.train.conditioned import ConditionedConfig, conditioned_preset, train_conditioned
    from editloop.train.policies import load_policy

    changes = overrides or []
    settings = (
        load_config(ConditionedConfig, config, changes)
        if config
        else override(ConditionedConfig, conditioned_preset(preset), changes)
    )
    policy = load_policy(editor)
    with examples_of(dataset, settings.seed) as examples, _StepDisplay(settings.steps) as show:
        page = TrainingPage(policy, _shown_edits(dataset, examples), PICTURE_STEPS)
        result = train_conditioned(
            policy, examples, settings, out, on_step=show, on_export=page.look
        )
    title = f"{editor} fine-tuned on {dataset} under rewards"
    _finish(result, page, title, settings, as_json=as_json)


@contextmanager
def examples_of(dataset: str, seed: int) -> Iterator[Sequence[EditExample]]:
    """Triplets of a run folder, a data set on disk, or the storybook world.

    Raises:
        UsageError: for a world without a count, or a path where nothing is.
    """
    name, _, count = dataset.partition(":")
    if name == WORLD:
        from editloop.train.world_examples import WorldExamples

        if not count.isdecimal() or int(count) < 1:
            raise UsageError(
                f"{dataset!r} does not say how many triplets; expected e.g. world:2000"
            )
        yield WorldExamples(int(count), seed)
        return
    from editloop.cli.viewing import opened
    from editloop.train.examples import RecordExamples

    if not Path(dataset).exists():
        raise UsageError(
            f"{dataset} is no run folder and no data set; world:COUNT makes triplets up"
        )
    with opened(Path(dataset)) as data:
        yield RecordExamples(data.records, data.load)


def _shown_edits(dataset: str, examples: Sequence[EditExample]) -> list[AlignCase]:
    """What the page shows: held-out edits of the storybook world, or triplets of the data set."""
    return world_edits(0) if dataset.startswith(f"{WORLD}:") else example_edits(examples)


class _StepDisplay:
    """Steps done and the loss, on stderr."""

    def __init__(self, steps: int) -> None:
        from editloop.core.log import ProgressDisplay

        self._steps, self._display = steps, ProgressDisplay("training")

    def __enter__(self) -> _StepDisplay:
        self._display.__enter__()
        return self

    def __exit__(self, *reason: Any) -> None:
        self._display.__exit__(*reason)

    def __call__(self, report: StepReport) -> None:
        from editloop.core.log import Bar

        note = f"loss {report.loss:.4f}, {report.samples_per_second:.0f} triplets/s"
        self._display.update([Bar("steps", report.step, self._steps, note)])


def _finish(
    result: TrainingResult, page: TrainingPage, title: str, settings: SftConfig, *, as_json: bool
) -> None:
    """Write the page and print what came out."""
    from editloop.train.sft import read_log

    log = read_log(result.folder / "log.jsonl")
    facts = {key: str(value) for key, value in settings.model_dump(mode="json").items()}
    written = page.write(result.folder, title, sft_plots(log), [sft_table(log)], facts)
    if as_json:
        content = {
            "editor": str(result.editor),
            "step": result.step,
            "loss": result.loss,
            "seconds": round(result.seconds, 1),
            "page": str(written),
        }
        typer.echo(json.dumps(content, indent=2))
        return
    typer.echo(f"{result.step} steps in {result.seconds:.0f} s")
    typer.echo(f"editor: {result.editor}")
    typer.echo(f"page: {written}")

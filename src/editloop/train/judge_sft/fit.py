"""Fine-tuning from a file of ratings to a judge's folder, measured on photographs that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from editloop.core.errors import UsageError
from editloop.core.ids import content_id
from editloop.judges.calibrate.fine_tuned import (
    LOCAL,
    LORA_FOLDER,
    RUBRIC_FILE,
    FineTunedModel,
    save_fine_tuned,
)
from editloop.judges.people.bulk import Judged
from editloop.judges.people.gain import Gain, judge_gains
from editloop.judges.people.report import PeopleReport, people_report
from editloop.judges.rubrics import Rubric, load_rubric, rubric_text
from editloop.judges.vlm.settings import RubricSettings
from editloop.models.diffusers.folders import fingerprint
from editloop.models.vlms.checkpoint import model_type
from editloop.models.vlms.transformers import TransformersVlm
from editloop.records.formats.rated_edits import RatedFile
from editloop.store.runs import write_atomically
from editloop.train.judge_sft.config import JudgeSftConfig
from editloop.train.judge_sft.ratings import RatedExamples, Teaching, rated_examples
from editloop.train.judge_sft.replies import has_digits
from editloop.train.judge_sft.trainer import JudgeTrainer, check_same_run


@dataclass(frozen=True, slots=True)
class FineTuning:
    """What to fine-tune on which ratings.

    Args:
        base: ``transformers:FOLDER?option=value&...``: Qwen2.5-VL or Qwen3-VL on this machine.
        people: Scale of the ratings.
        out: Folder of the judge; a run that is in it goes on.
        rubric: What the judge is asked: a name of the package or a .toml file.
        config: Settings of the training; `JudgeSftConfig.digits` is taken from the rubric.
        held_out: Share of the photographs to measure on, in (0, 1).
        axes: Axis of the rubric -> axis of people, where the names do not tell.
    """

    base: str
    people: tuple[float, float]
    out: Path
    rubric: str = "hp-base"
    config: JudgeSftConfig = field(default_factory=JudgeSftConfig)
    held_out: float = 0.2
    axes: Mapping[str, str] = field(default_factory=dict)


class Witness(Protocol):
    """Judges edits for a fine-tuning, and is told how it goes."""

    def judged(self, spec: str, edits: RatedFile) -> Judged:
        """Verdicts of a judge."""

    def trained(self, step: int, steps: int, loss: float) -> None:
        """An update was made."""

    def say(self, words: str) -> None:
        """Something that a person should know."""


@dataclass(frozen=True, slots=True)
class FineTuned:
    """A fine-tuned judge and how far it agrees with people on photographs held out, before and after."""

    model: FineTunedModel
    examples: RatedExamples
    before: PeopleReport
    after: PeopleReport
    gains: Mapping[str, Gain]
    judged: tuple[Judged, Judged]
    """Verdicts on the edits held out, before and after."""


def fine_tune(rated: RatedFile, asked: FineTuning, witness: Witness) -> FineTuned:
    """Train, save, and measure.

    Raises:
        UsageError: the base is no local vision-language model, the ratings cannot teach the rubric, or `FineTuning.out` holds another run.
        PrerequisiteError: a package is missing, or the base is neither a folder nor to be had.
    """
    fingerprint_of_base = fingerprint(local_base(asked.base).folder)
    rubric = load_rubric(asked.rubric)
    settings = RubricSettings(readout="expected" if has_digits(rubric) else "written")
    config = _with_digits(asked.config, rubric)
    teaching = Teaching(rubric, settings, asked.people, asked.held_out, asked.axes, config.seed)
    examples = rated_examples(rated, teaching)
    held_out = RatedFile(rated.path, len(examples.held_out), examples.held_out, ())
    data = content_id(fingerprint_of_base, rubric.version, examples.digest)
    check_same_run(config, asked.out, data)
    before = witness.judged(
        f"rubric:{asked.rubric}?readout={settings.readout}@{asked.base}", held_out
    )
    _train(asked, config, examples, data, witness)
    model = FineTunedModel(
        base=_absolute(asked.base),
        base_fingerprint=fingerprint_of_base,
        lora_fingerprint=fingerprint(asked.out / LORA_FOLDER),
        rubric=rubric.name,
        rubric_version=rubric.version,
        settings=settings,
        scale=rubric.scale,
        people_scale=asked.people,
        seen=tuple(sorted({one for edit in examples.trained for one in examples.hashes[edit.uid]})),
        training=_facts(config, examples),
    )
    write_atomically(asked.out / RUBRIC_FILE, rubric_text(asked.rubric).encode())
    save_fine_tuned(model, asked.out)
    after = witness.judged(str(asked.out), held_out)
    seed = config.seed
    found = FineTuned(
        model,
        examples,
        people_report(held_out, before, scale=asked.people, seed=seed),
        people_report(held_out, after, scale=asked.people, seed=seed),
        judge_gains(held_out, before, after, asked.people, seed=seed),
        (before, after),
    )
    reported = model.model_copy(update={"report": report_of(found)})
    save_fine_tuned(reported, asked.out)
    return found


def local_base(spec: str) -> TransformersVlm:
    """The model to fine-tune, not opened yet.

    Raises:
        UsageError: it is not on this machine, is of no family that can be opened here, or has LoRA weights already.
        BadInputError: its configuration cannot be read.
        PrerequisiteError: it is neither a folder nor to be had.
    """
    if not spec.startswith(LOCAL):
        raise UsageError(
            f"only weights on this machine can be fine-tuned: --fine-tune takes transformers:FOLDER (Qwen2.5-VL or Qwen3-VL), got {spec!r}"
        )
    vlm = TransformersVlm(spec.removeprefix(LOCAL))
    if vlm.settings.lora is not None:
        raise UsageError(
            f"{spec!r} has LoRA weights already: fine-tune the plain model, or merge them into it first (peft's merge_and_unload)"
        )
    model_type(vlm.folder)
    return vlm


def report_of(found: FineTuned) -> dict[str, Any]:
    """The figures, as JSON holds them."""
    return {
        "before": found.before.as_json(),
        "after": found.after.as_json(),
        "gain": {axis: one.as_json() for axis, one in found.gains.items()},
    }


def _train(
    asked: FineTuning,
    config: JudgeSftConfig,
    examples: RatedExamples,
    data: str,
    witness: Witness,
) -> None:
    """Train in the judge's folder. The model is opened and freed here: judging before and after opens its own."""
    trainer = JudgeTrainer(local_base(asked.base), config, asked.out, data)
    done, steps = trainer.state.step, config.steps
    if done == steps:
        witness.say(f"{asked.out} is trained already: {done} of {steps} steps")
    elif done:
        witness.say(f"goes on in {asked.out} after step {done} of {steps}")
    trainer.train(examples.examples, lambda step, loss: witness.trained(step, steps, loss))


def _with_digits(config: JudgeSftConfig, rubric: Rubric) -> JudgeSftConfig:
    """`config` on the rubric's scale.

    Raises:
        UsageError: the loss needs scores of one digit, which the rubric does not ask for.
    """
    if has_digits(rubric):
        low, high = rubric.scale
        return config.model_copy(update={"digits": (round(low), round(high))})
    if config.loss != "reply":
        raise UsageError(
            f"the loss {config.loss!r} needs scores that are one digit, the rubric {rubric.name!r} asks for others: use --loss reply, or a "
            "rubric such as hp-base, hp-scorer, imgedit or imgedit-uge"
        )
    return config


def _absolute(spec: str) -> str:
    """`spec` with its folder's full path, so that the judge works from anywhere; a hub id stays as it is."""
    source, question, options = spec.removeprefix(LOCAL).partition("?")
    folder = Path(source).expanduser()
    where = str(folder.resolve()) if folder.is_dir() else source
    return f"{LOCAL}{where}{question}{options}"


def _facts(config: JudgeSftConfig, examples: RatedExamples) -> dict[str, Any]:
    photographs = dict(zip(("trained", "held_out"), examples.photographs, strict=True))
    return {
        "config": config.model_dump(mode="json"),
        "learnt_from": dict(examples.axes),
        "examples": len(examples.examples),
        "edits": {"trained": len(examples.trained), "held_out": len(examples.held_out)},
        "photographs": photographs,
        "held_out": [edit.uid for edit in examples.held_out],
    }

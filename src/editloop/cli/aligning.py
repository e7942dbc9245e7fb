"""`editloop align`: post-train an editor with judges as the reward."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from editloop.cli.progress import say
from editloop.cli.tables import print_table
from editloop.cli.training_page import (
    SHOWN,
    TrainingPage,
    align_plots,
    align_table,
    world_edits,
)
from editloop.core.errors import UsageError
from editloop.core.log import Bar, ProgressDisplay

if TYPE_CHECKING:
    from editloop.train.align.config import AlignConfig
    from editloop.train.align.held_out import HeldOut
    from editloop.train.align.plan import AlignPlan
    from editloop.train.align.reward_bus import RewardModel
    from editloop.train.align.trajectory import AlignCase

ORACLE = "world:oracle"
HELD_OUT_CASES = 32
"""Cases of the held-out monitor, where they come from the storybook world."""
_WORLD = "world:"


class AlignRequest(NamedTuple):
    """What the command line asked for."""

    editor: str
    cases: str
    rewards: tuple[str, ...]
    held_out: str | None
    preset: str
    out: Path
    config: Path | None
    overrides: tuple[str, ...]
    fresh: bool


def run_align(request: AlignRequest, *, only_plan: bool, as_json: bool) -> None:
    """Post-train, or say what it would cost."""
    from editloop.train.policies import load_policy

    config = resolve_config(request)
    cases = load_cases(request.cases, "train", config.seed)
    policy = load_policy(request.editor)
    if only_plan:
        from editloop.train.align.plan import plan

        _print_plan(plan(policy, config, cases[0]), as_json=as_json)
        return
    from editloop.train.align.log import read_log
    from editloop.train.align.trainer import align

    rewards = {spec: load_reward(spec) for spec in request.rewards}
    reward = next(iter(rewards.values())) if len(rewards) == 1 else rewards or None
    say(f"{len(cases)} cases, {config.steps} steps of {config.objective.kind} -> {request.out}")
    page = TrainingPage(policy, _shown_edits(request.cases, cases), config.rollout.steps)
    with ProgressDisplay("aligning") as display:

        def show(step: int, stats: dict[str, Any]) -> None:
            note = f"reward {stats.get('reward/mean', float('nan')):.3f}"
            display.update([Bar("steps", step, config.steps, note)])

        result = align(
            policy,
            cases,
            None if config.data == "scored" else reward,
            config,
            request.out,
            held_out=load_held_out(request, config),
            resume=not request.fresh,
            on_step=show,
            on_export=page.look,
        )
    log = read_log(request.out)
    title = f"{request.editor} after {result.steps} steps of {config.objective.kind}"
    made_from = {"cases": request.cases, "reward": ", ".join(request.rewards)}
    made_from |= {"held out": request.held_out or "", "settings": str(request.out / "config.yaml")}
    written = page.write(request.out, title, align_plots(log), [align_table(log)], made_from)
    facts = {
        "steps": result.steps,
        "stopped": result.stopped,
        "reward": result.last.get("reward/mean"),
        "held_out": result.last.get("held_out/score"),
        "export": str(result.export),
        "log": str(result.log),
        "page": str(written),
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for name, value in facts.items():
        if value is not None:
            typer.echo(f"{name}: {value}")


def resolve_config(request: AlignRequest) -> AlignConfig:
    """The file, or else the preset, then ``--set``; several rewards count alike unless a combination says otherwise."""
    from editloop.core.config import load_config, override
    from editloop.rewards.combination import WeightedSum
    from editloop.train.align.config import AlignConfig, RewardConfig
    from editloop.train.align.presets import align_preset

    if request.config is not None:
        config = load_config(AlignConfig, request.config, request.overrides)
    else:
        config = override(AlignConfig, align_preset(request.preset), request.overrides)
    if len(request.rewards) < 2 or config.reward.combination != RewardConfig().combination:
        return config
    alike = WeightedSum(weights={f"{spec}/overall": 1.0 for spec in request.rewards})
    return config.model_copy(
        update={"reward": config.reward.model_copy(update={"combination": alike})}
    )


def _shown_edits(source: str, cases: list[AlignCase]) -> list[AlignCase]:
    """What the page shows: held-out edits of the storybook world, or the first to practise on."""
    return world_edits(0) if source.startswith(_WORLD) else cases[:SHOWN]


def load_cases(source: str, split: str, seed: int) -> list[AlignCase]:
    """``world:COUNT`` storybook cases, or those of a run folder or data set."""
    from editloop.train.align.cases import record_cases, storybook_cases
    from editloop.world.sampling import cases

    if source.startswith(_WORLD):
        count = source.removeprefix(_WORLD)
        if not count.isdecimal() or int(count) < 1:
            raise UsageError(f"cannot read the cases {source!r}; expected world:256, or a folder")
        return storybook_cases(
            cases(seed, int(count), "held_out" if split == "held_out" else "train")
        )
    from editloop.cli.viewing import opened

    with opened(Path(source)) as data:
        found = record_cases(data.records, data.load)
    if not found:
        raise UsageError(f"{source} holds no records to practise on")
    return found


def load_reward(spec: str) -> RewardModel:
    """A judge by name as a reward; `ORACLE` is the storybook's."""
    from editloop.judges.registry import load_judge
    from editloop.train.align.cases import OracleReward
    from editloop.train.align.reward_bus import JudgeReward

    return OracleReward() if spec == ORACLE else JudgeReward(load_judge(spec))


def load_held_out(request: AlignRequest, config: AlignConfig) -> HeldOut | None:
    """The held-out judge with held-out cases: storybook ones, or the last of a data set."""
    from editloop.train.align.held_out import HeldOut

    if request.held_out is None:
        return None
    if request.held_out in request.rewards:
        raise UsageError(f"{request.held_out} is the reward already; hold out another judge")
    source = f"{_WORLD}{HELD_OUT_CASES}" if request.cases.startswith(_WORLD) else request.cases
    cases = load_cases(source, "held_out", config.seed)
    return HeldOut(cases[-HELD_OUT_CASES:], load_reward(request.held_out))


def _print_plan(found: AlignPlan, *, as_json: bool) -> None:
    figures = asdict(found)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    rows = [
        [name.replace("_", " "), f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"]
        for name, value in figures.items()
    ]
    print_table(["figure", "value"], rows, numbers=("value",))
    typer.echo(
        f"about {found.images * found.seconds_per_image / 60:,.0f} minutes of network time at this machine's speed; "
        f"judges are asked {found.judge_images:,} to {found.judge_images_most:,} times"
    )

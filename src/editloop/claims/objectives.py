"""Objectives of post-training side by side: at equal rollouts, and at equal CPU time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from editloop.claims.alignment import aligned_arm, alignment_config
from editloop.claims.arms import ArmResult, score_table
from editloop.claims.lab import ClaimSizes, Lab, practice_case
from editloop.claims.rows import ClaimRow, ScoreTable, claim_row, paired_effect
from editloop.core.seeds import derive_seed
from editloop.core.stats import Interval, mean_interval
from editloop.train.align.trajectory import AlignCase
from editloop.world.sampling import cases

PAPER: Final = "Edit-R1, arXiv 2510.16888; DiffusionNFT, 2509.16117; Flow-GRPO, 2505.05470"
OBJECTIVES: Final = ("nft", "awm", "grpo_window", "grpo_full", "dpo")
DEFAULT: Final = "nft"
LONG: Final = "nft_long"
LONGER: Final = 3
"""How many times as many steps the long arm of the default takes: how far it comes when rollouts are not counted."""
YARDSTICK: Final = "grpo_full"
ROLLOUT_SHARE: Final = 1 / 3
"""The default should reach full-trajectory Flow-GRPO's score with at most this share of its rollouts."""


def arm_names(sizes: ClaimSizes) -> tuple[str, ...]:
    """The arms that the rows of these sizes rest on."""
    return (*OBJECTIVES, LONG) if sizes.ablations else (DEFAULT,)


def arm(lab: Lab, objective: str, seed: int) -> ArmResult:
    """One alignment with the tiny judge as the reward."""
    is_long = objective == LONG
    config = alignment_config(
        lab, DEFAULT if is_long else objective, seed, times=LONGER if is_long else 1
    )

    def practice() -> list[AlignCase]:
        chosen = cases(derive_seed(seed, "practice"), lab.sizes.practice_cases, "train")
        return [practice_case(case) for case in chosen]

    made = f"every edit type/{lab.sizes.practice_cases}"
    return aligned_arm(lab, f"objectives/{objective}", seed, config, practice, lab.judge, made)


def rows(lab: Lab) -> list[ClaimRow]:
    """Every objective against the base, the default against the others, and the rollouts it saves."""
    seeds = range(lab.sizes.seeds)
    found = {name: [arm(lab, name, seed) for seed in seeds] for name in arm_names(lab.sizes)}
    against_base = [_against_base(lab, name, results) for name, results in found.items()]
    against_base += [_right(lab, name, found[name]) for name in (DEFAULT, LONG) if name in found]
    if not lab.sizes.ablations:
        return against_base
    others = [name for name in OBJECTIVES if name != DEFAULT]
    return [
        *against_base,
        *(_at_equal_rollouts(lab, found, name) for name in others),
        *([_at_equal_time(lab, found), _rollouts_saved(lab, found)] if lab.sizes.seeds > 1 else []),
    ]


def _against_base(lab: Lab, name: str, results: list[ArmResult]) -> ClaimRow:
    table = score_table(results, "overall")
    base = np.array(lab.base.scores["overall"])
    seconds = float(np.mean([result.curve[-1].cpu_seconds for result in results]))
    here = (
        f"oracle overall {table.mean():.2f} against {base.mean():.2f} with {results[0].counts['rollouts']:.0f} rollouts "
        f"and {seconds:.0f} CPU s; held-out judge {score_table(results, 'held_out_judge').mean():.2f} "
        f"against {lab.base.mean('held_out_judge'):.2f}"
    )
    row = _gain(f"{name} against the base editor", here, "oracle overall, 1 to 5", table, base)
    return row.model_copy(update={"figures": row.figures | {"cpu_seconds": seconds}})


def _right(lab: Lab, name: str, results: list[ArmResult]) -> ClaimRow:
    table = 100 * score_table(results, "right")
    base = 100 * np.array(lab.base.scores["right"])
    here = (
        f"{table.mean():.1f} % fully right against {base.mean():.1f} % with "
        f"{results[0].counts['rollouts']:.0f} rollouts"
    )
    claim = f"{name} against the base editor, fully right edits"
    return _gain(claim, here, "fully right edits, points of 100", table, base)


def _gain(
    claim: str, here: str, unit: str, table: ScoreTable, base: NDArray[np.float64]
) -> ClaimRow:
    """An aligned editor (seeds, cases) against the base on the same cases (cases,)."""
    effect = paired_effect(table, np.tile(base, (len(table), 1)))
    return claim_row(
        effect,
        claim=f"objectives: {claim}",
        paper=PAPER,
        paper_says="every objective improves the editor",
        here=here,
        unit=unit,
        seeds=len(table),
        cases=table.shape[1],
        figures={"aligned": float(table.mean()), "base": float(base.mean())},
    )


def _at_equal_rollouts(lab: Lab, found: dict[str, list[ArmResult]], other: str) -> ClaimRow:
    ours, theirs = (score_table(found[name], "overall") for name in (DEFAULT, other))
    return _compared(
        lab,
        paired_effect(ours, theirs),
        claim=f"{DEFAULT} against {other} at equal rollouts",
        says="NFT 4.02 on ImgEdit, Flow-GRPO below 4.0 at the same budget",
        here=f"oracle overall {ours.mean():.2f} against {theirs.mean():.2f}",
    )


def _at_equal_time(lab: Lab, found: dict[str, list[ArmResult]]) -> ClaimRow:
    """The default and the yardstick when the faster of the two has finished, on the curves' oracle scores."""
    gains = []
    for ours, theirs in zip(found[DEFAULT], found[YARDSTICK], strict=True):
        moment = min(ours.curve[-1].cpu_seconds, theirs.curve[-1].cpu_seconds)
        gains.append(
            ours.oracle_at("cpu_seconds", moment) - theirs.oracle_at("cpu_seconds", moment)
        )
    return _of_curves(
        lab,
        gains,
        claim=f"{DEFAULT} against {YARDSTICK} at equal CPU time",
        says="DiffusionNFT reaches Flow-GRPO's score in 1/3 to 1/25 of the time",
    )


def _rollouts_saved(lab: Lab, found: dict[str, list[ArmResult]]) -> ClaimRow:
    """Default at a third of the yardstick's rollouts against the yardstick at the end."""
    gains = []
    for ours, theirs in zip(found[DEFAULT], found[YARDSTICK], strict=True):
        end = theirs.curve[-1]
        gains.append(ours.oracle_at("rollouts", ROLLOUT_SHARE * end.rollouts) - end.oracle)
    return _of_curves(
        lab,
        gains,
        claim=f"{DEFAULT} with a third of the rollouts of {YARDSTICK}",
        says="fewer rollouts to the same score",
    )


def _of_curves(lab: Lab, gains: Sequence[float], *, claim: str, says: str) -> ClaimRow:
    """One difference of means over the cases for each seed."""
    effect = mean_interval(gains)
    here = f"mean difference {effect.value:+.2f}; interval over seeds alone"
    return _compared(lab, effect, claim=claim, says=says, here=here)


def _compared(lab: Lab, effect: Interval, *, claim: str, says: str, here: str) -> ClaimRow:
    return claim_row(
        effect,
        claim=f"objectives: {claim}",
        paper=PAPER,
        paper_says=says,
        here=here,
        unit="oracle overall, 1 to 5",
        seeds=lab.sizes.seeds,
        cases=len(lab.cases),
    )

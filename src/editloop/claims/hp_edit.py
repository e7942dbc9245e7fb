"""HP-Edit (arXiv 2604.19406): post-training on cases that are not solved yet, with a calibrated scorer as the reward."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

import numpy as np

from editloop.claims.alignment import OVERALL, aligned_arm, alignment_config
from editloop.claims.arms import ArmResult, score_table
from editloop.claims.evaluation import edit_request, judge_request
from editloop.claims.lab import ClaimSizes, Lab, practice_case
from editloop.claims.rows import ClaimRow, ScoreTable, claim_row, paired_effect
from editloop.core.seeds import derive_seed
from editloop.judges.base import BatchJudge
from editloop.judges.storybook import base_scorer, calibrated_scorer
from editloop.models.roles import BatchEditor
from editloop.records.taxonomy import PAPER_NAMES
from editloop.train.align.trajectory import AlignCase
from editloop.world.cases import Case
from editloop.world.sampling import cases

PAPER: Final = "HP-Edit, arXiv 2604.19406"
TASKS: Final = tuple(PAPER_NAMES["hp_edit"])
DRAWN_AT_ONCE: Final = 64
SOLVED: Final = 4.5
"""Scores of at least this count as the full score: on a scale of expectations nobody gives a round 5."""
ARMS: Final[dict[str, tuple[bool, str]]] = {
    "unfiltered_base_scorer": (False, "base"),
    "filtered_base_scorer": (True, "base"),
    "filtered_calibrated_scorer": (True, "calibrated"),
}
"""The paper's ablation: whether solved cases are dropped, and which scorer is the reward. The fourth arm is the base editor."""
METHOD: Final = "filtered_calibrated_scorer"
OBJECTIVE: Final = "grpo_window"
"""The paper's Flow-GRPO, with the short window of its successors."""


def scorer_named(name: str) -> BatchJudge:
    """``base`` for generic criteria, ``calibrated`` for the read-out fitted to 100 labels a task."""
    return base_scorer() if name == "base" else calibrated_scorer()


def practice_cases(lab: Lab, seed: int, *, filtered: bool, scorer: BatchJudge) -> list[Case]:
    """Edits of HP-Edit's eight tasks; filtered, those that the base editor already solves are left out."""
    wanted = lab.sizes.practice_cases
    stream = cases(derive_seed(seed, "practice"), 8 * wanted, "train", edit_types=TASKS)
    if not filtered:
        return list(islice(stream, wanted))
    editor, found = lab.in_memory(lab.policy()), list[Case]()
    while len(found) < wanted and (batch := list(islice(stream, DRAWN_AT_ONCE))):
        found += unsolved(editor, batch, scorer)
    return found[:wanted]


def arm_names(sizes: ClaimSizes) -> tuple[str, ...]:
    """The arms that the rows of these sizes rest on."""
    return tuple(ARMS) if sizes.ablations else (METHOD,)


def arm(lab: Lab, name: str, seed: int) -> ArmResult:
    """One training of the ablation."""
    filtered, which = ARMS[name]
    scorer = scorer_named(which)
    config = alignment_config(lab, OBJECTIVE, seed, combination=OVERALL)

    def practice() -> list[AlignCase]:
        chosen = practice_cases(lab, seed, filtered=filtered, scorer=scorer)
        return [practice_case(case) for case in chosen]

    made = f"{which}/{scorer.identity.version}/filtered={filtered}/{lab.sizes.practice_cases}"
    return aligned_arm(lab, f"hp_edit/{name}", seed, config, practice, scorer, made)


def rows(lab: Lab) -> list[ClaimRow]:
    """The aligned editor against the base on the oracle and on the held-out judge, and the four-arm ablation."""
    seeds = range(lab.sizes.seeds)
    results = {name: [arm(lab, name, seed) for seed in seeds] for name in arm_names(lab.sizes)}
    best = results[METHOD]
    tables = {name: score_table(found, "overall") for name, found in results.items()}
    right = 100 * score_table(best, "right")
    against_base = [
        _against_base(lab, "overall", score_table(best, "overall"), "oracle overall, 1 to 5"),
        _against_base(
            lab, "held_out_judge", score_table(best, "held_out_judge"), "held-out judge, 1 to 5"
        ),
        _against_base(lab, "right", right, "fully right edits, points of 100", scale=100),
    ]
    if not lab.sizes.ablations:
        return against_base
    return [
        *against_base,
        _between(
            lab,
            tables,
            "filtered_base_scorer",
            "unfiltered_base_scorer",
            "+.186 HP-Score by the filter",
        ),
        _between(
            lab,
            tables,
            METHOD,
            "filtered_base_scorer",
            "+.090 HP-Score by the calibration",
        ),
    ]


def unsolved(editor: BatchEditor, batch: Sequence[Case], scorer: BatchJudge) -> list[Case]:
    """The cases on which the scorer gives the editor less than `SOLVED`."""
    requests = [edit_request(case, 0) for case in batch]
    images = [result.image for result in editor.edit_many(requests)]
    triplets = [judge_request(*row) for row in zip(batch, requests, images, strict=True)]
    scores = [verdict.overall for verdict in scorer.score_many(triplets)]
    return [
        case
        for case, score in zip(batch, scores, strict=True)
        if score is not None and score < SOLVED
    ]


def _against_base(
    lab: Lab, axis: str, table: ScoreTable, unit: str, scale: float = 1.0
) -> ClaimRow:
    base = np.tile(scale * np.array(lab.base.scores[axis]), (len(table), 1))
    effect = paired_effect(table, base)
    return claim_row(
        effect,
        claim=f"hp_edit: aligned against base, {axis.replace('_', ' ')}",
        paper=PAPER,
        paper_says="HP-Score 4.472 to 4.667 after post-training",
        here=f"{table.mean():.2f} against {base.mean():.2f}",
        unit=unit,
        seeds=len(table),
        cases=table.shape[1],
        figures={"aligned": float(table.mean()), "base": float(base.mean())},
    )


def _between(
    lab: Lab, tables: dict[str, ScoreTable], treated: str, control: str, says: str
) -> ClaimRow:
    effect = paired_effect(tables[treated], tables[control])
    base = lab.base.mean("overall")
    return claim_row(
        effect,
        claim=f"hp_edit: {treated.replace('_', ' ')} against {control.replace('_', ' ')}",
        paper=PAPER,
        paper_says=says,
        here=(
            f"oracle overall {tables[treated].mean():.2f} against {tables[control].mean():.2f}; no post-training {base:.2f}"
        ),
        unit="oracle overall, 1 to 5",
        seeds=lab.sizes.seeds,
        cases=len(lab.cases),
        figures={name: float(table.mean()) for name, table in tables.items()}
        | {"no_post_training": base},
    )

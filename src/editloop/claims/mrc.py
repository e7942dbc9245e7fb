"""Multi-Reward as Condition (arXiv 2411.04713): rewards told during training, the best asked for at inference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from editloop.claims.arms import ArmResult, score_table
from editloop.claims.base import poor_examples
from editloop.claims.lab import ClaimSizes, Lab
from editloop.claims.rows import ClaimRow, claim_row, paired_effect
from editloop.judges.base import JudgeRequest
from editloop.models.roles import BatchEditor
from editloop.train.conditioned.config import ConditionedConfig, RewardSettings
from editloop.train.conditioned.run import train_conditioned
from editloop.train.examples import EditExample, reward_of

PAPER: Final = "Multi-Reward as Condition, arXiv 2411.04713"
ARMS: Final[dict[str, RewardSettings | None]] = {
    "rewards": RewardSettings(),
    "no_rewards": None,
    "scores_only": RewardSettings(texts=False),
    "texts_only": RewardSettings(scores=False),
    "following_only": RewardSettings(perspectives=("following",)),
}
"""The paper's method, its baseline on the same triplets, and the ablations that its reviewers asked for."""
METHOD, CONTROL = "rewards", "no_rewards"
LEARNING_RATE: Final = 3e-4


def judged_examples(lab: Lab, seed: int) -> list[EditExample]:
    """Imperfect triplets of the kind that the base learnt from, with the tiny judge's scores and failure texts, as RewardEdit-20K has them."""
    examples = poor_examples(seed, lab.sizes.triplets)
    verdicts = lab.judge.score_many(
        [
            JudgeRequest(
                source=example.source,
                instruction=example.instruction,
                edited=example.target,
                references=example.references,
                context=example.context,
            )
            for example in examples
        ]
    )
    return [
        replace(example, reward=reward_of(verdict))
        for example, verdict in zip(examples, verdicts, strict=True)
    ]


def arm_names(sizes: ClaimSizes) -> tuple[str, ...]:
    """The arms that the rows of these sizes rest on."""
    return tuple(ARMS) if sizes.ablations else (METHOD, CONTROL)


def arm(lab: Lab, name: str, seed: int) -> ArmResult:
    """One training of the comparison."""
    config = ConditionedConfig(
        steps=lab.sizes.training_steps,
        batch_size=32,
        learning_rate=LEARNING_RATE,
        warmup_steps=10,
        ema_decay=0.98,
        schedule="cosine",
        seed=seed,
        rewards=ARMS[name],
    )

    def train(folder: Path) -> tuple[BatchEditor, dict[str, Any]]:
        examples = judged_examples(lab, seed)
        result = train_conditioned(lab.policy(), examples, config, folder / "training")
        return lab.on_disk(result.editor), {"counts": {"triplets": len(examples)}}

    settings = {
        "training": config.model_dump(mode="json"),
        "triplets": lab.sizes.triplets,
        "judge": lab.judge.identity.version,
    }
    return lab.arm(f"mrc/{name}", seed, settings, train)


def rows(lab: Lab) -> list[ClaimRow]:
    """The method against its baseline, then each ablation against it."""
    seeds = range(lab.sizes.seeds)
    found = {name: [arm(lab, name, seed) for seed in seeds] for name in arm_names(lab.sizes)}
    overall = {name: score_table(results, "overall") for name, results in found.items()}
    right = {name: float(score_table(results, "right").mean()) for name, results in found.items()}
    treated = [name for name in found if name != CONTROL]
    return [_row(lab, name, CONTROL, overall, right) for name in treated]


def _row(lab: Lab, treated: str, control: str, overall: Any, right: dict[str, float]) -> ClaimRow:
    effect = paired_effect(overall[treated], overall[control])
    means = {name: float(overall[name].mean()) for name in (treated, control)}
    return claim_row(
        effect,
        claim=f"mrc: {treated.replace('_', ' ')} against {control.replace('_', ' ')}",
        paper=PAPER,
        paper_says="training on imperfect triplets with their rewards as a condition beats training on them without",
        here=(
            f"oracle overall {means[treated]:.2f} against {means[control]:.2f} (base {lab.base.mean('overall'):.2f}); "
            f"fully right {100 * right[treated]:.0f} % against {100 * right[control]:.0f} %"
        ),
        unit="oracle overall, 1 to 5",
        seeds=lab.sizes.seeds,
        cases=len(lab.cases),
        figures={**means, "base": lab.base.mean("overall")},
    )

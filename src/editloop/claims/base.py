"""The editor that every claim starts from: the tiny editor, spoilt by a cheap data set.

The papers start from editors that know how to edit and have taken over the habits of machine-made triplets: colours that drift, softness,
edits left undone. The tiny editor, straight from its training, lacks skill rather than habits, and skill is not what a few thousand
rollouts teach. A short fine-tuning on poor triplets makes the papers' situation: the skill
is there, the habits are new and shallow, and there is something to win back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from editloop.core.errors import UsageError
from editloop.train.examples import EditExample
from editloop.train.policy import EditPolicy
from editloop.train.sft.config import SftConfig
from editloop.train.sft.run import train_sft
from editloop.train.storybook.stream import imperfect_triplets
from editloop.world.imperfect import POOR_SHARES

SEED: Final = 77
TRIPLETS: Final = 1600
LEARNING_RATE: Final = 3e-4


def spoiling_config(steps: int) -> SftConfig:
    """How the base is fine-tuned."""
    return SftConfig(
        steps=steps,
        batch_size=32,
        learning_rate=LEARNING_RATE,
        warmup_steps=10,
        ema_decay=0.9,
        schedule="cosine",
        seed=SEED,
    )


def spoilt_editor(policy: EditPolicy, steps: int, folder: Path) -> Path:
    """Fine-tune `policy` on poor triplets; returns the folder of its pipeline.

    Raises:
        UsageError: when the fine-tuning was stopped before its last step.
    """
    examples = poor_examples(SEED, min(TRIPLETS, 32 * steps))
    made = train_sft(policy, examples, spoiling_config(steps), folder).editor
    if made is None:
        raise UsageError("the base editor's training was stopped: run again to go on")
    return made


def poor_examples(seed: int, count: int) -> list[EditExample]:
    """Triplets of training combinations, flawed by `POOR_SHARES`; nobody says which."""
    return [
        EditExample(
            id=f"{seed}-{number}",
            source=triplet.source,
            instruction=triplet.case.instruction if triplet.case else triplet.text,
            target=triplet.target,
            references=(triplet.reference,) if triplet.case and triplet.case.references else (),
            context=triplet.case.context if triplet.case else (),
        )
        for number, triplet in enumerate(imperfect_triplets(seed, count, POOR_SHARES))
    ]

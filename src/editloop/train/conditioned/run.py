"""Reward-conditioned fine-tuning from an editor and judged examples to an exported editor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from editloop.core.errors import UsageError
from editloop.core.seeds import derive_seed
from editloop.models.reward_conditioner import RewardConditioner
from editloop.models.storybook.rewarded import RewardedStorybookPipeline
from editloop.train.conditioned.config import ConditionedConfig, RewardSettings
from editloop.train.conditioned.policy import RewardedPolicy, text_pooler
from editloop.train.examples import EditExample
from editloop.train.policies.storybook import StorybookPolicy
from editloop.train.policy import EditPolicy
from editloop.train.sft.run import as_source, make_trainable
from editloop.train.sft.source import ExampleSource
from editloop.train.sft.trainer import OnExport, OnStep, SftTrainer, TrainingResult

_NO_TEXT_WIDTH = 1


def train_conditioned(
    policy: EditPolicy,
    examples: Sequence[EditExample] | ExampleSource,
    config: ConditionedConfig,
    folder: str | Path,
    *,
    on_step: OnStep | None = None,
    on_export: OnExport | None = None,
) -> TrainingResult:
    """Fine-tune an editor on triplets together with what a judge said of them (MRC, arXiv 2411.04713).

    Bad triplets teach what a bad edit is, instead of being imitated or thrown away.

    Args:
        policy: The editor; its network is changed in place. Editors with a U-Net are told rewards in both ways, transformers
            by their time embedding alone.
        examples: A fixed set, shuffled anew for each pass, or a stream; with rewards.
        config: Settings; without `rewards` the same triplets are imitated, as `train_sft` does.
        folder: Of the run; an unfinished run in it is resumed.
        on_step: Called after every update.
        on_export: Called with the conditioned policy while it has the weights that are exported.

    Raises:
        UsageError: when no triplet of the first batch carries a reward, when the editor cannot be conditioned, or when `folder`
            holds a run with other settings or examples.
    """
    make_trainable(policy, config)
    source = as_source(examples, config)
    if config.rewards is None:
        return SftTrainer(
            policy, source, config, Path(folder), on_step=on_step, on_export=on_export
        ).run()
    if all(example.reward is None for example in source.batch(0, config.batch_size)):
        raise UsageError("no triplet of the first batch carries a reward: judge the data set first")
    rewarded = rewarded_policy(policy, config.rewards, seed=config.seed)
    scales = {"conditioner.": config.rewards.rate_scale, **config.rate_scales}
    trainer = SftTrainer(
        rewarded,
        source,
        config.model_copy(update={"rate_scales": scales}),
        Path(folder),
        encode=rewarded.encode_examples,
        on_step=on_step,
        on_export=on_export,
    )
    return trainer.run()


def rewarded_policy(base: EditPolicy, settings: RewardSettings, *, seed: int = 0) -> RewardedPolicy:
    """`base` with a fresh conditioner, which changes nothing before it is trained."""
    conditioner = RewardConditioner.for_network(
        base.network,
        text_width=text_pooler(base).text_width if settings.texts else _NO_TEXT_WIDTH,
        seed=derive_seed(seed, "conditioner"),
        use_scores=settings.scores,
        use_texts=settings.texts,
        perspectives=list(settings.perspectives),
        separator=settings.separator,
        dropout=settings.attention_dropout,
    )
    conditioner.to(next(base.network.parameters()).device)
    return RewardedPolicy(base, conditioner, settings)


def open_rewarded(pipeline: RewardedStorybookPipeline, name: str) -> RewardedPolicy:
    """A trained conditioned editor as a policy, to be trained further; it asks for the highest rewards."""
    conditioner = pipeline.conditioner
    settings = RewardSettings(
        scores=conditioner.use_scores,
        texts=conditioner.use_texts,
        perspectives=conditioner.perspectives,
        separator=conditioner.separator,
    )
    return RewardedPolicy(StorybookPolicy(pipeline, name), conditioner, settings)

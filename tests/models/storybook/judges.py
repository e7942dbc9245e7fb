"""A judge network of toy size with random weights, written to a folder as a trained one is."""

from __future__ import annotations

from pathlib import Path

from editloop.models.storybook.judge_network import JudgeNetwork, build_judge_network
from editloop.models.storybook.judge_reader import save_judge_weights
from editloop.models.storybook.judge_shape import JudgeShape

SHAPE = JudgeShape(
    words=("make", "the", "ball", "red"),
    failures=("no_op", "blurred"),
    tasks=("adjust", "remove"),
    stem=8,
    width=16,
    layers=1,
    text_width=32,
    text_layers=1,
)


def toy_network(seed: int = 0) -> JudgeNetwork:
    """Random weights; the score head is enlarged so that readings differ clearly."""
    network = build_judge_network(SHAPE, seed=seed)
    network.score_head.weight.data.mul_(4.0)
    return network


def write_toy_judge(folder: Path, name: str = "toy", seed: int = 0) -> Path:
    """`folder` with the weights of `toy_network`."""
    save_judge_weights(toy_network(seed), folder, name, {"pairs": 0})
    return folder

"""Triplets of noise with a coloured square in the middle: enough to train on, with nothing to draw."""

from __future__ import annotations

import numpy as np

from editloop.train.examples import EditExample, Reward


def square_example(number: int, side: int = 8, reward: Reward | None = None) -> EditExample:
    """The number-th source, and the same with its middle painted in the colour that the instruction names."""
    rng = np.random.default_rng(number)
    source = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    colour = number % 3
    target = source.copy()
    middle = slice(side // 4, 3 * side // 4)
    target[middle, middle] = np.eye(3, dtype=np.uint8)[colour] * 255
    words = f"paint the middle {('red', 'green', 'blue')[colour]}"
    return EditExample(f"square-{number}", source, words, target, reward=reward)

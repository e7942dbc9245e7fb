"""A judge's description of triplets whose true scores are known by construction."""

from __future__ import annotations

import numpy as np

from editloop.judges.calibrate.described import Described
from editloop.judges.calibrate.learning_curve import LabelledSet

TASKS = ("add", "remove", "style")


def crooked_judge(count: int, seed: int) -> LabelledSet:
    """A judge that is too lenient, blind to blur in its score though it suspects it, and harsh on styles; people are noisy.

    Truth is ``good - 2 blurred`` with good from 1 to 5; the judge says ``3 + good / 4``, less one for styles.
    """
    rng = np.random.default_rng(seed)
    good = rng.uniform(1.0, 5.0, count)
    blurred = rng.random(count)
    tasks = [TASKS[row % 3] for row in range(count)]
    style = np.array([task == "style" for task in tasks])
    says = 3.0 + good / 4.0 - style
    truth = np.clip(good - 2.0 * blurred, 1.0, 5.0)
    people = np.clip(truth + rng.normal(0.0, 0.4, count), 1.0, 5.0)
    described = Described(("overall", "p_blurred"), np.stack([says, blurred], 1), tuple(tasks))
    clusters = tuple(f"image {row // 2}" for row in range(count))
    return LabelledSet(described, people[:, None], ("overall",), clusters)

"""Seeds derive from (run seed, record id, stage), so any one sample can be made again alone."""

from __future__ import annotations

import hashlib

import numpy as np


def derive_seed(run_seed: int, *parts: str | int) -> int:
    """A 63-bit seed from the run seed and the words that name the consumer."""
    text = "\x1f".join([str(run_seed), *map(str, parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


def generator(run_seed: int, *parts: str | int) -> np.random.Generator:
    """A NumPy generator seeded with `derive_seed`."""
    return np.random.default_rng(derive_seed(run_seed, *parts))

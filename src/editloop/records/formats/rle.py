"""Run-length masks as COCO stores them: runs of 0 and 1 in column order, packed into printable characters.

A run is written in groups of five bits, lowest first, each as the character of code 48 + bits, with 32 added while more
groups follow; from the third run on, the difference to the run two places before is written.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError


def encode_mask(mask: NDArray[np.bool_]) -> str:
    """The packed runs of a mask of shape (h, w)."""
    flat = mask.flatten(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    bounds = np.concatenate([[0], edges, [flat.size]])
    runs = np.diff(bounds).tolist()
    if flat.size and flat[0]:
        runs.insert(0, 0)
    packed = [run - (runs[n - 2] if n > 2 else 0) for n, run in enumerate(runs)]
    return "".join(_pack(value) for value in packed)


def decode_mask(counts: str | Sequence[int], height: int, width: int) -> NDArray[np.bool_]:
    """The mask of shape (height, width) from packed or plain runs.

    Raises:
        BadInputError: `bad_mask`: the runs do not add up to the size, or a character is none of the code.
    """
    runs = _unpack(counts) if isinstance(counts, str) else list(counts)
    if any(run < 0 for run in runs) or sum(runs) != height * width:
        raise BadInputError(
            "bad_mask", f"runs add up to {sum(runs)} pixels, expected {height} x {width}"
        )
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order="F")


def _pack(value: int) -> str:
    characters = []
    while True:
        bits = value & 31
        value >>= 5
        done = value == (-1 if bits & 16 else 0)
        characters.append(chr(48 + bits + (0 if done else 32)))
        if done:
            return "".join(characters)


def _unpack(text: str) -> list[int]:
    runs: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64:
            raise BadInputError("bad_mask", f"{character!r} is no character of a COCO mask")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs

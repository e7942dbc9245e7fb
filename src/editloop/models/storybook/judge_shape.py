"""What is known of a storybook judge without opening its network: answers, vocabularies, version. Torch-free."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from editloop.core.errors import AssetError
from editloop.core.ids import sha256_hex

ANSWERS = ("instruction", "preservation", "quality", "overall")
"""What is scored, in the order of every array of scores: three axes, then the overall impression that people also give."""
SCORE_STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0)
"""Scores that a distribution spreads over."""
PICTURE_SIZE = 32
"""Side of the pictures that the network reads, in pixels."""
WEIGHTS_FOLDER = files("editloop.models.storybook") / "judge_weights"


@dataclass(frozen=True, slots=True)
class JudgeShape:
    """Sizes of a judge network, and the closed vocabularies that its numbers stand for."""

    words: tuple[str, ...]
    failures: tuple[str, ...]
    """Codes of what can be wrong; class 0 of the failure head is "nothing", class k is ``failures[k - 1]``."""
    tasks: tuple[str, ...]
    stem: int = 32
    """Channels at 16 x 16."""
    width: int = 64
    """Channels at 8 x 8, and of the words."""
    layers: int = 3
    text_width: int = 96
    """Width of the encoder that reads the words before they meet the pictures."""
    text_layers: int = 3
    draft_by: str = ""
    """Version of the editor whose one-step edit the judge sees beside the pictures (`judge_draft`); empty for a judge without."""


@dataclass(frozen=True, slots=True)
class JudgeFiles:
    """Trained weights as read from disk, not yet opened."""

    shape: JudgeShape
    training: dict[str, Any]
    """How they were trained: plan, seeds, raters, pairs."""
    weights: bytes
    """A safetensors file."""
    version: str
    """Checksum of weights and description."""


@cache
def judge_files(name: str, folder: Traversable = WEIGHTS_FOLDER) -> JudgeFiles:
    """The weights called `name`, the packaged ones unless another folder is given; read once a process.

    Raises:
        AssetError: when there are none; names the command that trains them.
    """
    weights, described = folder / f"{name}.safetensors", folder / f"{name}.json"
    if not (weights.is_file() and described.is_file()):
        raise AssetError(
            f"no weights of the storybook judge {name!r} in {folder}; train them with "
            f"`python -m editloop.train.judge {name}`"
        )
    raw, text = weights.read_bytes(), described.read_text(encoding="utf-8")
    parsed = json.loads(text)
    return JudgeFiles(
        shape_from_json(parsed["shape"]),
        parsed["training"],
        raw,
        sha256_hex(raw + text.encode())[:12],
    )


def shape_from_json(parsed: dict[str, Any]) -> JudgeShape:
    """The shape whose `dataclasses.asdict` went through JSON."""
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in parsed.items()}
    return JudgeShape(**fields)

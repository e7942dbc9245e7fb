"""A trained judge network behind a NumPy interface, so that judges need no torch of their own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load, save_file
from torch import Tensor

from editloop.core.errors import AssetError
from editloop.models.roles import RgbImage
from editloop.models.storybook.judge_draft import Drafter, draft_version, packaged_drafter
from editloop.models.storybook.judge_network import JudgeNetwork
from editloop.models.storybook.judge_shape import (
    ANSWERS,
    PICTURE_SIZE,
    WEIGHTS_FOLDER,
    JudgeFiles,
    JudgeShape,
    judge_files,
)
from editloop.models.storybook.judge_words import WordNumbers

_BATCH = 64
_GREY = 127.5


@dataclass(frozen=True, slots=True)
class Readings:
    """What a judge network says about n pairs, as float32 arrays."""

    expected: NDArray[np.float32]
    """Expected scores, (n, 4), within 1 to 5, in the order of `judge_shape.ANSWERS`."""
    spread: NDArray[np.float32]
    """Standard deviation of each score's distribution, (n, 4)."""
    failures: NDArray[np.float32]
    """Probabilities of "nothing" and of each failure, (n, 1 + failures)."""
    tasks: NDArray[np.float32]
    """Probabilities of the tasks, (n, tasks)."""


class JudgeReader:
    """Reads pairs with a trained network; each reading depends on its own pair alone.

    Args:
        network: Put into evaluation mode here.
        version: Changes whenever a reading may change.
        drafter: Draws the drafts of a network that reads them.
    """

    def __init__(self, network: JudgeNetwork, version: str, drafter: Drafter | None = None) -> None:
        self.network = network.eval()
        self.version = version
        self._drafter = drafter
        self._words = WordNumbers(network.shape.words)

    @property
    def shape(self) -> JudgeShape:
        """Sizes and vocabularies of the network."""
        return self.network.shape

    def read(
        self,
        sources: Sequence[RgbImage] | RgbImage,
        edits: Sequence[RgbImage] | RgbImage,
        instructions: Sequence[str],
        references: Sequence[RgbImage | None] | None = None,
        contexts: Sequence[Sequence[str]] | None = None,
    ) -> Readings:
        """Read n pairs, pictures of any size (brought to 32 x 32).

        Args:
            sources: Pictures before the edit, uint8 (h, w, 3) each, or one array (n, h, w, 3).
            edits: Pictures after it, likewise.
            instructions: What was asked, one a pair.
            references: Pictures that the words refer to, or None.
            contexts: Earlier instructions of the dialogue, oldest first.
        """
        numbers = self._words.batch(instructions, contexts)
        parts = []
        for start in range(0, len(numbers), _BATCH):
            rows = slice(start, start + _BATCH)
            before, after = (
                [at_network_size(x) for x in given[rows]] for given in (sources, edits)
            )
            given = [
                None if picture is None else at_network_size(picture)
                for picture in (references[rows] if references is not None else [None] * len(after))
            ]
            turns = contexts[rows] if contexts is not None else [()] * len(after)
            drafts = (
                self._drafter.drafts(before, instructions[rows], given, turns)
                if self._drafter is not None
                else None
            )
            parts.append(self._read(before, after, given, numbers[rows], drafts))
        return _joined(parts, self.shape)

    @torch.no_grad()
    def _read(
        self,
        sources: Sequence[RgbImage],
        edits: Sequence[RgbImage],
        references: Sequence[RgbImage | None],
        numbers: NDArray[np.int64],
        drafts: Sequence[RgbImage] | None,
    ) -> Readings:
        device = next(self.network.parameters()).device
        tensors = (pictures_to_tensor(x).to(device) for x in (sources, edits, references))
        words = torch.from_numpy(numbers).to(device)
        drafted = None if drafts is None else pictures_to_tensor(drafts).to(device)
        reading = self.network(*tensors, words, drafted)
        expected = reading.expected()
        return Readings(
            _array(expected),
            _array(reading.spread()),
            _array(reading.failures.softmax(-1)),
            _array(reading.tasks.softmax(-1)),
        )


def pictures_to_tensor(pictures: Sequence[RgbImage | None] | RgbImage) -> Tensor:
    """Pictures as float32 (n, 3, 32, 32) in [-1, 1]; None is grey, which is all zero."""
    small = np.zeros((len(pictures), PICTURE_SIZE, PICTURE_SIZE, 3), np.float32)
    for index, picture in enumerate(pictures):
        if picture is not None:
            small[index] = at_network_size(picture).astype(np.float32) / _GREY - 1.0
    return torch.from_numpy(small).permute(0, 3, 1, 2).contiguous()


def save_judge_weights(
    network: JudgeNetwork, folder: Path, name: str, facts: dict[str, Any]
) -> None:
    """Write `name`.safetensors in half precision, and `name`.json with the shape and how it was trained."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: value.detach().half().cpu() for key, value in network.state_dict().items()}
    save_file(tensors, str(folder / f"{name}.safetensors"))
    described = {"shape": asdict(network.shape), "training": facts}
    (folder / f"{name}.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")


def load_judge_network(found: JudgeFiles) -> JudgeNetwork:
    """The trained network kept in `found`, in single precision."""
    with torch.random.fork_rng(devices=[]):
        network = JudgeNetwork(found.shape)
    network.load_state_dict(load(found.weights))
    return network.float()


@cache
def open_judge(name: str, folder: Traversable = WEIGHTS_FOLDER) -> JudgeReader:
    """The reader over the weights called `name`, opened once a process.

    Raises:
        AssetError: when there are no such weights, or they belong to another editor's drafts.
    """
    found = judge_files(name, folder)  # type: ignore[arg-type]  # paths hash
    drafter = None
    if found.shape.draft_by:
        if found.shape.draft_by != draft_version():
            raise AssetError(
                f"the storybook judge {name!r} learnt beside drafts of the editor {found.shape.draft_by}, the packaged one is "
                f"{draft_version()}: train the judge again with `python -m editloop.train.judge {name}`"
            )
        drafter = packaged_drafter()
    return JudgeReader(load_judge_network(found), found.version, drafter)


def at_network_size(picture: RgbImage) -> RgbImage:
    """The picture at `PICTURE_SIZE` a side."""
    if picture.shape[:2] != (PICTURE_SIZE, PICTURE_SIZE):
        size = (PICTURE_SIZE, PICTURE_SIZE)
        picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))
    return picture


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return np.asarray(tensor.float().cpu().numpy())


def _joined(parts: Sequence[Readings], shape: JudgeShape) -> Readings:
    if not parts:
        failures, tasks = 1 + len(shape.failures), len(shape.tasks)
        return Readings(
            *(np.zeros((0, k), np.float32) for k in (len(ANSWERS), len(ANSWERS), failures, tasks))
        )
    return Readings(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("expected", "spread", "failures", "tasks")
        )
    )

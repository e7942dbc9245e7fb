"""What a folder of outputs holds of what a benchmark expects: checked before the first judge call is paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from editloop.bench.running.items import BenchItem
from editloop.bench.tasks.base import IMAGE_ENDINGS
from editloop.core.errors import BadInputError, UsageError
from editloop.core.ids import sha256_hex
from editloop.core.images import decode_image, read_image_file, upright_size


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of one run.

    Args:
        folder: Where outputs were looked for.
        expected: Outputs that the benchmark has.
        found: Key -> SHA-256 of the output, for those that can be judged.
        missing: Keys without a file.
        damaged: Key -> why its file cannot be read.
        wrong_name: Key -> file that seems to be meant; published scripts would not find it, and neither is it used here.
        wrong_size: Key -> ``WxH against WxH``; judged all the same, as published scripts do.
        strangers: Images that belong to no case.
        resized: Key -> ``WxH to WxH``, for what an endpoint returned in another size and the editor's adapter scaled.
    """

    folder: str
    expected: int
    found: Mapping[str, str]
    missing: Sequence[str]
    damaged: Mapping[str, str]
    wrong_name: Mapping[str, str]
    wrong_size: Mapping[str, str]
    strangers: Sequence[str]
    resized: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every expected output can be judged."""
        return len(self.found) == self.expected

    def as_json(self) -> dict[str, Any]:
        """For ``--json`` and the run folder."""
        return {
            "folder": self.folder,
            "expected": self.expected,
            "found": len(self.found),
            "missing": list(self.missing),
            "damaged": dict(self.damaged),
            "wrong_name": dict(self.wrong_name),
            "wrong_size": dict(self.wrong_size),
            "strangers": list(self.strangers),
            "resized": dict(self.resized),
        }

    def sentence(self) -> str:
        """One line for people."""
        parts = [f"{len(self.found)} of {self.expected} outputs found in {self.folder}"]
        for name, keys in (
            ("missing", list(self.missing)),
            ("damaged", [f"{key}: {why}" for key, why in self.damaged.items()]),
            ("wrong name", [f"{key} is called {name}" for key, name in self.wrong_name.items()]),
            ("wrong size", [f"{key} {what}" for key, what in self.wrong_size.items()]),
            ("of no case", list(self.strangers)),
            ("scaled", [f"{key} from {what}" for key, what in self.resized.items()]),
        ):
            if keys:
                parts.append(f"{len(keys)} {name} (first: {keys[0]})")
        return "; ".join(parts)


def check_outputs(folder: Path, items: Sequence[BenchItem], images: Path) -> Coverage:
    """Look for the output of every item of one run; of a dialogue for that of every turn, as ``KEY turn N``.

    Args:
        folder: In the benchmark's official layout.
        items: Of one run.
        images: Folder of the sources, for their sizes.

    Raises:
        UsageError: there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(
            f"there is no folder {folder}: --outputs takes a folder of images, one a case"
        )
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_ENDINGS and path.is_file()
    }
    wanted_outputs = [one for item in items for one in _outputs(item)]
    expected = {output for _, output, _ in wanted_outputs}
    alike: dict[str, list[str]] = {}
    for name in sorted(there - expected):
        alike.setdefault(_plain(name), []).append(name)
    found, missing, damaged, wrong_name, wrong_size = {}, [], {}, {}, {}
    for key, output, image in wanted_outputs:
        if output not in there:
            missing.append(key)
            if len(meant := alike.get(_plain(output), [])) == 1:
                wrong_name[key] = meant[0]
            continue
        try:
            data = read_image_file(folder / output)
            facts = decode_image(data).facts
        except BadInputError as error:
            damaged[key] = error.reason
            continue
        found[key] = sha256_hex(data)
        size, wanted = (facts.width_px, facts.height_px), _size(images / image)
        if wanted is not None and size != wanted:
            wrong_size[key] = f"{size[0]}x{size[1]} against {wanted[0]}x{wanted[1]}"
    strangers = sorted(there - expected - set(wrong_name.values()))
    return Coverage(
        str(folder), len(wanted_outputs), found, missing, damaged, wrong_name, wrong_size, strangers
    )


def turn_key(item: BenchItem, turn: int) -> str:
    """What an output is called here: the key of the case, with the turn (from 1) in a dialogue."""
    return f"{item.key} turn {turn}" if item.turns else item.key


def _outputs(item: BenchItem) -> list[tuple[str, str, str]]:
    """(key, output, source) of every output of an item."""
    names = enumerate(item.outputs, start=1)
    return [(turn_key(item, turn), name, item.image) for turn, name in names]


def _size(path: Path) -> tuple[int, int] | None:
    try:
        return upright_size(read_image_file(path))
    except BadInputError:
        return None


def _plain(name: str) -> str:
    """What two names share that differ in ending, case, leading zeros or a usual suffix alone."""
    path = PurePosixPath(name)
    stem = path.stem.lower()
    for suffix in ("_result", "_edited", "_output", "_edit"):
        stem = stem.removesuffix(suffix)
    return (path.parent / (stem.lstrip("0") or "0")).as_posix()

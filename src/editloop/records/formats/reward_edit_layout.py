"""RewardEdit-20K's layout (arXiv 2411.04713): a folder a triplet with both pictures and `prompt.json`, and one file of rewards.

`RewardEdit.json` holds for each folder three entries of `Score` and `Negative Prompt`: following, preserving, quality. Dialogues
and reference images have no place here and are left out; so are triplets that nobody judged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from editloop.core.errors import BadInputError
from editloop.core.ids import canonical_json
from editloop.records.formats.dataset import Dataset, Layout, Load, Skip
from editloop.records.formats.foreign import Found, record_of
from editloop.records.formats.image_bytes import describe, suffix
from editloop.records.formats.locate import ImageIndex, inside, read_image
from editloop.records.formats.reward_edit import as_rewards, read_rewards, write_rewards
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Verdict

REWARDS: Final = "RewardEdit.json"
RELEASED: Final = "RewardEdit_20K.json"
PROMPT: Final = "prompt.json"
PARTS: Final = ("orig", "edited")


class RewardEditLayout(Layout):
    """One folder a triplet, named after the record."""

    name = "rewardedit"
    lossless = False

    def holds(self, record: EditRecord) -> bool:
        """See `Layout.holds`."""
        return (
            record.target is not None
            and record.turn is None
            and not record.references
            and record.verdict is not None
            and as_rewards(record.verdict) is not None
        )

    def write(self, records: Iterable[EditRecord], load: Load, folder: Path) -> None:
        """See `Layout.write`."""
        write_rewards(self._written(records, load, folder), folder / REWARDS)

    def recognises(self, path: Path) -> bool:
        """See `Layout.recognises`."""
        return any((path / name).is_file() for name in (REWARDS, RELEASED))

    def read(self, path: Path) -> Dataset:
        """See `Layout.read`."""
        reader = _Reader(path)
        return Dataset(self.name, reader, reader.load, reader.skipped)

    def index_files(self, folder: Path) -> list[Path]:
        """See `Layout.index_files`."""
        return [folder / REWARDS]

    def _written(
        self, records: Iterable[EditRecord], load: Load, folder: Path
    ) -> Iterator[tuple[str, Verdict]]:
        for record in records:
            rewards = as_rewards(record.verdict) if record.verdict else None
            if record.target is None or rewards is None:
                continue
            triplet = folder / record.id
            triplet.mkdir()
            for part, ref in zip(PARTS, (record.source, record.target), strict=True):
                (triplet / f"{part}{suffix(ref.media_type)}").write_bytes(load(ref))
            prompt = {"edit": record.instruction, "edit_type": record.edit_type.value}
            (triplet / PROMPT).write_bytes(canonical_json(prompt) + b"\n")
            yield record.id, rewards


class _Reader:
    def __init__(self, root: Path) -> None:
        self._root = root
        self.skipped: list[Skip] = []
        self._index: ImageIndex[Path] = ImageIndex(self._scan)

    def __iter__(self) -> Iterator[EditRecord]:
        self.skipped.clear()
        for key, verdict in self._rewards():
            try:
                yield self._record(key, verdict)
            except BadInputError as error:
                self.skipped.append(Skip(key, error.reason, error.detail))
            except (OSError, ValueError, KeyError, TypeError) as error:
                self.skipped.append(Skip(key, "bad_annotation", str(error)))

    def load(self, ref: ImageRef) -> bytes:
        """The encoded bytes of an image."""
        return read_image(self._index.find(ref.sha256))

    def _rewards(self) -> Iterator[tuple[str, Verdict]]:
        named = [self._root / name for name in (REWARDS, RELEASED)]
        return read_rewards(next(path for path in named if path.is_file()))

    def _record(self, key: str, verdict: Verdict) -> EditRecord:
        triplet = inside(self._root, key)
        prompt: dict[str, Any] = json.loads((triplet / PROMPT).read_bytes())
        source, target = (self._image(_picture(triplet, part)) for part in PARTS)
        return record_of(
            Found(
                collection="rewardedit",
                name=key,
                instruction=prompt["edit"],
                edit_type=EditType(prompt.get("edit_type", EditType.ADJUST)),
                source=source,
                target=target,
                verdicts=(verdict,),
            )
        )

    def _image(self, path: Path) -> ImageRef:
        ref = describe(read_image(path))
        self._index.remember(ref.sha256, path)
        return ref

    def _scan(self) -> Iterator[tuple[str, Path]]:
        for key, _ in self._rewards():
            for part in PARTS:
                path = _picture(inside(self._root, key), part)
                yield describe(read_image(path)).sha256, path


def _picture(triplet: Path, part: str) -> Path:
    """The picture that plays `part`, whatever its ending.

    Raises:
        BadInputError: `missing_image`.
    """
    found = sorted(path for path in triplet.glob(f"{part}.*"))
    if not found:
        raise BadInputError("missing_image", f"{triplet.name} holds no {part} picture")
    return found[0]


REWARD_EDIT = RewardEditLayout()

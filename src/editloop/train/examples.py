"""What is learned from: triplets with pixels in memory, and what a judge said about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, overload

from editloop.core.errors import UsageError
from editloop.core.images import decode_image
from editloop.models.roles import EditRequest, RgbImage
from editloop.records.formats.reward_edit import AXES, NO_FAULT, SCALE, as_rewards
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord
from editloop.records.verdict import Verdict

TOP_SCORE: Final = SCALE[1]


@dataclass(frozen=True, slots=True)
class Reward:
    """A judgement of the target: scores in [0, 5] and faults in words, in RewardEdit-20K's order of `AXES`.

    A score is None where nobody judged that perspective.
    """

    scores: tuple[float | None, float | None, float | None]
    texts: tuple[str, str, str] = (NO_FAULT, NO_FAULT, NO_FAULT)

    def __post_init__(self) -> None:
        for name, score in zip(AXES, self.scores, strict=True):
            if score is not None and not 0 <= score <= TOP_SCORE:
                raise UsageError(f"the {name} score is {score}, expected 0 to {TOP_SCORE:g}")


@dataclass(frozen=True, slots=True)
class EditExample:
    """A triplet: `target` is what the editor should have made of `source`, as good as the data are."""

    id: str
    source: RgbImage
    instruction: str
    target: RgbImage
    references: tuple[RgbImage, ...] = ()
    context: tuple[str, ...] = ()
    reward: Reward | None = None

    def request(self) -> EditRequest:
        """The question that the target answers."""
        return EditRequest(
            image=self.source,
            instruction=self.instruction,
            seed=0,
            references=self.references,
            context=self.context,
        )


class RecordExamples(Sequence[EditExample]):
    """Triplets of records; pixels are decoded when an example is asked for.

    Args:
        records: Records of a run or a data set; those without a target are left out.
        load: Gives the encoded bytes of an image.
    """

    def __init__(self, records: Iterable[EditRecord], load: Callable[[ImageRef], bytes]) -> None:
        self._records = [record for record in records if record.target is not None]
        self._load = load

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, index: int) -> EditExample: ...

    @overload
    def __getitem__(self, index: slice) -> list[EditExample]: ...

    def __getitem__(self, index: int | slice) -> EditExample | list[EditExample]:
        if isinstance(index, slice):
            return [self._example(record) for record in self._records[index]]
        return self._example(self._records[index])

    def _example(self, record: EditRecord) -> EditExample:
        target = record.target
        if target is None:
            raise UsageError(f"record {record.id} has no target to learn from")
        return EditExample(
            id=record.id,
            source=self._pixels(record.source),
            instruction=record.instruction,
            target=self._pixels(target),
            references=tuple(self._pixels(reference) for reference in record.references),
            context=record.turn.history if record.turn else (),
            reward=reward_of(record.verdict) if record.verdict else None,
        )

    def _pixels(self, image: ImageRef) -> RgbImage:
        return decode_image(self._load(image)).pixels


def reward_of(verdict: Verdict) -> Reward | None:
    """A verdict as a reward condition, or None where the judge gave no score.

    Scores and texts as `as_rewards` puts them.
    """
    judged = as_rewards(verdict)
    if judged is None:
        return None
    first, second, third = judged.reasons
    following, preserving, quality = (judged.axes.get(axis) for axis in AXES)
    return Reward((following, preserving, quality), (first, second, third))

"""What is learned from: triplets with pixels in memory, and what a judge said about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, overload

from editloop.core.errors import UsageError
from editloop.core.images import decode_image
from editloop.models.roles import EditRequest, RgbImage
from editloop.records.formats.reward_edit import AXES, NO_FAULT, SCALE
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord
from editloop.records.verdict import Verdict

TOP_SCORE: Final = SCALE[1]
_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "following": ("following", "instruction", "adherence"),
    "preserving": ("preserving", "preservation", "consistency"),
    "quality": ("quality", "natural", "aesthetic"),
}


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

    Scores move linearly from the judge's scale to 0..5. Three reasons belong to the three perspectives; any other number
    is put together at the perspective with the lowest score, since most judges do not say which one a fault counts against.
    """
    low, high = verdict.scale
    native = [_axis(verdict.axes, names) for names in _OTHER_NAMES.values()]
    if all(score is None for score in native):
        return None
    following, preserving, quality = (
        None if score is None else TOP_SCORE * (score - low) / (high - low) for score in native
    )
    scores = (following, preserving, quality)
    if set(verdict.axes) == set(AXES) and len(verdict.reasons) == len(AXES):
        first, second, third = (text.strip() or NO_FAULT for text in verdict.reasons)
        return Reward(scores, (first, second, third))
    return Reward(scores, texts_at_worst(scores, "; ".join(verdict.reasons) or verdict.text))


def texts_at_worst(
    scores: tuple[float | None, float | None, float | None], fault: str
) -> tuple[str, str, str]:
    """`fault` at the perspective with the lowest score (the first of equals), `NO_FAULT` elsewhere."""
    texts = [NO_FAULT] * len(AXES)
    given = [index for index, score in enumerate(scores) if score is not None]
    if fault and given:
        texts[min(given, key=lambda index: scores[index] or 0.0)] = fault
    return texts[0], texts[1], texts[2]


def _axis(axes: Mapping[str, float], names: Sequence[str]) -> float | None:
    return next((axes[name] for name in names if name in axes), None)

"""How many planted flaws a judge catches, and how many good triplets it rejects."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from editloop.core.errors import UsageError
from editloop.core.images import decode_image, decode_mask
from editloop.core.seeds import generator
from editloop.judges.base import Judge, JudgeRequest
from editloop.judges.corruptors import FLAWS, Corruptor, Specimen
from editloop.models.roles import RgbImage
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord
from editloop.records.verdict import Verdict

Z_95 = 1.959964


def specimen_of(record: EditRecord, load: Callable[[ImageRef], bytes]) -> Specimen:
    """The triplet of a record, decoded.

    Args:
        record: With an edited image.
        load: Gives the encoded bytes of an image.

    Raises:
        UsageError: the record has no edited image.
        BadInputError: an image cannot be decoded.
    """
    if record.target is None:
        raise UsageError(
            f"record {record.id} has no edited image; only finished triplets can be judged"
        )

    def pixels(ref: ImageRef) -> RgbImage:
        return decode_image(load(ref)).pixels

    request = JudgeRequest(
        source=pixels(record.source),
        instruction=record.instruction,
        edited=pixels(record.target),
        mask=decode_mask(load(record.mask)) > 127 if record.mask else None,
        references=tuple(pixels(ref) for ref in record.references),
        context=record.turn.history if record.turn else (),
    )
    return Specimen(request, record.edit_type)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its count."""

    hits: int
    n: int

    @property
    def share(self) -> float:
        """Hits over n; NaN when nothing was counted."""
        return self.hits / self.n if self.n else math.nan

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share (Wilson 1927); (0, 1) when nothing was counted."""
        if not self.n:
            return 0.0, 1.0
        spread = Z_95**2 / self.n
        centre = (self.share + spread / 2) / (1 + spread)
        half = (
            Z_95
            * math.sqrt(self.share * (1 - self.share) / self.n + spread / (4 * self.n))
            / (1 + spread)
        )
        return max(0.0, centre - half), min(1.0, centre + half)


@dataclass
class DetectionReport:
    """Rejections by planted flaw and, for untouched triplets, by edit type."""

    detected: dict[str, Rate] = field(default_factory=dict)
    false_alarms: dict[str, Rate] = field(default_factory=dict)
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    """Flaw (or ``good:<edit type>``) -> reject reason -> count."""

    @property
    def false_alarm(self) -> Rate:
        """Over all edit types."""
        return Rate(
            sum(r.hits for r in self.false_alarms.values()),
            sum(r.n for r in self.false_alarms.values()),
        )


def measure_detection(
    judge: Judge,
    specimens: Sequence[Specimen],
    *,
    seed: int = 0,
    flaws: Mapping[str, Corruptor] = FLAWS,
    only_accepted: bool = True,
    progress: Callable[[int], None] | None = None,
) -> DetectionReport:
    """Judges every specimen as it is and once with every flaw that can be planted into it.

    Args:
        judge: Who is measured.
        specimens: Good triplets.
        seed: The same seed plants the same flaws.
        flaws: Corruptors by name.
        only_accepted: Plant flaws only into triplets that the judge accepts untouched, so that a detection is due to
            the flaw.
        progress: Called with the number of specimens done.
    """
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    alarms: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for index, good in enumerate(specimens):
        verdict = judge.judge(good.request)
        _count(alarms[good.edit_type], reasons[f"good:{good.edit_type}"], verdict)
        if verdict.accepted or not only_accepted:
            others = [*specimens[:index], *specimens[index + 1 :]]
            for name, corrupt in flaws.items():
                broken = corrupt(good, others, generator(seed, name, index))
                if broken is not None:
                    found = judge.judge(broken)
                    _count(counts[name], reasons[name], found)
        if progress is not None:
            progress(index + 1)
    return DetectionReport(
        detected={name: Rate(*counts[name]) for name in flaws if name in counts},
        false_alarms={kind: Rate(*alarms[kind]) for kind in sorted(alarms)},
        reasons={name: dict(counter.most_common()) for name, counter in reasons.items() if counter},
    )


def _count(tally: list[int], reasons: Counter[str], verdict: Verdict) -> None:
    tally[1] += 1
    if not verdict.accepted:
        tally[0] += 1
        reasons[verdict.reject_reason or "unscored"] += 1

"""Where cases to practise on come from: the storybook world, or the records of a run or data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from editloop.core.errors import UsageError
from editloop.core.ids import content_id
from editloop.core.images import decode_image
from editloop.models.roles import EditRequest, RgbImage
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord
from editloop.records.verdict import OVERALL, Verdict
from editloop.train.align.reward_bus import Scores
from editloop.train.align.trajectory import AlignCase, ScoredImage
from editloop.world.cases import Case
from editloop.world.changes import edit_mask
from editloop.world.oracle import score_edit
from editloop.world.render import render


def storybook_cases(cases: Iterable[Case], size: int = 32) -> list[AlignCase]:
    """Storybook cases drawn at `size` pixels; the request's plan is the case, which the oracle reads."""
    return [
        AlignCase(
            id=case.id,
            request=EditRequest(
                image=render(case.source, size),
                instruction=case.instruction,
                seed=0,
                mask=edit_mask(case, size),
                references=tuple(render(scene, size) for scene in case.references),
                context=case.context,
                plan=case,
                edit_type=case.edit_type,
            ),
            target=render(case.target, size),
        )
        for case in cases
    ]


def record_cases(
    records: Iterable[EditRecord], load: Callable[[ImageRef], bytes]
) -> list[AlignCase]:
    """One case for each pair of source and instruction; every record's target with a verdict is a scored result of it.

    Records of a run that tried an instruction several times thus become groups for offline training.

    Args:
        records: Of a run or a data set; those without a target are cases too.
        load: Gives the encoded bytes of an image.
    """
    grouped: dict[str, list[EditRecord]] = {}
    for record in records:
        history = record.turn.history if record.turn else ()
        references = [reference.sha256 for reference in record.references]
        key = content_id(record.source.sha256, record.instruction, list(history), references)
        grouped.setdefault(key, []).append(record)
    return [_record_case(key, members, load) for key, members in grouped.items()]


class OracleReward:
    """The storybook oracle, which knows the true scenes: for claims and tests, never for an honest comparison of judges."""

    scale = (1.0, 5.0)

    def score_many(
        self, requests: Sequence[EditRequest], images: Sequence[RgbImage]
    ) -> list[Scores | None]:
        """Instruction, preservation, quality and overall of each image.

        Raises:
            UsageError: for a request without its storybook case as the plan.
        """
        return [self._score(*pair) for pair in zip(requests, images, strict=True)]

    def _score(self, request: EditRequest, image: RgbImage) -> Scores:
        if not isinstance(request.plan, Case):
            raise UsageError("the oracle scores storybook cases alone; take another judge")
        found = score_edit(request.plan, image)
        return {
            "instruction": found.instruction,
            "preservation": found.preservation,
            "quality": found.quality,
            "overall": found.overall,
        }


def _record_case(
    key: str, records: Sequence[EditRecord], load: Callable[[ImageRef], bytes]
) -> AlignCase:
    first = records[0]
    mask = None
    if first.mask is not None:
        mask = decode_image(load(first.mask)).pixels[..., 0] > 127
    request = EditRequest(
        image=decode_image(load(first.source)).pixels,
        instruction=first.instruction,
        seed=0,
        mask=mask,
        references=tuple(decode_image(load(image)).pixels for image in first.references),
        context=first.turn.history if first.turn else (),
        edit_type=first.edit_type,
    )
    scored = [
        ScoredImage(decode_image(load(record.target)).pixels, scores)
        for record in records
        if record.target is not None and (scores := _scores(record.verdict)) is not None
    ]
    return AlignCase(key, request, tuple(scored))


def _scores(verdict: Verdict | None) -> Scores | None:
    """The axes of a verdict with its score of the whole edit, or None where it gave none."""
    if verdict is None or verdict.overall is None:
        return None
    return {**verdict.axes, OVERALL: verdict.overall}

"""Triplets with pixels, and verdicts as rewards."""

from __future__ import annotations

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.core.ids import sha256_hex
from editloop.core.images import encode_jpeg
from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Origin, Provenance
from editloop.records.record import EditRecord, Turn
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Outcome, Verdict
from editloop.train.examples import RecordExamples, Reward, reward_of

PICTURES = {
    name: np.full((4, 6, 3), value, np.uint8)
    for name, value in (("source", 40), ("target", 200), ("reference", 90))
}
BYTES = {name: encode_jpeg(pixels) for name, pixels in PICTURES.items()}


def _verdict(
    axes: dict[str, float], scale: tuple[float, float] = (1.0, 5.0), **more: object
) -> Verdict:
    return Verdict(judge="test", judge_version="1", scale=scale, axes=axes, **more)  # type: ignore[arg-type]


def test_scores_move_to_the_scale_of_zero_to_five_and_the_fault_to_the_worst_of_them() -> None:
    verdict = _verdict(
        {"instruction": 5, "preservation": 2, "quality": 3}, reasons=("the sky changed",)
    )
    reward = reward_of(verdict)
    assert reward == Reward((5.0, 1.25, 2.5), ("None", "the sky changed", "None"))


def test_reward_edits_own_texts_keep_their_places() -> None:
    axes = {"following": 1.0, "preserving": 4.0, "quality": 5.0}
    verdict = _verdict(axes, (0.0, 5.0), reasons=("the frame is not green", "", "None"))
    assert reward_of(verdict) == Reward((1.0, 4.0, 5.0), ("the frame is not green", "None", "None"))


def test_a_perspective_that_nobody_judged_has_no_score() -> None:
    reward = reward_of(
        _verdict({"instruction": 1, "natural": 5}, reasons=("nothing happened", "too late"))
    )
    assert reward == Reward((0.0, None, 5.0), ("nothing happened; too late", "None", "None"))
    assert reward_of(_verdict({}, outcome=Outcome.REFUSED)) is None


def test_a_score_off_the_scale_is_refused() -> None:
    with pytest.raises(UsageError, match="preserving score is 6"):
        Reward((1.0, 6.0, 2.0))


def _reference(name: str) -> ImageRef:
    return ImageRef(sha256=sha256_hex(BYTES[name]), width=6, height=4)


def _load(image: ImageRef) -> bytes:
    return next(data for data in BYTES.values() if sha256_hex(data) == image.sha256)


def _record(number: int, **more: object) -> EditRecord:
    provenance = Provenance(
        recipe="test", recipe_version="1", run_seed=0, origin=Origin(name="none.jpg")
    )
    return EditRecord(
        id=f"record-{number}",
        source=_reference("source"),
        instruction="make it bright",
        edit_type=EditType.STYLE,
        provenance=provenance,
        **more,  # type: ignore[arg-type]
    )


def test_records_become_triplets_and_those_without_a_target_are_left_out() -> None:
    turn = Turn(
        dialogue_id="d",
        kind=EditType.CONTENT_MEMORY,
        turn=2,
        turns=2,
        base_turn=1,
        history=("first",),
    )
    records = [
        _record(0),
        _record(1, target=_reference("target")),
        _record(
            2,
            target=_reference("target"),
            references=(_reference("reference"),),
            turn=turn,
            verdicts=(_verdict({"instruction": 3}),),
        ),
    ]
    examples = RecordExamples(records, _load)
    assert [example.id for example in examples] == ["record-1", "record-2"]
    plain, full = examples[0:2]
    assert int(plain.source[0, 0, 0]) == 40
    assert int(plain.target[0, 0, 0]) == 200
    assert (plain.references, plain.context, plain.reward) == ((), (), None)
    assert full.reward == Reward((2.5, None, None))
    request = full.request()
    assert request.context == ("first",)
    assert int(request.references[0][0, 0, 0]) == 90

from __future__ import annotations

from typing import Any

from tests.mine.scenes import photo, reference

from editloop.engine.stage import Dropped, Kept, StageConfig
from editloop.mine.stages.assemble import Assemble
from editloop.mine.stages.near_duplicates import NearDuplicates, NearDuplicatesConfig
from editloop.records.provenance import Origin, Provenance, Step
from editloop.records.record import EditRecord, Operation, Turn
from editloop.records.taxonomy import EditType


def record(name: str, *, inverse: bool = False, **changes: Any) -> EditRecord:
    step = Step(stage="edit", version="1", parameters={"inverse": inverse})
    values: dict[str, Any] = {
        "id": name,
        "source": reference("source"),
        "target": reference("target"),
        "instruction": "Remove the dog.",
        "edit_type": EditType.REMOVE,
        "provenance": Provenance(
            recipe="photos", recipe_version="1", run_seed=0, origin=Origin(name="x"), steps=(step,)
        ),
    }
    return EditRecord(**(values | changes))


def turn(number: int, of: int = 3) -> Turn:
    return Turn(
        dialogue_id="d",
        kind=EditType.CONTENT_UNDERSTANDING,
        turn=number,
        turns=of,
        base_turn=number - 1,
    )


def reasons(records: list[EditRecord]) -> list[str]:
    outcomes = Assemble(StageConfig()).run(records)
    return [o.reason if isinstance(o, Dropped) else "kept" for o in outcomes]


def test_the_best_of_look_alikes_stays() -> None:
    photos = [
        photo("a", phash="00000000000000ff", quality=0.5),
        photo("b", phash="00000000000000fe", quality=0.9),
        photo("c", phash="ffffffff00000000", quality=0.1),
    ]
    outcomes = NearDuplicates(NearDuplicatesConfig(max_distance=6)).run(photos)
    assert isinstance(outcomes[0], Dropped)
    assert outcomes[0].evidence == {"distance": 1.0}
    assert outcomes[0].detail == "looks like b"
    assert [isinstance(o, Kept) for o in outcomes] == [False, True, True]


def test_distance_counts_bits_at_the_border() -> None:
    photos = [photo("a", phash="0" * 16, quality=0.9), photo("b", phash=f"{0b1111111:016x}")]
    assert isinstance(NearDuplicates(NearDuplicatesConfig(max_distance=6)).run(photos)[1], Kept)
    assert isinstance(NearDuplicates(NearDuplicatesConfig(max_distance=7)).run(photos)[1], Dropped)


def test_a_dialogue_without_a_turn_goes_as_a_whole() -> None:
    whole = [record(f"t{i}", turn=turn(i)) for i in (1, 2, 3)]
    assert reasons(whole) == ["kept"] * 3
    assert reasons([whole[0], whole[2]]) == ["dialogue_incomplete"] * 2


def test_both_directions_stay_or_go_together() -> None:
    forward = record("f", inverse=True)
    backward = record("b", inverse=True, operation=Operation.INVERSE, parents=("f",))
    assert reasons([forward, backward]) == ["kept", "kept"]
    assert reasons([backward]) == ["other_direction_rejected"]
    assert reasons([forward]) == ["other_direction_rejected"]
    assert reasons([record("alone")]) == ["kept"]

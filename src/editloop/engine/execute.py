"""One batch through one stage: the same code inline, in a thread and in a worker process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel

from editloop.core.errors import (
    BadInputError,
    EditloopError,
    ModelCallError,
    PrerequisiteError,
    StageError,
    StoreError,
)
from editloop.engine.outcomes import Outcome
from editloop.engine.stage import Dropped, Failed, Kept, Scope, Stage, StageContext

STOPS_THE_RUN: Final = (PrerequisiteError, StageError, StoreError)
"""Errors that are not about one record: no other record would fare better."""

_WORTH_ANOTHER_RUN: Final = (ModelCallError, TimeoutError, ConnectionError)

_MESSAGE_LENGTH: Final = 2000


def execute(
    stage: Stage[Any, Any, Any], records: Sequence[BaseModel]
) -> tuple[list[Outcome], float]:
    """One outcome per record, and the seconds that the stage took.

    When the batch raises, its records are tried one by one and only those that still raise are `Failed`.

    Raises:
        StageError: when the stage breaks its contract.
        StoreError: when the store cannot be read or written.
        PrerequisiteError: when something that the stage needs is missing.
    """
    started = time.perf_counter()
    try:
        outcomes: list[Outcome] = list(stage.run(records))
    except STOPS_THE_RUN:
        raise
    except Exception as error:
        if stage.scope is Scope.ALL:
            raise StageError(
                f"stage {stage.name!r} sees all records at once and raised {type(error).__name__}: {error}"
            ) from error
        if len(records) > 1:
            outcomes = [outcome for record in records for outcome in execute(stage, [record])[0]]
        else:
            outcomes = [outcome_of_error(stage, error)]
    check_outcomes(stage, len(records), outcomes)
    return outcomes, time.perf_counter() - started


def outcome_of_error(stage: Stage[Any, Any, Any], error: Exception) -> Dropped | Failed:
    """What an exception means for the one record that raised it."""
    if isinstance(error, BadInputError) and error.reason in stage.reasons:
        return Dropped(error.reason, error.detail)
    message = str(error)[:_MESSAGE_LENGTH]
    return Failed(type(error).__name__, message, retryable=isinstance(error, _WORTH_ANOTHER_RUN))


def check_outcomes(stage: Stage[Any, Any, Any], expected: int, outcomes: Sequence[Outcome]) -> None:
    """Hold a stage to its contract.

    Raises:
        StageError: for a wrong number of outcomes, a record of another type, or a drop reason it did not declare.
    """
    if len(outcomes) != expected:
        raise StageError(
            f"stage {stage.name!r} gave {len(outcomes)} outcomes for {expected} records"
        )
    kept = [outcome for outcome in outcomes if isinstance(outcome, Kept)]
    kinds = {type(record) for outcome in kept for record in outcome.records}
    if len(kept) < expected:
        ended = [outcome for outcome in outcomes if not isinstance(outcome, Kept)]
        _check_ends(stage, ended)
        kinds |= {
            type(end.record) for end in ended if isinstance(end, Dropped) and end.record is not None
        }
    for kind in kinds:
        if not issubclass(kind, stage.output):
            raise StageError(
                f"stage {stage.name!r} gave a {kind.__name__}, it declares {stage.output.__name__}"
            )


def _check_ends(stage: Stage[Any, Any, Any], ended: Sequence[Dropped | Failed]) -> None:
    for outcome in ended:
        if isinstance(outcome, Failed):
            continue
        if not isinstance(outcome, Dropped):
            raise StageError(
                f"stage {stage.name!r} gave a {type(outcome).__name__} instead of Kept or Dropped"
            )
        if outcome.reason not in stage.reasons:
            raise StageError(
                f"stage {stage.name!r} dropped a record for {outcome.reason!r}, it declares "
                f"{list(stage.reasons)}: add the reason to its `reasons`"
            )


def open_stage(stage: Stage[Any, Any, Any], context: StageContext) -> None:
    """Let a stage load its models.

    Raises:
        EditloopError: whatever of that kind the stage raises; anything else becomes a `StageError`.
    """
    try:
        stage.open(context)
    except EditloopError:
        raise
    except Exception as error:
        raise StageError(
            f"stage {stage.name!r} cannot open: {type(error).__name__}: {error}"
        ) from error

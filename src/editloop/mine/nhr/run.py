"""Running the recipe from Python, and what a study of its filters asks of a run: every candidate and where it fell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from editloop.core.errors import UsageError
from editloop.engine import ProgressCallback, RunResult, run_pipeline
from editloop.judges.calibrate.thresholds import PickedThreshold
from editloop.mine.in_process import in_this_process
from editloop.mine.nhr.recipe import NhrRecipe
from editloop.mine.nhr.validation import picked_threshold
from editloop.mine.truth import truth_of
from editloop.records.record import EditRecord, Operation
from editloop.records.verdict import Verdict
from editloop.world.cases import Case


@dataclass(frozen=True, slots=True)
class Candidate:
    """One try of one edit of one source, with what the judges said.

    `stage` is where it fell, for `reason`; both are None for an accepted one.
    """

    record: EditRecord
    stage: str | None = None
    reason: str | None = None

    @property
    def truth(self) -> Case | None:
        """The case behind the edit, its source moved to where the drawn picture shows it."""
        return truth_of(self.record)

    @property
    def soft_verdict(self) -> Verdict | None:
        """What the soft filter's judge said."""
        return self.record.verdicts[0] if self.record.verdicts else None

    @property
    def validator_verdict(self) -> Verdict | None:
        """What the validator said; None for a candidate that fell before it."""
        return self.record.verdicts[1] if len(self.record.verdicts) > 1 else None


def mine_nhr(
    run_dir: Path | None,
    recipe: NhrRecipe,
    *,
    workers: int | None = None,
    in_process: bool = False,
    progress: ProgressCallback | None = None,
) -> RunResult:
    """Mine; with a `run_dir` what an earlier run left is not computed again.

    Args:
        run_dir: Folder of the run; None keeps nothing beyond the result.
        recipe: The settings.
        workers: Worker processes; by default one for each CPU.
        in_process: Run the models in this process, one after the other.
        progress: As `run_pipeline`.

    Returns:
        The result; close it, or use it as a context manager.
    """
    stages = recipe.stages()
    return run_pipeline(
        in_this_process(stages) if in_process else stages,
        recipe.inputs(),
        run_dir=run_dir,
        run_seed=recipe.seed,
        workers=workers,
        config=recipe.model_dump(mode="json"),
        progress=progress,
    )


def candidates(result: RunResult) -> list[Candidate]:
    """Every judged try of a run of `mine_nhr`, accepted or not, sorted by id."""
    accepted = [
        Candidate(record)
        for record in result.records()
        if isinstance(record, EditRecord) and record.operation is Operation.ORIGINAL
    ]
    fallen = [
        Candidate(reject.record, reject.stage, reject.reason)
        for reject in result.rejected()
        if isinstance(reject.record, EditRecord) and reject.record.operation is Operation.ORIGINAL
    ]
    return sorted([*accepted, *fallen], key=lambda candidate: candidate.record.id)


def accepted_after(tries: Sequence[Candidate], stage: str, result: RunResult) -> list[Candidate]:
    """The candidates that `stage` let through.

    Args:
        tries: What `candidates` gave.
        stage: Name of a stage that works on candidates, ``try_edits`` (all of them) to ``backward_consistency``.
        result: The run.

    Raises:
        UsageError: when the run has no such stage.
    """
    order = [count.name for count in result.counts]
    if stage not in order:
        raise UsageError(f"the run has no stage {stage!r}; it has {', '.join(order)}")
    last = order.index(stage)
    return [one for one in tries if one.stage is None or order.index(one.stage) > last]


def survival(tries: Sequence[Candidate], recipe: NhrRecipe) -> PickedThreshold:
    """The survival curve of the validator's scores with its knees, and the threshold that they give.

    With thresholds that were set rather than picked, the one that would have been picked.

    Raises:
        UsageError: when no candidate reached the validator.
    """
    verdicts = [one.validator_verdict for one in tries]
    return picked_threshold([v for v in verdicts if v is not None], recipe.validator)

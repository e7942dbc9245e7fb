"""What the filters are worth: the share of right edits before and after each, as the oracle of the storybook world sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from editloop.core.stats import Interval, wilson_interval
from editloop.engine import RunResult
from editloop.mine.nhr.run import Candidate, accepted_after
from editloop.mine.truth import truth_of
from editloop.models.roles import RgbImage
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord
from editloop.world.oracle import OracleScore, score_edit

STAGES = (
    "try_edits",
    "soft_filter",
    "low_level",
    "validate",
    "pick_thresholds",
    "select_best",
    "backward_consistency",
)
"""Stages that work on candidates, in order."""


@dataclass(frozen=True, slots=True)
class Audit:
    """Oracle scores of some triplets."""

    count: int
    right: Interval
    """Share with nothing to complain about, with its 95 % interval."""
    overall: float
    """Mean overall score, 1 to 5."""


@dataclass(frozen=True, slots=True)
class StageAudit:
    """What a stage let through."""

    stage: str
    after: Audit | None
    """None where nothing was left."""


def oracle_score(record: EditRecord, load: Callable[[ImageRef], RgbImage]) -> OracleScore | None:
    """What a fair person would say about a triplet; None where no case stands behind it.

    Args:
        record: A triplet with its edited image.
        load: Gives the pixels of an image.
    """
    case = truth_of(record)
    if case is None or record.target is None:
        return None
    return score_edit(case, load(record.target), source=load(record.source))


def audit(records: Sequence[EditRecord], load: Callable[[ImageRef], RgbImage]) -> Audit | None:
    """Share of right edits and mean score; triplets without a case are left out, None without any."""
    scores = [score for score in (oracle_score(r, load) for r in records) if score is not None]
    return _summed(scores)


def audit_stages(tries: Sequence[Candidate], result: RunResult) -> list[StageAudit]:
    """The audit of what each filter let through, in the order of the stages, ``try_edits`` being all candidates."""
    scores = {one.record.id: oracle_score(one.record, result.images.load) for one in tries}
    ran = [count.name for count in result.counts]
    audits = []
    for stage in STAGES:
        if stage in ran:
            left = [scores[one.record.id] for one in accepted_after(tries, stage, result)]
            audits.append(StageAudit(stage, _summed([s for s in left if s is not None])))
    return audits


def _summed(scores: Sequence[OracleScore]) -> Audit | None:
    if not scores:
        return None
    right = wilson_interval(sum(score.right for score in scores), len(scores))
    return Audit(len(scores), right, sum(score.overall for score in scores) / len(scores))

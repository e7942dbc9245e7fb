"""Cheap filters on candidates: the soft judge, and the check for diffuse noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from editloop.engine.stage import Dropped, Kept, Lane, Stage, StageConfig
from editloop.mine.judging import JudgingStage, adherence, aesthetic
from editloop.mine.nhr.low_level import largest_component_share
from editloop.records.record import EditRecord
from editloop.records.verdict import Verdict


class SoftFilterConfig(StageConfig):
    """A judge and the scores it must give, on its own scale."""

    judge: str = "world:base-scorer"
    min_adherence: float = 3.0
    min_aesthetic: float = 3.0
    min_preservation: float = 3.0
    """Least score that counts as "yes" to the question about unwanted changes (A.3), where the judge has that axis."""


class SoftFilter(JudgingStage[SoftFilterConfig]):
    """The cheap first judge (prompts A.2 to A.4; 57 % fell here in the paper)."""

    name: ClassVar[str] = "soft_filter"
    version: ClassVar[str] = "1"
    reasons: tuple[str, ...] = ("unscored", "unwanted_change", "low_adherence", "low_aesthetic")

    @property
    def judge_spec(self) -> str:
        """As configured."""
        return self.config.judge

    def decide(self, record: EditRecord) -> Kept[EditRecord] | Dropped:
        """Keep what is good enough on every count."""
        verdict = record.verdicts[-1]
        reason = self._objection(verdict)
        return Dropped(reason, verdict.text, verdict.axes, record) if reason else Kept((record,))

    def _objection(self, verdict: Verdict) -> str | None:
        adherent, beautiful = adherence(verdict), aesthetic(verdict)
        if adherent is None or beautiful is None:
            return "unscored"
        config = self.config
        if verdict.axes.get("preservation", config.min_preservation) < config.min_preservation:
            return "unwanted_change"
        if adherent < config.min_adherence:
            return "low_adherence"
        return "low_aesthetic" if beautiful < config.min_aesthetic else None


class LowLevelConfig(StageConfig):
    """The check for diffuse noise in place of an edit."""

    enabled: bool = True
    threshold: int = 40
    """Difference in a channel, of 255, above which a pixel counts as changed."""
    min_share: float = 0.005
    """Least share of the changed pixels in their largest connected part."""


class LowLevelCheck(Stage[EditRecord, EditRecord, LowLevelConfig]):
    """Changes that are scattered all over are noise, not an edit (optional; about 3 % fell here in the paper)."""

    name: ClassVar[str] = "low_level"
    version: ClassVar[str] = "1"
    lane: ClassVar[Lane] = Lane.THREAD
    input = EditRecord
    output = EditRecord
    reasons: tuple[str, ...] = ("no_change", "scattered_change")

    def run(self, records: Sequence[EditRecord]) -> Sequence[Kept[EditRecord] | Dropped]:
        """Candidates as they are, or dropped."""
        if not self.config.enabled:
            return [Kept((record,)) for record in records]
        return [self._one(record) for record in records]

    def _one(self, record: EditRecord) -> Kept[EditRecord] | Dropped:
        if record.target is None:
            return Dropped("no_change", "nothing was edited", record=record)
        before, after = self.context.load(record.source), self.context.load(record.target)
        share = largest_component_share(before, after, self.config.threshold)
        if share is None:
            return Dropped("no_change", record=record)
        if share < self.config.min_share:
            return Dropped("scattered_change", evidence={"largest_share": share}, record=record)
        return Kept((record,))

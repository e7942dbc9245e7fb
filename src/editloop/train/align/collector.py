"""One step's groups: drawn, judged while the next are drawn, filtered, and replaced where the filter took them out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch

from editloop.core.errors import UsageError
from editloop.train.align.anchor import Anchor
from editloop.train.align.clock import PhaseClock
from editloop.train.align.conditions import ConditionCache
from editloop.train.align.config import AlignConfig
from editloop.train.align.reward_bus import RewardBus, Scores
from editloop.train.align.rewarding import Rewarder, ScoredGroup
from editloop.train.align.rollout import RolloutEngine, window_of
from editloop.train.align.sampler import CaseSampler, Draw
from editloop.train.align.trajectory import Trajectory
from editloop.train.policy import EditPolicy
from editloop.train.sft.parallel import Processes


@dataclass(frozen=True, slots=True)
class _Pending:
    """A group on its way through the judges."""

    trajectory: Trajectory
    scores: Future[list[Scores | None]]


@dataclass
class Collected:
    """The groups of a step.

    Args:
        kept: Worth an update.
        judged: All that were drawn, for statistics.
        counts: Of the filter, added up over all rounds; ``drawn`` counts the groups.
    """

    kept: list[ScoredGroup] = field(default_factory=list)
    judged: list[ScoredGroup] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {"drawn": 0})


class Collector:
    """Brings together what a step trains on.

    Args:
        policy: Draws.
        config: All settings.
        anchor: Has the old policy, where that one draws.
        cache: Conditions.
        sampler: Whose turn it is.
        bus: Judges of rollouts; None where data are scored already.
        rewarder: Filters.
        engine: Draws groups.
        processes: This process takes its share.
    """

    def __init__(
        self,
        policy: EditPolicy,
        config: AlignConfig,
        anchor: Anchor,
        cache: ConditionCache,
        sampler: CaseSampler,
        bus: RewardBus | None,
        rewarder: Rewarder,
        engine: RolloutEngine,
        processes: Processes,
    ) -> None:
        self._policy, self._config, self._anchor = policy, config, anchor
        self._cache, self._sampler, self._bus = cache, sampler, bus
        self._rewarder, self._engine, self._processes = rewarder, engine, processes
        self._ahead: list[_Pending] = []

    def collect(self, step: int, clock: PhaseClock, *, draw_ahead: bool = False) -> Collected:
        """The groups of `step`.

        Args:
            step: Counted from 0; it is also the version of the policy.
            clock: Takes the time of each phase.
            draw_ahead: Draw the next step's groups before waiting for this step's scores.

        Raises:
            UsageError: when a group is older than `max_staleness` allows.
        """
        wanted = -(-self._config.rollout.groups // self._processes.count)
        most = round(wanted * self._config.rollout.draws)
        found = Collected()
        pending, self._ahead = self._ahead or self._draw(wanted, step, clock), []
        if draw_ahead:
            self._ahead = self._draw(wanted, step, clock)
        while True:
            with clock.phase("judge_wait"):
                judged = [ScoredGroup(p.trajectory, p.scores.result()) for p in pending]
            self._take(found, judged, step)
            short = min(wanted - len(found.kept), most - found.counts["drawn"])
            if short <= 0:
                return found
            pending = self._draw(short, step, clock)

    def _take(self, found: Collected, judged: Sequence[ScoredGroup], step: int) -> None:
        for group in judged:
            lag = step - group.trajectory.version
            if lag > self._config.max_staleness:
                raise UsageError(
                    f"the group of {group.trajectory.case.id} is {lag} versions old, at most "
                    f"{self._config.max_staleness} are allowed; set max_staleness or draw it again"
                )
        kept, counts = self._rewarder.kept(judged)
        found.kept += kept
        found.judged += judged
        found.counts["drawn"] += len(judged)
        for reason, count in counts.items():
            found.counts[reason] = found.counts.get(reason, 0) + count

    def _draw(self, count: int, step: int, clock: PhaseClock) -> list[_Pending]:
        return [self._group(draw, step, clock) for draw in self._sampler.take(count)]

    def _group(self, draw: Draw, step: int, clock: PhaseClock) -> _Pending:
        with clock.phase("encode"):
            condition = self._cache.get(draw.case.request)
        if self._config.data == "scored" or self._bus is None:
            return self._stored(draw, step)
        rollout = self._config.rollout
        window = window_of(rollout, step, self._config.seed, draw.case.id)
        policy = self._anchor.old() if rollout.drawn_by == "old" else nullcontext()
        with clock.phase("rollout"), policy:
            group = self._engine.draw(
                draw.case, condition, seed=draw.seed, version=step, window=window
            )
        requests = [draw.case.request] * len(group)
        return _Pending(group, self._bus.submit(requests, group.images))

    @torch.no_grad()
    def _stored(self, draw: Draw, step: int) -> _Pending:
        """The case's own scored results as a group."""
        scored = draw.case.scored
        if not scored:
            raise UsageError(f"data=scored, but the case {draw.case.id} brings no scored results")
        condition = self._cache.get(draw.case.request)
        images = [result.image for result in scored]
        x0 = self._policy.latents(images, condition.take([0] * len(images)))
        ready: Future[list[Scores | None]] = Future()
        ready.set_result([result.scores for result in scored])
        return _Pending(Trajectory(draw.case, condition, x0, images, step, draw.seed), ready)

"""The groups of claims: what computes their rows, and the arms that those rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Final, NamedTuple

from editloop.claims import hp_edit, judging, mrc, nhr, objectives
from editloop.claims.arms import ArmResult
from editloop.claims.lab import ClaimSizes, Lab
from editloop.claims.rows import ClaimRow
from editloop.core.errors import UnknownNameError
from editloop.core.registry import did_you_mean


class ClaimGroup(NamedTuple):
    """One paper's claims."""

    rows: Callable[[Lab], list[ClaimRow]]
    arm: Callable[[Lab, str, int], ArmResult]
    """Computes the arm of a name and seed."""
    arm_names: Callable[[ClaimSizes], Sequence[str]]
    seeded: bool = True
    """Whether each arm is repeated for every seed."""


class ArmJob(NamedTuple):
    """An arm to compute, by names that another process knows too."""

    group: str
    arm: str
    seed: int

    def __str__(self) -> str:
        return f"{self.group}/{self.arm}, seed {self.seed}"

    def run(self, lab: Lab) -> ArmResult:
        """Compute it, or take it from the store."""
        return CLAIMS[self.group].arm(lab, self.arm, self.seed)


CLAIMS: Final[dict[str, ClaimGroup]] = {
    "judges": ClaimGroup(judging.rows, judging.arm, lambda _: (judging.ARM,), seeded=False),
    "nhr": ClaimGroup(nhr.rows, nhr.arm, nhr.arm_names),
    "mrc": ClaimGroup(mrc.rows, mrc.arm, mrc.arm_names),
    "hp_edit": ClaimGroup(hp_edit.rows, hp_edit.arm, hp_edit.arm_names),
    "objectives": ClaimGroup(objectives.rows, objectives.arm, objectives.arm_names),
}
"""By name."""


def chosen_groups(only: Sequence[str]) -> tuple[str, ...]:
    """The named groups, or all.

    Raises:
        UnknownNameError: for an unknown group.
    """
    for name in only:
        if name not in CLAIMS:
            raise UnknownNameError(
                f"no group of claims is called {name!r}{did_you_mean(name, list(CLAIMS))}; known: {', '.join(CLAIMS)}"
            )
    return tuple(only) or tuple(CLAIMS)


def arm_jobs(groups: Sequence[str], sizes: ClaimSizes) -> Iterator[ArmJob]:
    """Every arm of some groups: seed by seed, so that an early end leaves whole seeds; groups in turn, as their arms share work."""
    for seed in range(sizes.seeds):
        rows = [
            [ArmJob(name, arm, seed) for arm in CLAIMS[name].arm_names(sizes)]
            for name in groups
            if CLAIMS[name].seeded or seed == 0
        ]
        for turn in zip_longest(*rows):
            yield from (job for job in turn if job is not None)

"""All claims in one run: arms in worker processes, then rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from editloop.claims.arms import ArmStore, OutOfTimeError
from editloop.claims.groups import CLAIMS, arm_jobs, chosen_groups
from editloop.claims.lab import ClaimSizes, Lab
from editloop.claims.rows import ClaimRow
from editloop.claims.workers import OnProgress, compute_arms

RESULTS_NAME: Final = "claims.json"


@dataclass(frozen=True, slots=True)
class ClaimsResult:
    """What a run found; `unfinished` names the groups that ran out of time."""

    rows: list[ClaimRow]
    unfinished: list[str]


def open_lab(
    folder: Path,
    sizes: ClaimSizes,
    hours: float | None = None,
    announce: Callable[[str], None] = lambda _: None,
) -> Lab:
    """The bench of a claims folder; `hours` and `announce` as `ArmStore`."""
    return Lab(ArmStore(folder, hours, announce), sizes)


def run_claims(
    lab: Lab,
    only: Sequence[str] = (),
    *,
    workers: int | None = None,
    on_progress: OnProgress = lambda *_: None,
) -> ClaimsResult:
    """Test the claims and write ``claims.json``; what an earlier run in the folder computed is not computed again.

    Args:
        lab: The bench.
        only: Groups of `CLAIMS`; all by default.
        workers: Processes that compute arms, one thread each; None computes everything in this process.
        on_progress: As `compute_arms`.

    Raises:
        UnknownNameError: for an unknown group.
        EditloopError: when an arm fails.
    """
    groups = chosen_groups(only)
    if workers is not None:
        compute_arms(lab, list(arm_jobs(groups, lab.sizes)), workers, on_progress)
    rows: list[ClaimRow] = []
    unfinished: list[str] = []
    for name in groups:
        try:
            rows += CLAIMS[name].rows(lab)
        except OutOfTimeError:
            unfinished.append(name)
    write_rows(lab.store.folder / RESULTS_NAME, rows, unfinished, lab.sizes)
    return ClaimsResult(rows, unfinished)


def write_rows(
    path: Path, rows: Sequence[ClaimRow], unfinished: Sequence[str], sizes: ClaimSizes
) -> None:
    """``claims.json``."""
    content = {
        "claims": [row.model_dump(mode="json") for row in rows],
        "unfinished": list(unfinished),
        "sizes": sizes.model_dump(),
    }
    path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")

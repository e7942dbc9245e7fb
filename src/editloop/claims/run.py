"""All claims in one run: rows as they come, then table, JSON and page."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from editloop.claims import hp_edit, judging, mrc, nhr, objectives
from editloop.claims.arms import ArmStore, OutOfTimeError
from editloop.claims.lab import ClaimSizes, Lab
from editloop.claims.rows import ClaimRow
from editloop.core.errors import UnknownNameError
from editloop.core.registry import did_you_mean

CLAIMS: Final[dict[str, Callable[[Lab], list[ClaimRow]]]] = {
    "judges": judging.rows,
    "nhr": nhr.rows,
    "mrc": mrc.rows,
    "hp_edit": hp_edit.rows,
    "objectives": objectives.rows,
}
"""Name of a group of claims -> what computes its rows."""
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


def run_claims(lab: Lab, only: Sequence[str] = ()) -> ClaimsResult:
    """Test the claims and write ``claims.json``; what an earlier run in the folder computed is not computed again.

    Args:
        lab: The bench.
        only: Groups of `CLAIMS`; all by default.

    Raises:
        UnknownNameError: for an unknown group.
    """
    for name in only:
        if name not in CLAIMS:
            raise UnknownNameError(
                f"no group of claims is called {name!r}{did_you_mean(name, list(CLAIMS))}; known: {', '.join(CLAIMS)}"
            )
    rows: list[ClaimRow] = []
    unfinished: list[str] = []
    for name in only or CLAIMS:
        try:
            rows += CLAIMS[name](lab)
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
    path.write_text(json.dumps(content, indent=1))

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


def run_claims(
    folder: Path,
    sizes: ClaimSizes,
    *,
    only: Sequence[str] = (),
    hours: float | None = None,
    announce: Callable[[str], None] = lambda _: None,
) -> ClaimsResult:
    """Test the claims; what an earlier run in `folder` computed is not computed again.

    Args:
        folder: Arms and ``claims.json`` go here.
        sizes: How much work a claim is given.
        only: Groups of `CLAIMS`; all by default.
        hours: Begin no further arm after so much time.
        announce: Told about each arm.

    Raises:
        UnknownNameError: for an unknown group.
    """
    for name in only:
        if name not in CLAIMS:
            raise UnknownNameError(
                f"no group of claims is called {name!r}{did_you_mean(name, list(CLAIMS))}; known: {', '.join(CLAIMS)}"
            )
    lab = Lab(ArmStore(folder, hours, announce), sizes)
    rows: list[ClaimRow] = []
    unfinished: list[str] = []
    for name in only or CLAIMS:
        try:
            rows += CLAIMS[name](lab)
        except OutOfTimeError:
            unfinished.append(name)
    write_rows(folder / RESULTS_NAME, rows, unfinished, sizes)
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

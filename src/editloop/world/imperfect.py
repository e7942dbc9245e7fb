"""Deliberately imperfect triplets, as machine-made training data are: most right, some flawed in one known way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from numpy.random import Generator

from editloop.core.errors import UsageError
from editloop.models.roles import RgbImage
from editloop.world.cases import Case
from editloop.world.corruptors import applicable_flaws, corrupt
from editloop.world.render import render

FLAW_SHARES: Final = {
    "no_op": 0.08,
    "wrong_object": 0.06,
    "wrong_attribute": 0.06,
    "over_edit": 0.05,
    "identity_drift": 0.04,
    "artefacts": 0.03,
    "blur": 0.02,
    "colour_shift": 0.02,
}
"""Share of the triplets that carry each flaw, where the case can show it; the rest are right."""
POOR_SHARES: Final = {
    "no_op": 0.30,
    "colour_shift": 0.20,
    "blur": 0.15,
    "artefacts": 0.10,
    "over_edit": 0.05,
    "identity_drift": 0.05,
}
"""Of a cheaper pipeline, without filters: six of seven draws are of a flaw, most often an edit left undone, or one that its own editor's
habits leave on every picture."""


def imperfect_target(
    case: Case, rng: Generator, size: int = 32, shares: Mapping[str, float] = FLAW_SHARES
) -> tuple[RgbImage, str | None]:
    """An edited picture that carries a flaw with the probabilities of `shares`, and which (None for a right one)."""
    flaw = _draw_flaw(case, rng, shares)
    if flaw is not None:
        try:
            return corrupt(case, flaw, rng, size), flaw
        except UsageError:  # this draw of the flaw does not show: the triplet stays right
            pass
    return render(case.target, size), None


def _draw_flaw(case: Case, rng: Generator, shares: Mapping[str, float]) -> str | None:
    draw = rng.random()
    for flaw, share in shares.items():
        if draw < share:
            return flaw if flaw in applicable_flaws(case) else None
        draw -= share
    return None

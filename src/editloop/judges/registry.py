"""Judges by name."""

from __future__ import annotations

from collections.abc import Callable

from editloop.core.registry import Registry
from editloop.judges.base import Judge

JUDGES = Registry[Callable[[], Judge]]("judge")
"""Spec string -> factory, imported on first use."""

JUDGES.add("embedded:evidence", "editloop.judges.evidence:embedded_judge")
for _name in ("base_scorer", "calibrated_scorer", "tiny_judge", "held_out_judge"):
    JUDGES.add(f"world:{_name.replace('_', '-')}", f"editloop.judges.storybook:{_name}")


def load_judge(spec: str) -> Judge:
    """The judge that `spec` names; its models are opened at its first verdict.

    Raises:
        UnknownNameError: with the nearest name.
    """
    return JUDGES.get(spec)()

"""Judges by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from editloop.core.errors import UsageError
from editloop.core.registry import Registry
from editloop.judges.base import Judge

JUDGE_FILE: Final = "judge.json"
"""What makes a folder a judge."""
JUDGES = Registry[Callable[..., Judge]]("judge")
"""Spec string -> factory, imported on first use.

A name that ends in a colon (``rubric:``) takes the rest of the spec as its one argument; others take none.
"""

JUDGES.add("embedded:evidence", "editloop.judges.evidence:embedded_judge")
JUDGES.add("embedded:classical", "editloop.judges.people.baselines:classical_judge")
for _name in ("base_scorer", "calibrated_scorer", "tiny_judge", "held_out_judge"):
    JUDGES.add(f"world:{_name.replace('_', '-')}", f"editloop.judges.storybook:{_name}")
JUDGES.add("rubric:", "editloop.judges.vlm.spec:rubric_judge")
JUDGES.add("panel:", "editloop.judges.panel.judge:panel_judge")
JUDGES.add("features:", "editloop.judges.features.measuring:measuring_judge")
_MODELS: Final = ("openai", "transformers")
"""Providers of vision-language models, which people name in the place of a judge."""
_LONGEST_PATH: Final = 250
"""Longer specs (a panel of many judges) are no folder, and the system would refuse to look."""


def load_judge(spec: str) -> Judge:
    """The judge that `spec` names, a name or a folder written by ``editloop fit``; its models are opened at its first verdict.

    Args:
        spec: For example ``embedded:evidence``, ``rubric:imgedit@openai:gpt-4o`` or
            ``panel:median;rubric:hp-scorer@openai:A;rubric:hp-scorer@openai:B``.

    Raises:
        UnknownNameError: with the nearest name.
        UsageError: `spec` is a folder that holds no usable judge.
    """
    if spec not in JUDGES and len(spec) < _LONGEST_PATH and (Path(spec) / JUDGE_FILE).is_file():
        from editloop.judges.calibrate.folders import load_folder

        return load_folder(Path(spec))
    if spec not in JUDGES and len(spec) < _LONGEST_PATH and Path(spec).is_dir():
        raise UsageError(
            f"the folder {spec} holds no {JUDGE_FILE}: it is no judge that editloop fit wrote, or a file is missing; fit it again"
        )
    provider, colon, argument = spec.partition(":")
    if provider in _MODELS and argument:
        raise UsageError(
            f"{spec} is a model, and a judge is a question put to one: rubric:NAME@{spec}, for example rubric:imgedit@{spec}"
        )
    if spec not in JUDGES and f"{provider}{colon}" in JUDGES:
        return JUDGES.get(f"{provider}{colon}")(argument)
    return JUDGES.get(spec)()

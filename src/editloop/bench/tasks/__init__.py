"""Benchmarks by name, one file a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from editloop.bench.tasks.base import Task
from editloop.core.registry import Registry

TASKS: Final = Registry[Callable[[], Task]]("benchmark")
"""Name -> task, imported on first use."""

for _name, _where in (
    ("imgedit", "editloop.bench.tasks.imgedit:ImgEditBench"),
    ("uge", "editloop.bench.tasks.imgedit:ImgEditUge"),
    ("gedit", "editloop.bench.tasks.gedit:GEditBench"),
    ("real-edit", "editloop.bench.tasks.real_edit:RealEditBench"),
    ("realpref", "editloop.bench.tasks.realpref:RealPrefBench"),
    ("multi-turn", "editloop.bench.tasks.multi_turn:MultiTurnBench"),
    ("dreambench", "editloop.bench.tasks.dreambench:DreamBenchPlus"),
    ("custom", "editloop.bench.tasks.custom:CustomBench"),
):
    TASKS.add(_name, _where)


def load_task(name: str) -> Task:
    """The benchmark that `name` means.

    Raises:
        UnknownNameError: with the nearest name.
    """
    return TASKS.get(name)()

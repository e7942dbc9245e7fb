"""ImgEdit-Bench's layout filled from the storybook world: small, free, and with the true result of every case known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from editloop.bench.running.items import PLANS_FILE
from editloop.bench.tasks.imgedit import ImgEditBench
from editloop.core.images import encode_png
from editloop.records.taxonomy import from_paper_name
from editloop.store.runs import write_atomically
from editloop.world.render import render
from editloop.world.sampling import case_to_json, cases

SIZE: Final = 32
"""Pixels a side at which the storybook networks were trained."""
CASES_FILE: Final = "basic_edit.json"


def build_storybook(
    out: Path,
    count: int,
    *,
    seed: int = 0,
    size: int = SIZE,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Write `count` held-out cases, dealt out in turn over ImgEdit-Bench's nine types.

    Made are ``basic_edit.json`` (key -> id, prompt, edit_type), a folder of source images a type, and
    ``storybook_cases.jsonl`` with the true scenes, which the oracle and the true-target editor read and no judge sees. Case
    i depends on the seed and on i alone.

    Args:
        out: Folder; made when missing.
        count: Number of cases.
        seed: Of the cases.
        size: Side of the images, pixels.
        progress: Told how many are made.

    Returns:
        Type -> number of cases.
    """
    groups = ImgEditBench.groups
    types = [from_paper_name("imgedit", group) for group in groups]
    entries: dict[str, dict[str, str]] = {}
    truths: list[str] = []
    counts = dict.fromkeys(groups, 0)
    for place, case in enumerate(cases(seed, count, "held_out", types)):
        group, key = groups[place % len(groups)], str(place + 1)
        image = f"{group}/{key}.png"
        path = out / image
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, encode_png(render(case.source, size)))
        entries[key] = {"id": image, "prompt": case.instruction, "edit_type": group}
        truths.append(json.dumps({"key": key, "case": json.loads(case_to_json(case))}))
        counts[group] += 1
        if progress is not None:
            progress(place + 1, count)
    write_atomically(out / PLANS_FILE, ("\n".join(truths) + "\n").encode())
    write_atomically(out / CASES_FILE, json.dumps(entries, indent=1).encode())
    return counts

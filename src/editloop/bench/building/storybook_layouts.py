"""Real-Edit's and RealPref-Bench's layouts filled from the storybook world: the recipes with facts that are known, not detected."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from editloop.bench.building.recipes import IMAGES, REAL_EDIT_TYPES
from editloop.bench.building.storybook import SIZE
from editloop.bench.running.items import PLANS_FILE
from editloop.core.errors import StageError
from editloop.core.images import encode_png
from editloop.core.seeds import generator
from editloop.records.taxonomy import PAPER_NAMES, EditType
from editloop.store.runs import write_atomically
from editloop.world.cases import Case
from editloop.world.render import render
from editloop.world.sampling import case_to_json, edit_of, random_scene, sample_case

_SCENES: Final = 400
"""Most scenes looked at for every case of a type."""
_DRAWS: Final = 8
Progress = Callable[[int, int], None]


def build_real_edit(
    out: Path,
    images: int,
    *,
    seed: int = 0,
    size: int = SIZE,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Held-out cases, `images` of each of the seven types: ``real_edit_instruct.json``.

    Real-Edit has seven instructions for every photograph. Here few pictures allow held-out combinations of all seven types, so
    a picture has one to seven. Texture is an adjustment: of colour, pattern or size.

    Returns:
        Type -> number of cases.
    """
    lines: dict[str, list[str]] = {}
    truths: dict[str, Case] = {}
    counts = dict.fromkeys(REAL_EDIT_TYPES, 0)
    wanted = images * len(counts)
    for place in range(_SCENES * images):
        if sum(counts.values()) == wanted:
            break
        rng = generator(seed, "real-edit storybook", place)
        found = _on_one_scene(rng, [group for group, count in counts.items() if count < images])
        image = f"{IMAGES}/{len(lines) + 1:04}.png"
        for number, (group, case) in enumerate(found.items()):
            if number == 0:
                _draw(out / image, case, size)
            truths[f"{image}#{number}"] = case
            lines.setdefault(image, []).append(f"{group}. {number + 1}: {case.instruction}")
            counts[group] += 1
        if progress is not None:
            progress(sum(counts.values()), wanted)
    if sum(counts.values()) < wanted:
        raise StageError(f"only {counts} held-out cases in {_SCENES * images} scenes")
    _write_plans(out, truths)
    write_atomically(out / "real_edit_instruct.json", json.dumps(lines, indent=1).encode())
    return counts


def build_realpref(
    out: Path,
    per_task: int,
    *,
    seed: int = 0,
    size: int = SIZE,
    progress: Progress | None = None,
) -> dict[str, int]:
    """`per_task` held-out cases of each of the eight tasks, kinds of objects drawn evenly: ``realpref_cases.json``.

    Returns:
        Task -> number of cases.
    """
    rows: list[dict[str, str]] = []
    truths: dict[str, Case] = {}
    tasks = {kind: names[0] for kind, names in PAPER_NAMES["hp_edit"].items()}
    for kind, task in tasks.items():
        taken: Counter[str] = Counter()
        for place in range(per_task):
            rng = generator(seed, "realpref storybook", kind, place)
            draws = [sample_case(rng, kind, "held_out") for _ in range(_DRAWS)]
            case = min(draws, key=lambda one: taken[_category(one)])
            taken[_category(case)] += 1
            key = f"{len(rows) + 1:05}"
            image = f"{IMAGES}/{key}.png"
            _draw(out / image, case, size)
            truths[key] = case
            rows.append({"key": key, "task": task, "instruction": case.instruction, "image": image, "category": _category(case)})  # fmt: skip
            if progress is not None:
                progress(len(rows), per_task * len(tasks))
    _write_plans(out, truths)
    write_atomically(out / "realpref_cases.json", json.dumps(rows, indent=1).encode())
    return dict(Counter(row["task"] for row in rows))


def _on_one_scene(rng: np.random.Generator, groups: Sequence[str]) -> dict[str, Case]:
    scene = random_scene(rng)
    found: dict[str, Case] = {}
    for group in groups:
        kind = REAL_EDIT_TYPES[group]
        edit_type = EditType.ADJUST if kind not in list(EditType) else EditType(kind)
        draws = (edit_of(rng, scene, edit_type, "held_out") for _ in range(_DRAWS))
        case = next((one for one in draws if one is not None), None)
        if case is not None:
            found[group] = case
    return found


def _category(case: Case) -> str:
    change = case.changes[0]
    if change.object_index is not None:
        return case.source.objects[change.object_index].kind
    thing = change.new_object or (case.source.objects[0] if case.source.objects else None)
    return thing.kind if thing else "none"


def _draw(path: Path, case: Case, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, encode_png(render(case.source, size)))


def _write_plans(out: Path, truths: dict[str, Case]) -> None:
    lines = [
        json.dumps({"key": key, "case": json.loads(case_to_json(case))})
        for key, case in truths.items()
    ]
    write_atomically(out / PLANS_FILE, ("\n".join(lines) + "\n").encode())

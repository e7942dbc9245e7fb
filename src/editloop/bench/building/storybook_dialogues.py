"""Dialogues, and edits with reference images, from the storybook world: what ImgEdit's multi-turn files and your own rows hold."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from editloop.bench.building.storybook import SIZE
from editloop.bench.running.items import PLANS_FILE
from editloop.core.images import encode_png
from editloop.core.seeds import generator
from editloop.records.taxonomy import DIALOGUE_TYPES, EditType
from editloop.store.runs import write_atomically
from editloop.world.cases import Case
from editloop.world.render import render
from editloop.world.sampling import case_to_json, sample_case, sample_dialogue
from editloop.world.scenes import Scene

DIALOGUES_FILE: Final = "multi_turn.json"
REFERENCES_FILE: Final = "cases.jsonl"
Progress = Callable[[int, int], None]


def build_dialogues(
    out: Path,
    count: int,
    *,
    seed: int = 0,
    size: int = SIZE,
    progress: Progress | None = None,
) -> dict[str, int]:
    """`count` held-out dialogues, dealt out in turn over ImgEdit's three kinds: ``multi_turn.json``.

    A premise ("everything new must be red") stands at the head of the first turn, since the layout has no place of its own for it.

    Returns:
        Kind -> number of dialogues.
    """
    kinds = sorted(DIALOGUE_TYPES)
    entries: dict[str, dict[str, str]] = {}
    truths: list[str] = []
    for place in range(count):
        kind, key = kinds[place % len(kinds)], str(place + 1)
        turns = sample_dialogue(generator(seed, "dialogue", place), kind, "held_out")
        image = f"{kind}/{key}.png"
        _draw(out / image, turns[0].source, size)
        words = {f"turn{turn.turn}": turn.instruction for turn in turns}
        premise = "".join(f"{text.rstrip('.')}. " for text in turns[0].context)
        words["turn1"] = premise + words["turn1"]
        entries[key] = {"id": image, **words, "edit_type": str(kind)}
        truths.append(_truth(key, turns))
        if progress is not None:
            progress(place + 1, count)
    write_atomically(out / PLANS_FILE, ("\n".join(truths) + "\n").encode())
    write_atomically(out / DIALOGUES_FILE, json.dumps(entries, indent=1).encode())
    return dict(Counter(entry["edit_type"] for entry in entries.values()))


def build_references(
    out: Path,
    count: int,
    *,
    seed: int = 0,
    size: int = SIZE,
    progress: Progress | None = None,
) -> dict[str, int]:
    """`count` held-out edits that bring the object of a reference image: ``cases.jsonl``, for `editloop bench custom`.

    Returns:
        Type -> number of cases.
    """
    rows, truths = [], []
    for place in range(count):
        key = str(place + 1)
        case = sample_case(generator(seed, "reference", place), EditType.VISUAL, "held_out")
        references = [f"references/{key}_{n}.png" for n in range(1, len(case.references) + 1)]
        for name, scene in zip(references, case.references, strict=True):
            _draw(out / name, scene, size)
        image = f"images/{key}.png"
        _draw(out / image, case.source, size)
        row = {"key": key, "instruction": case.instruction, "image": image, "type": "visual"}
        rows.append(json.dumps({**row, "references": references}))
        truths.append(_truth(key, [case]))
        if progress is not None:
            progress(place + 1, count)
    write_atomically(out / PLANS_FILE, ("\n".join(truths) + "\n").encode())
    write_atomically(out / REFERENCES_FILE, ("\n".join(rows) + "\n").encode())
    return {"visual": count}


def _truth(key: str, turns: Sequence[Case]) -> str:
    return json.dumps({"key": key, "turns": [json.loads(case_to_json(turn)) for turn in turns]})


def _draw(path: Path, scene: Scene, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, encode_png(render(scene, size)))

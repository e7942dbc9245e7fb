"""How well the tiny editor edits, by the oracle: by number of denoising steps and by type of edit.

    python benchmarks/tiny_editor.py --cases 160 --steps 2 3 4 6 --sheet edits.png

Cases are of training combinations unless ``--split held_out`` is given: choices (such as the number of steps) are made on the former,
figures are quoted on the latter.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from editloop.claims.evaluation import edit_request
from editloop.core.stats import mean_interval, wilson_interval
from editloop.models.diffusers.editor import DiffusersEditor
from editloop.models.storybook.shipped import shipped_folder
from editloop.world.oracle import score_edit
from editloop.world.render import render
from editloop.world.sampling import cases

SEED = 5001


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pipeline", type=Path, default=shipped_folder(), help="pipeline folder")
    parser.add_argument("--cases", type=int, default=160)
    parser.add_argument("--split", choices=("train", "held_out"), default="train")
    parser.add_argument("--steps", type=int, nargs="+", default=[3])
    parser.add_argument("--sheet", type=Path, help="picture of source, edit, truth of 96 cases")
    options = parser.parse_args()
    torch.set_num_threads(1)
    drawn = list(cases(SEED, options.cases, options.split))
    for steps in options.steps:
        editor = DiffusersEditor(f"{options.pipeline}?steps={steps}")
        edits = [r.image for r in editor.edit_many([edit_request(case, 0) for case in drawn])]
        scores = [score_edit(case, edit) for case, edit in zip(drawn, edits, strict=True)]
        overall = mean_interval([score.overall for score in scores])
        right = wilson_interval(sum(score.right for score in scores), len(scores))
        print(
            f"{steps} steps, n {len(drawn)} ({options.split}, seed {SEED}): overall {overall.value:.2f} "
            f"[{overall.low:.2f}, {overall.high:.2f}], right {right.value:.1%} [{right.low:.1%}, {right.high:.1%}]"
        )
        by_type = defaultdict(list)
        for case, score in zip(drawn, scores, strict=True):
            by_type[str(case.edit_type)].append(score.overall)
        print(
            "  ", ", ".join(f"{k} {np.mean(v):.2f} ({len(v)})" for k, v in sorted(by_type.items()))
        )
        print("  ", dict(Counter(score.failure or "right" for score in scores).most_common(6)))
        if options.sheet:
            draw(options.sheet, drawn[:96], edits)


def draw(path: Path, drawn: list, edits: list) -> None:
    """Eight columns of source, edit, truth."""
    strips = [
        np.pad(
            np.concatenate([render(case.source), edit, render(case.target)], axis=1),
            ((2, 2), (2, 6), (0, 0)),
            constant_values=255,
        )
        for case, edit in zip(drawn, edits, strict=False)
    ]
    strips = strips[: len(strips) // 8 * 8]
    columns = [np.concatenate(strips[place::8], axis=0) for place in range(8)]
    sheet = Image.fromarray(np.concatenate(columns, axis=1))
    sheet.resize((2 * sheet.width, 2 * sheet.height), Image.Resampling.NEAREST).save(path)


if __name__ == "__main__":
    main()

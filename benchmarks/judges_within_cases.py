"""Whether the storybook judges can rank several edits of one case, which is all that post-training learns from.

    python benchmarks/judges_within_cases.py --cases 40 --edits 8

The tiny editor edits each case several times from other noise; every judge's order within a case is held against the oracle's.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from editloop.claims.evaluation import edit_request
from editloop.core.stats import mean_interval
from editloop.judges.agreement import spearman
from editloop.judges.storybook import StorybookJudge
from editloop.models.diffusers.editor import DiffusersEditor
from editloop.models.storybook.judge_shape import WEIGHTS_FOLDER
from editloop.models.storybook.shipped import shipped_folder
from editloop.world.oracle import score_edit
from editloop.world.sampling import cases

SEED = 5002
JUDGES = ("base-scorer", "tiny-judge", "held-out-judge")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--edits", type=int, default=8, help="a case")
    parser.add_argument("--steps", type=int, default=3, help="denoising steps, as in post-training")
    parser.add_argument("--pipeline", type=Path, default=shipped_folder())
    parser.add_argument("--weights", type=Path, default=WEIGHTS_FOLDER, help="folder of the judges")
    options = parser.parse_args()
    torch.set_num_threads(1)
    drawn = [case for case in cases(SEED, options.cases) for _ in range(options.edits)]
    requests = [replace(edit_request(case, 0), seed=place) for place, case in enumerate(drawn)]
    editor = DiffusersEditor(f"{options.pipeline}?steps={options.steps}")
    edits = [result.image for result in editor.edit_many(requests)]
    shape = (options.cases, options.edits)
    truth = np.array([score_edit(c, e).overall for c, e in zip(drawn, edits, strict=True)])
    truth = truth.reshape(shape)
    print(
        f"{options.cases} training cases (seed {SEED}), {options.edits} edits each, {options.steps} steps: oracle mean "
        f"{truth.mean():.2f}, best of a case {truth.max(1).mean():.2f}"
    )
    for name in JUDGES:
        judge = StorybookJudge(name, options.weights)
        scores = judge.expected_scores(
            [request.image for request in requests],
            edits,
            [case.instruction for case in drawn],
            [request.references[0] if request.references else None for request in requests],
            [case.context for case in drawn],
        )
        overall = scores.mean(axis=1).reshape(shape)
        ranked = [spearman(*pair) for pair in zip(truth, overall, strict=True)]
        known = [value for value in ranked if not math.isnan(value)]
        within = mean_interval(known)
        chosen = truth[np.arange(len(truth)), overall.argmax(1)].mean()
        print(
            f"{name}: Spearman within a case {within.value:.2f} [{within.low:.2f}, {within.high:.2f}] (n {len(known)}), "
            f"over all {spearman(truth.ravel(), overall.ravel()):.2f}; oracle score of its choice {chosen:.2f}"
        )


if __name__ == "__main__":
    main()

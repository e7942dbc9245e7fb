"""Command line of the judges' training: `python -m editloop.train.judge all` makes the packaged judges again.

Every step goes on from where it was cut off; `--work` holds what is unfinished. How well the judges agree with people is
measured by `benchmarks/storybook_judge.py`.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import torch

from editloop.core.errors import EditloopError
from editloop.judges.calibrate.learning_curve import calibrate
from editloop.judges.storybook import StorybookJudge
from editloop.train.judge.editor_edits import editor_pool
from editloop.train.judge.pool import Pool, join_pools, open_pool
from editloop.train.judge.recipes import RECIPES, train_judge
from editloop.train.judge.study import label_study

CALIBRATED = "calibrated-scorer"
TRAIN_SEED, EDITOR_SEED = 101, 102
_PACKAGED = Path(__file__).parents[2] / "models" / "storybook" / "judge_weights"


def main(arguments: list[str] | None = None) -> int:
    """Run one step, or all of them in order. Returns the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    try:
        for step in [*RECIPES, CALIBRATED] if options.step == "all" else [options.step]:
            _run(step, options)
    except EditloopError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _run(step: str, options: argparse.Namespace) -> None:
    if step in RECIPES:
        pool = _training_pool(options)
        train_judge(step, pool, options.work / step, options.weights)
    else:
        base = StorybookJudge("base-scorer", options.weights)
        labelled = label_study(options.work / "pool").labelled(base)
        fitted = calibrate(labelled, base.identity.name, base.identity.version)
        place = options.weights / f"{CALIBRATED}.json"
        place.write_text(fitted.model_dump_json() + "\n", encoding="utf-8")


def _training_pool(options: argparse.Namespace) -> Pool:
    planted = open_pool(options.work / "pool", TRAIN_SEED, options.cases, "train")
    if not options.editor:
        return planted
    folder, count = options.work / "pool", options.editor_cases
    return join_pools([planted, editor_pool(options.editor, folder, EDITOR_SEED, count, "train")])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m editloop.train.judge", description=__doc__)
    parser.add_argument("step", choices=[*RECIPES, CALIBRATED, "all"])
    parser.add_argument("--work", type=Path, default=Path("runs/judges"), help="unfinished work")
    parser.add_argument("--weights", type=Path, default=_PACKAGED, help="folder of the weights")
    parser.add_argument("--cases", type=int, default=7000, help="training cases, six edits each")
    parser.add_argument(
        "--editor",
        default="world:tiny-editor",
        help="spec of an editor whose edits join the pairs; empty for none",
    )
    parser.add_argument("--editor-cases", type=int, default=2000, help="cases, four edits each")
    parser.add_argument("--threads", type=int, default=1)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

"""``python -m editloop.train.storybook --out FOLDER``: train the tiny editor and generator; run again to resume."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from editloop.core.config import load_config
from editloop.core.log import set_up_logging
from editloop.train.storybook.base import BaseTrainer, BaseTrainingConfig


def main() -> None:
    """Parse the arguments and train."""
    parser = argparse.ArgumentParser(prog="python -m editloop.train.storybook", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the training")
    parser.add_argument("--minutes", type=float, default=None, help="stop after so many minutes")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads of torch")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    set_up_logging(verbose=True)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    trainer = BaseTrainer(load_config(BaseTrainingConfig, None, arguments.set), arguments.out)
    limit = {} if arguments.minutes is None else {"until_seconds": 60 * arguments.minutes}
    trainer.train(**limit)


if __name__ == "__main__":
    main()

"""How well the embedded forensic baseline tells edits from photographs: thresholds on one set, figures on others.

    python benchmarks/forensic_baseline.py --photos FOLDER --rated FOLDER/ratings.jsonl --storybook 150

`--photos` holds untouched photographs: the 95th percentile of their scores is the threshold. `--rated` names edits of photographs
by JSON lines with `source` and `edited`; only sources that are no edit of an earlier turn count as untouched. Storybook pairs are
drawn pictures and flawed edits of them: no camera, no noise, so nothing to find.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from editloop.bench.fake_score import auc_interval
from editloop.core.errors import BadInputError
from editloop.core.images import decode_image, read_image_file
from editloop.core.stats import wilson_interval
from editloop.models.forensics.noise import THRESHOLD, NoiseInconsistency
from editloop.world.imperfect import imperfect_target
from editloop.world.render import render
from editloop.world.sampling import cases


def scores(paths: list[Path]) -> np.ndarray:
    detector, found = NoiseInconsistency(), []
    for path in paths:
        try:
            reading = detector.examine([decode_image(read_image_file(path)).pixels])[0]
        except BadInputError:
            continue
        if reading is not None:
            found.append(reading.score)
    return np.array(found)


def row(name: str, edited: np.ndarray, untouched: np.ndarray) -> None:
    auc = auc_interval(edited.tolist(), untouched.tolist())
    shares = []
    for side in (edited, untouched):
        share = wilson_interval(int((side > THRESHOLD).sum()), len(side))
        shares.append(f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}] of {len(side)}")
    print(f"| {name} | {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}] | {' | '.join(shares)} |")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--photos", type=Path)
    options.add_argument("--rated", type=Path)
    options.add_argument("--storybook", type=int, default=150)
    asked = options.parse_args()
    if asked.photos:
        files = sorted(path for path in asked.photos.rglob("*") if path.is_file())
        found = scores([path for path in files if path.suffix.lower() in (".jpg", ".jpeg", ".png")])
        print(f"{len(found)} untouched photographs: 95th percentile {np.quantile(found, 0.95):.3f}, threshold in use {THRESHOLD}\n")  # fmt: skip
    print("| pairs | AUC | edited flagged | untouched flagged |\n|---|---|---|---|")
    if asked.rated:
        lines = [json.loads(line) for line in asked.rated.read_text().splitlines() if line]
        folder = asked.rated.parent
        edited = sorted({folder / line["edited"] for line in lines})
        untouched = sorted({folder / line["source"] for line in lines} - set(edited))
        row("photographs edited by people with a generative tool", scores(edited), scores([p for p in untouched if "input" in p.name] or untouched))  # fmt: skip
    detector, first, second = NoiseInconsistency(), [], []
    for case in cases(5, asked.storybook, "held_out"):
        pair = (imperfect_target(case, np.random.default_rng(0), 128)[0], render(case.source, 128))
        readings = detector.examine(pair)
        first += [readings[0].score] if readings[0] else []
        second += [readings[1].score] if readings[1] else []
    row("storybook", np.array(first), np.array(second))


if __name__ == "__main__":
    main()

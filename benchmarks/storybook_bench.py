"""Does the benchmark put editors of known quality in order? Four editors on storybook cases in ImgEdit-Bench's layout.

    python benchmarks/storybook_bench.py --count 180 --out runs/storybook-bench

The perfect editor draws the true result, the broken one misreads the instruction and spoils the picture, the no-op leaves
it alone, the tiny editor is a trained network of a few megabytes. Each is scored by the oracle, which knows the truth, and by two
judges that see pixels and words alone. Run again to go on where it stopped.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from editloop.bench.building.storybook import CASES_FILE, build_storybook
from editloop.bench.compare import compare_results
from editloop.bench.results import BenchResult
from editloop.bench.running import BenchRequest, run_bench
from editloop.bench.running.scores import VERDICT
from editloop.bench.scoring import intervals

EDITORS = {
    "perfect": "world:true-target",
    "tiny": "world:tiny-editor",
    "no-op": "noop",
    "broken": "world:broken-editor",
}
JUDGES = ("world:oracle", "world:tiny-judge", "world:held-out-judge")
EXPECTED = {
    "score": (
        ("perfect", "tiny"),
        ("perfect", "no-op"),
        ("perfect", "broken"),
        ("tiny", "no-op"),
        ("tiny", "broken"),
    ),
    "instruction": (("perfect", "tiny"), ("tiny", "no-op"), ("tiny", "broken")),
    "preservation": (("perfect", "tiny"), ("no-op", "tiny"), ("tiny", "broken")),
    "quality": (("perfect", "tiny"), ("no-op", "tiny"), ("tiny", "broken")),
}
"""Metric -> pairs of editors, the better one first. Where a pair is missing, both do equally well on that axis or nobody can say."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=180)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--out", type=Path, default=Path("runs/storybook-bench"))
    options.add_argument("--judges", nargs="*", default=list(JUDGES))
    asked = options.parse_args()
    cases = asked.out / "cases"
    if not (cases / CASES_FILE).exists():
        build_storybook(cases, asked.count, seed=asked.seed)
    facts = {}
    for judge in asked.judges:
        results = {
            name: run_bench(
                BenchRequest(
                    "imgedit",
                    cases / CASES_FILE,
                    judge,
                    asked.out / name,
                    editor=spec,
                    seed=asked.seed,
                )
            ).results[VERDICT]
            for name, spec in EDITORS.items()
        }
        facts[judge] = table(judge, results)
    (asked.out / "storybook_bench.json").write_text(json.dumps(facts, indent=1) + "\n")


def table(judge: str, results: dict[str, BenchResult]) -> dict[str, object]:
    first = next(iter(results.values()))
    scored = {
        name: sum(i.outcome == "scored" for i in r.runs[0].items) for name, r in results.items()
    }
    print(f"\n{judge} {first.context.judge_version}, {len(first.runs[0].items)} cases\n")
    print(f"| editor | {' | '.join(first.metrics)} | scored |")
    print(f"|---|{'---|' * len(first.metrics)}---|")
    found = {}
    for name, result in results.items():
        estimates = {metric: intervals(result, metric) for metric in result.metrics}
        found[name] = {metric: tuple(one.macro) for metric, one in estimates.items() if one}
        cells = " | ".join(
            f"{v:.2f} [{low:.2f}, {high:.2f}]" for v, low, high in found[name].values()
        )
        print(f"| {name} | {cells} | {scored[name]} of {len(result.runs[0].items)} |")
    print("\n| metric | better than | difference | p | intervals apart | order right |")
    print("|---|---|---|---|---|---|")
    pairs = []
    for metric, expected in EXPECTED.items():
        for better, worse in expected:
            compared = compare_results(results[worse], results[better], metric)
            gap = compared.estimate.macro
            apart = found[better][metric][1] > found[worse][metric][2]
            pairs.append(
                {
                    "metric": metric,
                    "better": better,
                    "worse": worse,
                    "difference": tuple(gap),
                    "p": compared.p_value,
                    "apart": apart,
                    "right": gap.low > 0,
                }
            )
            print(
                f"| {metric} | {better} over {worse} | {gap.value:+.2f} [{gap.low:+.2f}, {gap.high:+.2f}] | "
                f"{compared.p_value:.4f} | {'yes' if apart else 'no'} | {'yes' if gap.low > 0 else 'NO'} |"
            )
    right = sum(bool(pair["right"]) for pair in pairs)
    print(f"\n{right} of {len(pairs)} pairs in the right order with an interval above zero")
    return {"editors": found, "pairs": pairs, "judge_version": first.context.judge_version}


if __name__ == "__main__":
    main()

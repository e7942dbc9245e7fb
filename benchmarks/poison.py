"""One row in a hundred raises: `python benchmarks/poison.py`. What becomes of the other ninety-nine?"""

from __future__ import annotations

from harness.subjects import Lab, Run, Subject, in_turns
from harness.tables import Column, Section, machine, parser, publish, rows

POISONED = 0.01


def subjects(count: int, *, own: bool) -> list[Subject]:
    work = {"count": count}
    ours = Subject("editloop", "ours", "poison", work)
    if own:
        return [ours]
    return [
        ours,
        Subject("Daft, on_error=ignore", "with_daft", "poison", work, "daft"),
        Subject("data-juicer, defaults", "with_data_juicer", "poison", work, "data_juicer"),
        Subject("distilabel, defaults", "with_distilabel", "poison", work, "distilabel"),
        Subject("HF datasets, map", "with_datasets", "poison", work, "datasets"),
        Subject("Ray Data, defaults", "with_ray", "poison", {**work, "tolerate": False}, "ray"),
        Subject(
            "Ray Data, max_errored_blocks=-1",
            "with_ray",
            "poison",
            {**work, "tolerate": True},
            "ray",
        ),
    ]


def main() -> None:
    options = parser(__doc__, repeats=1)
    options.add_argument("--rows", type=int, default=10_000)
    arguments = options.parse_args()
    facts = machine()
    runs = in_turns(
        Lab(arguments.peers), subjects(arguments.rows, own=arguments.own), arguments.repeats
    )
    poisoned = int(arguments.rows * POISONED)

    def lost(run: Run) -> float:
        return float(arguments.rows - poisoned - run["good"])

    columns = [
        Column("good rows lost", lost, 0),
        Column("poisoned rows with their reason", lambda run: float(run["explained"]), 0),
        Column("stopped the job", lambda run: float(run.get("aborted", False)), 0),
    ]
    text = (
        f"{arguments.rows:,} rows, {poisoned} of them raise an exception. The last column is 1 where one of them ended the "
        "whole job. Target (T11): no good row lost, every poisoned one listed with its reason."
    )
    table = rows(runs, columns, "engine")
    sections = [Section("One poisoned row in a hundred", text, table, runs)]
    publish("poison", "Poisoned rows", sections, arguments, facts)


if __name__ == "__main__":
    main()

"""Three trivial stages, beside other engines: `python benchmarks/noop_stages.py`.

What an engine itself costs per record. The same three functions on the same short texts everywhere; engines that need
seconds for a thousand rows get fewer of them. `benchmarks/engine_overhead.py` looks closer at our own engine.
"""

from __future__ import annotations

from harness.subjects import Lab, Run, Subject, in_turns
from harness.tables import Column, Section, machine, parser, publish, rows

DICTIONARIES = "bare loop on dictionaries"
RECORDS = "bare loop on typed records"
PLAIN = "editloop, nothing kept (T1)"
JOURNAL = "editloop, a journal row for each record and stage (T2)"


def subjects(count: int) -> list[Subject]:
    return [
        Subject(DICTIONARIES, "bare", "rows", {"count": count}),
        Subject(RECORDS, "bare", "records", {"count": count}),
        Subject(PLAIN, "ours", "rows", {"count": count, "journal": False}),
        Subject(JOURNAL, "ours", "rows", {"count": count, "journal": True}),
    ]


def peers(count: int) -> list[Subject]:
    def with_daft(batch: bool) -> Subject:  # noqa: FBT001
        name = f"Daft, {'batch' if batch else 'row'} functions"
        return Subject(name, "with_daft", "rows", {"count": count, "batch": batch}, "daft")

    def with_ray(batch: bool) -> Subject:  # noqa: FBT001
        name = f"Ray Data, {'map_batches' if batch else 'map'}"
        return Subject(name, "with_ray", "rows", {"count": count, "batch": batch}, "ray")

    def with_distilabel(batch: int, rows: int) -> Subject:
        options = {"count": rows, "batch": batch}
        name = f"distilabel, batches of {batch:,} ({rows:,} rows)"
        return Subject(name, "with_distilabel", "rows", options, "distilabel")

    def with_data_juicer(kind: str, rows: int) -> Subject:
        options = {"count": rows, "batch": kind == "batched"}
        name = f"data-juicer, {kind} operators ({rows:,} rows)"
        return Subject(name, "with_data_juicer", "rows", options, "data_juicer")

    return [
        with_daft(batch=True),
        with_daft(batch=False),
        Subject("HF datasets, map", "with_datasets", "rows", {"count": count}, "datasets"),
        with_ray(batch=True),
        with_ray(batch=False),
        with_distilabel(1_000, count // 10),
        with_distilabel(50, count // 50),
        with_data_juicer("batched", count),
        with_data_juicer("single-sample", count // 50),
    ]


def each_us(run: Run) -> float:
    return float(run["seconds"] / run["records"] * 1e6)


def main() -> None:
    options = parser(__doc__, repeats=3)
    options.add_argument("--rows", type=int, default=100_000)
    arguments = options.parse_args()
    facts = machine()
    chosen = subjects(arguments.rows) + ([] if arguments.own else peers(arguments.rows))
    runs = in_turns(Lab(arguments.peers), chosen, arguments.repeats)
    columns = [
        Column("us/record", each_us),
        Column("x bare, dictionaries", each_us, beside=DICTIONARIES),
        Column("x bare, records", each_us, beside=RECORDS),
        Column("x ours with journal", each_us, beside=JOURNAL),
        Column("process, s", lambda run: float(run["wall_s"])),
        Column("CPU, s", lambda run: float(run["cpu_s"])),
        Column("peak MB", lambda run: float(run["peak_mb"]), 0),
    ]
    text = (
        f"{arguments.rows:,} rows unless a line says otherwise; median (min..max) of {arguments.repeats} turns. "
        "us/record is the run alone, without the start of the interpreter and imports; ratios are taken within a turn. "
        "Engines that need dictionaries or columns compare with the first line, ours, which runs on typed and frozen "
        "records, with the second. Targets: T1 at most 1.5x, T2 at most 5x the bare loop."
    )
    table = rows(runs, columns, "engine")
    publish(
        "noop_stages",
        "What an engine costs per record",
        [Section("Three trivial stages", text, table, runs)],
        arguments,
        facts,
    )


if __name__ == "__main__":
    main()

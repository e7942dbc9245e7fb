"""How many planted flaws the evidence judge catches: `python benchmarks/evidence_judge.py DATASET [--count 200]`.

DATASET is a run folder, of which accepted and rejected triplets are used (accepted ones alone would give no false alarms by
construction), or any data set that editloop reads and whose triplets were checked by eye. Every triplet is judged as it is, which gives the false alarms, and once with every flaw that makes sense for it, which gives the detection
rates. Only triplets that pass untouched get flaws, so that a detection is due to the flaw. `--no-mask` hides the masks.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from editloop.engine.result import RunImages
from editloop.judges.corruptors import Specimen
from editloop.judges.detection import DetectionReport, Rate, measure_detection, specimen_of
from editloop.judges.registry import load_judge
from editloop.records.formats.export import read_dataset
from editloop.records.record import EditRecord
from editloop.store.ledger import LedgerReader
from harness.tables import Section, machine, parser, publish


def specimens(path: Path, count: int, seed: int, *, with_masks: bool) -> list[Specimen]:
    """`count` triplets of the data set, drawn at random."""
    if (path / "journal.sqlite").is_file():
        return _of_run(path, count, seed, with_masks=with_masks)
    dataset = read_dataset(path)
    records = [record for record in dataset if record.target is not None]
    random.Random(seed).shuffle(records)
    drawn = [specimen_of(record, dataset.load) for record in islice(records, count)]
    return (
        drawn if with_masks else [replace(s, request=replace(s.request, mask=None)) for s in drawn]
    )


def _of_run(path: Path, count: int, seed: int, *, with_masks: bool) -> list[Specimen]:
    """`count` triplets that the run's editor made, whatever its judge said of them."""
    reader, images = LedgerReader(path / "journal.sqlite"), RunImages(path)
    texts = [*reader.records(), *(row.record for row in reader.rejects() if row.record)]
    records = [EditRecord.model_validate_json(text) for text in texts]
    random.Random(seed).shuffle(records)
    load = images.context().load_bytes
    drawn = [specimen_of(record, load) for record in records[:count] if record.target]
    return (
        drawn if with_masks else [replace(s, request=replace(s.request, mask=None)) for s in drawn]
    )


def _row(name: str, rate: Rate, reasons: dict[str, int]) -> list[str]:
    low, high = rate.interval()
    said = ", ".join(f"{reason} {count}" for reason, count in list(reasons.items())[:3])
    return [name, str(rate.n), f"{rate.share:.3f}", f"{low:.3f}..{high:.3f}", said]


def tables(report: DetectionReport) -> tuple[list[list[str]], list[list[str]]]:
    """Detection by flaw, and false alarms by edit type."""
    heading = ["n", "rejected", "95 % interval", "most frequent reasons"]
    detection = [["planted flaw", *heading]]
    detection += [
        _row(name, rate, report.reasons.get(name, {})) for name, rate in report.detected.items()
    ]
    alarms = [["untouched", *heading]]
    alarms += [
        _row(kind, rate, report.reasons.get(f"good:{kind}", {}))
        for kind, rate in report.false_alarms.items()
    ]
    alarms.append(_row("all", report.false_alarm, {}))
    return detection, alarms


def as_runs(
    rates: dict[str, Rate], reasons: dict[str, dict[str, int]], prefix: str = ""
) -> dict[str, list[Any]]:
    """The counts behind a table, for `--json`."""
    return {
        name: [
            {
                "rejected": rate.hits,
                "n": rate.n,
                "interval": rate.interval(),
                "reasons": reasons.get(prefix + name, {}),
            }
        ]
        for name, rate in rates.items()
    }


def main(arguments: Sequence[str]) -> None:
    options = parser(__doc__, repeats=1)
    options.add_argument(
        "dataset", type=Path, help="good triplets, in any layout that editloop reads"
    )
    options.add_argument("--count", type=int, default=200, help="triplets, drawn at random")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--judge", default="embedded:evidence")
    options.add_argument("--no-mask", action="store_true", help="hide the masks from the judge")
    parsed = options.parse_args(arguments)
    facts = machine()
    good = specimens(parsed.dataset, parsed.count, parsed.seed, with_masks=not parsed.no_mask)
    judge = load_judge(parsed.judge)

    def progress(done: int) -> None:
        print(f"\r{done} of {len(good)} triplets", end="", file=sys.stderr, flush=True)

    report = measure_detection(judge, good, seed=parsed.seed, progress=progress)
    print(file=sys.stderr)
    detection, alarms = tables(report)
    sections = [
        Section(
            "Planted flaws",
            "Share of the broken triplets that the judge rejects.",
            detection,
            as_runs(report.detected, report.reasons),
        ),
        Section(
            "False alarms",
            "Share of the untouched triplets that the judge rejects.",
            alarms,
            as_runs(report.false_alarms, report.reasons, "good:"),
        ),
    ]
    publish(
        "evidence_judge",
        f"The judge {judge.identity.name} {judge.identity.version}",
        sections,
        parsed,
        facts,
    )


if __name__ == "__main__":
    main(sys.argv[1:])

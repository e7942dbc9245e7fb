"""`editloop view`: a page, or a contact sheet, of any run folder or data set."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from editloop.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from editloop.records.image_ref import ImageRef
    from editloop.records.record import EditRecord

MANIFEST = "manifest.json"


class Opened(NamedTuple):
    """Records of a run or data set, and how to load their images."""

    records: list[EditRecord]
    load: Callable[[ImageRef], bytes]
    facts: dict[str, str]


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """The accepted records of a run folder, or all records of a data set."""
    if (path / "journal.sqlite").is_file():
        from editloop.engine.result import RunImages
        from editloop.records.record import EditRecord
        from editloop.store.ledger import LedgerReader

        reader, images = LedgerReader(path / "journal.sqlite"), RunImages(path)
        try:
            records = [EditRecord.model_validate_json(text) for text in reader.records()]
            yield Opened(records, images.context().load_bytes, run_facts(path))
        finally:
            reader.close()
            images.close()
        return
    from editloop.records.formats import read_dataset

    dataset = read_dataset(path)
    yield Opened(list(dataset.records), dataset.load, {"data set": path.name})


def write_view(path: Path, out: Path | None, limit: int) -> Path:
    """Write the page of `path` and return where it is."""
    from editloop.report import ReportInput, write_report

    with opened(path) as data:
        shown = data.records[:limit]
        notes = (
            [f"showing {len(shown)} of {len(data.records)} triplets"]
            if limit < len(data.records)
            else []
        )
        page = ReportInput(
            title=path.name, records=shown, load=data.load, facts=data.facts, notes=notes
        )
        return write_report(page, out or (path if path.is_dir() else path.parent) / "view")


def draw_sheet(path: Path, sheet: Path, count: int, seed: int) -> Path:
    """Draw `count` random triplets of `path` on one picture."""
    from editloop.report import contact_sheet

    with opened(path) as data:
        if not data.records:
            raise UsageError(f"{path} holds no accepted triplets to draw")
        chosen = random.Random(seed).sample(data.records, min(count, len(data.records)))
        return contact_sheet(chosen, data.load, sheet)


def run_facts(run: Path) -> dict[str, str]:
    """The facts of a run's manifest as short texts, one level deep."""
    manifest = json.loads((run / MANIFEST).read_text("utf-8"))
    facts: dict[str, str] = {}
    for key, value in manifest.items():
        if key in {"counts", "stages"} or value in (None, "", [], {}):
            continue
        if isinstance(value, dict):
            facts |= {f"{key}: {name}": as_text(part) for name, part in value.items()}
        else:
            facts[key] = as_text(value)
    return facts


def as_text(value: Any) -> str:
    """A value of a manifest or summary as a page shows it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

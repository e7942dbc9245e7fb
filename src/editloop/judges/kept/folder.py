"""Judges a data set, a folder or a table of edits into a folder of verdicts.

``verdicts.jsonl`` has one verdict a line, replies included; ``dropped.jsonl`` what could not be judged and why; ``summary.json`` the
means, each with how many of how many it is the mean of.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

from editloop.core.errors import EditloopError, StoreError, UsageError
from editloop.judges.kept.summary import Summary, summary_of
from editloop.judges.people.bulk import Judged, Progress, judge_edits
from editloop.judges.people.worker import edit_type_of
from editloop.judges.registry import load_judge
from editloop.records.formats import Dataset, read_dataset
from editloop.records.formats.edit_table import read_edit_table, table_in
from editloop.records.formats.rated_edits import RatedEdit, Unusable
from editloop.records.record import EditRecord
from editloop.records.verdict import Verdict
from editloop.store.answers import AnswerStore
from editloop.store.runs import write_atomically

VERDICTS: Final = "verdicts.jsonl"
DROPPED: Final = "dropped.jsonl"
SUMMARY: Final = "summary.json"
PART: Final = 512
"""Triplets of a data set that are unpacked at a time."""


def judge_into(
    data: Path,
    spec: str,
    out: Path,
    *,
    store: AnswerStore,
    workers: int = 1,
    progress: Progress | None = None,
) -> Summary:
    """Judge everything in `data` and keep the verdicts in `out`.

    Verdicts that are kept already cost nothing, so that a run that was stopped goes on where it was.

    Args:
        data: A table (JSONL or CSV), a folder that holds one, or a data set of any known layout.
        spec: The judge.
        out: Folder to write; made when missing. It must not hold verdicts of another judge.
        store: Kept verdicts, by content.
        workers: Processes, for judges that compute.
        progress: Told how far it is.

    Raises:
        UsageError: there is nothing to judge, or `out` belongs to another judge.
        EditloopError: the judge cannot work at all, or could judge none.
    """
    identity = load_judge(spec).identity
    _claim(out, identity.name, identity.version)
    rows: list[dict[str, Any]] = []
    dropped: list[Unusable] = []
    for part, lost in _parts(data):
        judged = judge_edits(spec, part, store=store, workers=workers, progress=progress)
        rows += _rows(part, judged)
        dropped += [*lost, *judged.dropped]
    if not rows:
        first = f"; the first: {dropped[0].place}: {dropped[0].reason}" if dropped else ""
        raise EditloopError(f"none of the edits in {data} could be judged{first}")
    summary = summary_of(
        [Verdict.model_validate(row["verdict"]) for row in rows], identity, dropped, str(data.name)
    )
    _write(out, rows, dropped, summary)
    return summary


def _claim(out: Path, name: str, version: str) -> None:
    """Make the folder.

    Raises:
        UsageError: it holds verdicts of another judge.
        StoreError: it cannot be made.
    """
    with suppress(OSError, ValueError, KeyError):
        there = json.loads((out / SUMMARY).read_text(encoding="utf-8"))
        if (there["judge"], there["judge_version"]) != (name, version):
            raise UsageError(
                f"{out} holds verdicts of {there['judge']} ({there['judge_version']}), not of {name} ({version}): name another folder"
            )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make {out}: {error.strerror}") from error


def _parts(data: Path) -> Iterator[tuple[Sequence[RatedEdit], Sequence[Unusable]]]:
    table = table_in(data)
    if table is not None and not (data.is_dir() and (data / "export.json").is_file()):
        read = read_edit_table(table)
        yield read.edits, read.dropped
        return
    yield from _unpacked(read_dataset(data))


def _unpacked(dataset: Dataset) -> Iterator[tuple[Sequence[RatedEdit], Sequence[Unusable]]]:
    """Triplets of a data set with their images as files, some at a time."""
    records = iter(dataset)
    while part := list(islice(records, PART)):
        with tempfile.TemporaryDirectory(prefix="editloop-judge-") as folder:
            edits = list(_as_files(dataset, part, Path(folder)))
            lost = [Unusable(one.key, one.reason, one.detail) for one in dataset.skipped]
            without = [
                Unusable(record.id, "no_target", "the record has no edited image")
                for record in part
                if record.target is None
            ]
            yield edits, [*lost, *without]
            dataset.skipped.clear()


def _as_files(dataset: Dataset, records: Iterable[EditRecord], folder: Path) -> Iterator[RatedEdit]:
    for record in records:
        if record.target is None:
            continue
        refs = (record.source, record.target, *record.references)
        paths = [folder / ref.sha256 for ref in refs]
        for path, ref in zip(paths, refs, strict=True):
            if not path.exists():
                path.write_bytes(dataset.load(ref))
        yield RatedEdit(
            uid=record.id,
            image=record.source.sha256,
            instruction=record.instruction,
            source=paths[0],
            edited=paths[1],
            scores={},
            labels={"edit_type": record.edit_type.value},
            context=record.turn.history if record.turn is not None else (),
            references=tuple(paths[2:]),
        )


def _rows(edits: Sequence[RatedEdit], judged: Judged) -> list[dict[str, Any]]:
    return [
        {
            "uid": edit.uid,
            "instruction": edit.instruction,
            "edit_type": edit_type_of(edit),
            "verdict": judged.verdicts[edit.uid].model_dump(mode="json"),
        }
        for edit in edits
        if edit.uid in judged.verdicts
    ]


def _write(
    out: Path, rows: Sequence[dict[str, Any]], dropped: Sequence[Unusable], summary: Summary
) -> None:
    lost = [{"place": one.place, "reason": one.reason, "detail": one.detail} for one in dropped]
    for name, lines in ((VERDICTS, rows), (DROPPED, lost)):
        replace_file(
            out / name, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        )
    replace_file(out / SUMMARY, json.dumps(summary.as_json(), indent=2) + "\n")


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        StoreError: it cannot be written.
    """
    write_atomically(path, text.encode("utf-8", errors="replace"))

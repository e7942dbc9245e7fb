from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from editloop.core.errors import StoreError
from editloop.core.ids import sha256_hex
from editloop.store.journal import GROUP_ROWS, BlobIndex, Journal, OutcomeRow, Status
from editloop.store.ledger import LedgerReader
from editloop.store.packs import BlobLocation

SHA = sha256_hex(b"picture")


def content(number: int) -> bytes:
    return bytes.fromhex(sha256_hex(b"%d" % number)[:32])


def row(journal: Journal, stage: int, number: int, status: Status = Status.KEPT) -> OutcomeRow:
    return OutcomeRow(
        stage,
        content(number),
        journal.generation,
        status,
        f"id{number}",
        0.1,
        outputs=f'{{"n":{number}}}',
    )


def rows_in(path: Path) -> int:
    connection = sqlite3.connect(path)
    (count,) = connection.execute("SELECT count(*) FROM outcome").fetchone()
    connection.close()
    return int(count)


def test_rows_are_committed_in_groups(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    stage = journal.register(0, "key", "shout", "1", "{}")
    journal.append([row(journal, stage, n) for n in range(GROUP_ROWS - 1)])
    assert rows_in(path) == 0
    journal.append([row(journal, stage, GROUP_ROWS)])
    assert rows_in(path) == GROUP_ROWS
    journal.append([row(journal, stage, 1000)])
    journal.close()
    assert rows_in(path) == GROUP_ROWS + 1


def test_a_blob_is_known_with_the_row_that_needs_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    stage = journal.register(0, "key", "draw", "1", "{}")
    index = BlobIndex(path)
    journal.append([row(journal, stage, 1)], [(SHA, BlobLocation("1.pack", 5, 7))])
    assert journal.has_waiting_blobs
    assert index.find(SHA) is None
    journal.commit()
    assert index.find(SHA) == BlobLocation("1.pack", 5, 7)
    index.close()
    journal.close()


def test_what_was_not_committed_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    stage = journal.register(0, "key", "shout", "1", "{}")
    journal.append([row(journal, stage, 1)])
    journal.abandon()
    assert rows_in(path) == 0


def test_lookup_finds_what_earlier_runs_settled(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    first = Journal(path)
    stage, other = (first.register(n, f"key{n}", "shout", "1", "{}") for n in range(2))
    first.append([row(first, stage, n) for n in range(500)])
    first.append([row(first, stage, 500, Status.RETRYABLE), row(first, other, 501)])
    assert first.lookup(stage, [content(1)]) == {}, "this run's own rows are not asked for"
    first.close()
    second = Journal(path)
    assert second.generation == first.generation + 1
    assert second.register(0, "key0", "shout", "1", "{}") == stage
    asked = [content(n) for n in (3, 499, 500, 501, 502)]
    found = second.lookup(stage, asked, is_last=True)
    assert {r.record_id for r in found.values()} == {"id3", "id499"}
    second.append([row(second, stage, 500)])
    second.close()
    reader = LedgerReader(path)
    assert sorted(reader.records()) == ['{"n":3}', '{"n":499}', '{"n":500}']
    assert list(reader.rejects()) == []
    reader.close()


def test_failures_can_be_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    for repeat in range(2):
        journal = Journal(path)
        stage = journal.register(0, "key", "shout", "1", "{}")
        if repeat == 0:
            journal.append([row(journal, stage, 1, Status.FAILED)])
            journal.close()
    assert set(journal.lookup(stage, [content(1)])) == {content(1)}
    journal.make_failures_retryable()
    assert journal.lookup(stage, [content(1)]) == {}
    journal.close()


@pytest.mark.parametrize("spoil", ["folder", "garbage", "missing"])
def test_a_file_that_is_no_journal(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "journal.sqlite"
    if spoil == "folder":
        path.mkdir()
    elif spoil == "garbage":
        path.write_bytes(b"no database" * 1000)
    else:
        path = tmp_path / "nowhere" / "journal.sqlite"
    with pytest.raises(StoreError, match="committed before is intact"):
        Journal(path)

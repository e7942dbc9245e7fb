"""editloop's own Parquet export: everything in a record, with the image bytes inside.

Opens with `datasets.load_dataset("parquet", ...)` (image columns decode), DuckDB and Polars. Row groups are capped in
bytes and rows, so that a viewer or a random read never has to fetch more than 32 MB, and files stay small enough to copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from editloop.records.formats.arrow_rows import (
    IMAGE_COLUMNS,
    REF_SUFFIX,
    Row,
    arrow_schema,
    from_row,
    text_leaves,
    to_row,
)
from editloop.records.formats.card import write_card
from editloop.records.formats.dataset import Dataset, Layout, Load
from editloop.records.formats.locate import ImageIndex
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord

MAX_GROUP_ROWS = 100
MAX_GROUP_BYTES = 32 * 2**20
MAX_FILE_BYTES = 512 * 2**20
_DATA = "data"
_OPEN_FILES = 16
_CACHED_COLUMNS = 4
"""Image columns of row groups kept by a reader: those of one row group, at most 32 MB."""


class ParquetLayout(Layout):
    """`data/train-NNNNN-of-NNNNN.parquet`, sorted by id."""

    name = "parquet"
    lossless = True

    def __init__(
        self,
        max_group_rows: int = MAX_GROUP_ROWS,
        max_group_bytes: int = MAX_GROUP_BYTES,
        max_file_bytes: int = MAX_FILE_BYTES,
    ) -> None:
        self.max_group_rows = max_group_rows
        self.max_group_bytes = max_group_bytes
        self.max_file_bytes = max_file_bytes

    def write(self, records: Iterable[EditRecord], load: Load, folder: Path) -> None:
        """See `Layout.write`."""
        files = _FileSeries(folder / _DATA, self.max_file_bytes)
        try:
            for rows, size_bytes in self._groups(records, load):
                files.write_group(rows, size_bytes)
        finally:
            files.close()
        files.name_finally()
        write_card(folder, f"{_DATA}/*.parquet")

    def _groups(self, records: Iterable[EditRecord], load: Load) -> Iterator[tuple[list[Row], int]]:
        rows: list[Row] = []
        size_bytes = 0
        for record in records:
            row, row_bytes = to_row(record, load)
            full = len(rows) >= self.max_group_rows or size_bytes + row_bytes > self.max_group_bytes
            if rows and full:
                yield rows, size_bytes
                rows, size_bytes = [], 0
            rows.append(row)
            size_bytes += row_bytes
        if rows:
            yield rows, size_bytes

    def recognises(self, path: Path) -> bool:
        """See `Layout.recognises`."""
        files = parquet_files(path)
        return bool(files) and b"editloop" in (schema_metadata(files[0]) or {})

    def read(self, path: Path) -> Dataset:
        """See `Layout.read`."""
        reader = _Reader(parquet_files(path))
        return Dataset(self.name, reader, reader.load)


class _FileSeries:
    """Parquet files that follow each other, each under a byte cap; their final names need their final number."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        folder.mkdir()
        self._folder = folder
        self._max_bytes = max_bytes
        self._schema = arrow_schema()
        self._paths: list[Path] = []
        self._writer: Any = None
        self._written = 0

    def write_group(self, rows: list[Row], size_bytes: int) -> None:
        import pyarrow as pa

        table = pa.Table.from_pylist(rows, schema=self._schema)
        if self._writer is None or self._written + size_bytes > self._max_bytes:
            self._next_file()
        self._writer.write_table(table, row_group_size=len(rows))
        self._written += size_bytes

    def _next_file(self) -> None:
        import pyarrow.parquet as pq

        self.close()
        path = self._folder / f"part-{len(self._paths):05}"
        self._paths.append(path)
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            compression=dict.fromkeys(text_leaves(), "zstd"),
            use_dictionary=["edit_type", "kind", "operation", "licence", "collection"],
            write_page_index=True,
        )
        self._written = 0

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def name_finally(self) -> None:
        if not self._paths:
            self._next_file()
            self.close()
        total = len(self._paths)
        for number, path in enumerate(self._paths):
            path.rename(self._folder / f"train-{number:05}-of-{total:05}.parquet")


class _Place(NamedTuple):
    file: int
    group: int
    row: int
    column: str
    item: int


class _Reader:
    """Iterates records without touching image columns, and reads those one row group at a time when asked."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self._index: ImageIndex[_Place] = ImageIndex(self._scan)
        self._opened = lru_cache(maxsize=_OPEN_FILES)(self._open)
        self._images = lru_cache(maxsize=_CACHED_COLUMNS)(self._read_images)

    def __iter__(self) -> Iterator[EditRecord]:
        columns = [n for n in arrow_schema().names if n not in IMAGE_COLUMNS]
        for file, group, row, fields in self._rows(columns):
            for sha256, place in _places(file, group, row, fields):
                self._index.remember(sha256, place)
            yield from_row(fields)

    def _scan(self) -> Iterator[tuple[str, _Place]]:
        for file, group, row, fields in self._rows([name + REF_SUFFIX for name in IMAGE_COLUMNS]):
            yield from _places(file, group, row, fields)

    def _rows(self, columns: list[str]) -> Iterator[tuple[int, int, int, Row]]:
        for number in range(len(self._files)):
            file = self._opened(number)
            for group in range(file.num_row_groups):
                rows = file.read_row_group(group, columns=columns).to_pylist()
                for row, fields in enumerate(rows):
                    yield number, group, row, fields

    def load(self, ref: ImageRef) -> bytes:
        place = self._index.find(ref.sha256)
        cell = self._images(place.file, place.group, place.column)[place.row]
        if place.column == "references":
            cell = cell[place.item]
        data: bytes = cell["bytes"].as_py()
        return data

    def _open(self, file: int) -> Any:
        import pyarrow.parquet as pq

        return pq.ParquetFile(self._files[file])

    def _read_images(self, file: int, group: int, column: str) -> Any:
        return self._opened(file).read_row_group(group, columns=[column]).column(column)


def _places(file: int, group: int, row: int, fields: Row) -> Iterator[tuple[str, _Place]]:
    for column in IMAGE_COLUMNS:
        refs = fields[column + REF_SUFFIX]
        for item, ref in enumerate(refs if isinstance(refs, list) else [refs]):
            if ref is not None:
                yield ref["sha256"], _Place(file, group, row, column, item)


def parquet_files(path: Path) -> list[Path]:
    """The Parquet files at `path` (a file, or a folder and the folders directly in it), in name order."""
    if path.is_file():
        return [path] if path.suffix == ".parquet" else []
    return sorted([*path.glob("*.parquet"), *path.glob("*/*.parquet")])


def schema_metadata(path: Path) -> dict[bytes, bytes] | None:
    """Key-value metadata of a Parquet file's schema, or None when there is none or the file is not Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with suppress(OSError, pa.ArrowInvalid):
        metadata: dict[bytes, bytes] | None = pq.read_schema(path).metadata
        return metadata
    return None


PARQUET = ParquetLayout()

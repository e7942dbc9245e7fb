"""What travels between stages: a few records side by side, as objects, as JSON, or both, converted when asked."""

from __future__ import annotations

import hashlib
import json
import operator
from collections.abc import Callable, Sequence
from typing import Final

from pydantic import BaseModel, ValidationError

from editloop.core.errors import StageError

_DIGEST_BYTES: Final = 16

_record_id: Callable[[BaseModel], str] = operator.attrgetter("id")


class Batch:
    """Records as columns. At least one of `records` and `texts` is given, and each that is given is complete.

    Args:
        records: The records as objects.
        texts: The records as JSON, one line each.
        digests: Content addresses.
    """

    __slots__ = ("_digests", "_records", "_texts")

    def __init__(
        self,
        records: list[BaseModel] | None = None,
        texts: list[str] | None = None,
        digests: list[bytes] | None = None,
    ) -> None:
        self._records = records
        self._texts = texts
        self._digests = digests

    def __len__(self) -> int:
        return len(self._records if self._records is not None else self._texts or ())

    def records(self, kind: type[BaseModel]) -> list[BaseModel]:
        """The records as objects.

        Raises:
            StageError: when kept JSON does not fit the type, so its stage changed without a new version.
        """
        if self._records is None:
            try:
                self._records = [kind.model_validate_json(text) for text in self.texts()]
            except ValidationError as error:
                raise StageError(
                    f"a kept {kind.__name__} cannot be read back: {error}; give the stage that made it a new "
                    "version (numbers must be finite)"
                ) from error
        return self._records

    def texts(self) -> list[str]:
        """The records as JSON."""
        if self._texts is None:
            self._texts = as_json(self._records or ())
        return self._texts

    def digests(self) -> list[bytes]:
        """Content addresses: the first 16 bytes of the SHA-256 of the JSON."""
        if self._digests is None:
            sha256 = hashlib.sha256
            self._digests = [
                sha256(text.encode()).digest()[:_DIGEST_BYTES] for text in self.texts()
            ]
        return self._digests

    def ids(self) -> list[str]:
        """Ids of the records."""
        if self._records is not None:
            return list(map(_record_id, self._records))
        return [str(json.loads(text)["id"]) for text in self.texts()]

    def pick(self, places: Sequence[int]) -> Batch:
        """The records at these places, in this order."""
        if len(places) == len(self) and list(places) == list(range(len(self))):
            return self
        return Batch(
            None if self._records is None else [self._records[place] for place in places],
            None if self._texts is None else [self._texts[place] for place in places],
            None if self._digests is None else [self._digests[place] for place in places],
        )

    def split(self, size: int) -> list[Batch]:
        """Pieces of at most `size` records."""
        if len(self) <= size:
            return [self] if len(self) else []
        return [
            self.pick(range(start, min(start + size, len(self))))
            for start in range(0, len(self), size)
        ]


def join(batches: Sequence[Batch]) -> Batch:
    """One batch of several: a column is kept where all have it."""
    if len(batches) == 1:
        return batches[0]
    if any(batch._records is None for batch in batches):
        records = None
        for batch in batches:
            batch.texts()
    else:
        records = [record for batch in batches for record in batch._records or ()]
    texts = None
    if all(batch._texts is not None for batch in batches):
        texts = [text for batch in batches for text in batch._texts or ()]
    digests = None
    if all(batch._digests is not None for batch in batches):
        digests = [digest for batch in batches for digest in batch._digests or ()]
    return Batch(records, texts, digests)


def as_json(records: Sequence[BaseModel]) -> list[str]:
    """One line of JSON each: `model_dump_json` without the cost of its options."""
    return [record.__pydantic_serializer__.to_json(record).decode() for record in records]

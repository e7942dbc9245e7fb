"""Identity by content: canonical JSON and hashes. Never positions, never paths."""

from __future__ import annotations

import hashlib
import json
from typing import Any

ID_LENGTH = 32
"""Hex digits in an id: 128 bits, enough for 10^15 records at a collision chance below 10^-8."""


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys, no spaces and no NaN: the same value gives the same bytes everywhere."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def content_id(*parts: Any) -> str:
    """The first 128 bits of the SHA-256 of the canonical JSON of `parts`, as hex."""
    return hashlib.sha256(canonical_json(parts)).hexdigest()[:ID_LENGTH]


def sha256_hex(data: bytes) -> str:
    """SHA-256 of `data` as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()

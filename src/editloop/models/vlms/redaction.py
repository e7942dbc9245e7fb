"""Keeps keys out of messages, logs and kept replies: some endpoints repeat them in their errors."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "[key hidden]"
_KEYS: Final = re.compile(r"\bsk-[A-Za-z0-9_\-*.]{6,}|\bBearer\s+[^\s\"',]+")
EXCERPT: Final = 300
LEAST_SECRET: Final = 12
"""Shorter keys are the dummies that local servers ask for (``EMPTY``, ``none``): words that a judge may use."""


def redact(text: str, key: str) -> str:
    """`text` without `key`, and without anything that looks like one."""
    if key:
        text = text.replace(key, HIDDEN)
    if "sk-" in text or "Bearer" in text:  # the rule is slow, and nearly no reply needs it
        text = _KEYS.sub(HIDDEN, text)
    return text


def redact_answer(text: str, key: str) -> str:
    """An answer without `key`, but with every word of the model where the key is itself a mere word."""
    return redact(text, key if len(key) >= LEAST_SECRET else "")


def excerpt(text: str, key: str) -> str:
    """The beginning of an endpoint's words on one line, without keys."""
    line = " ".join(redact(text, key).split())
    return line if len(line) <= EXCERPT else f"{line[:EXCERPT]}..."

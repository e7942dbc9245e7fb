"""editloop closes the loop of instruction-based image editing: mine, judge, train, align, benchmark."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from editloop.core.errors import EditloopError
    from editloop.records.image_ref import ImageRef
    from editloop.records.record import EditRecord
    from editloop.records.taxonomy import EditType
    from editloop.records.verdict import Outcome, Verdict

__version__ = "0.1.0"

_HOMES = {
    "EditRecord": "editloop.records.record",
    "EditType": "editloop.records.taxonomy",
    "EditloopError": "editloop.core.errors",
    "ImageRef": "editloop.records.image_ref",
    "Outcome": "editloop.records.verdict",
    "Verdict": "editloop.records.verdict",
}

__all__ = ["EditRecord", "EditType", "EditloopError", "ImageRef", "Outcome", "Verdict"]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that ``import editloop`` alone costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

"""Named things chosen on the command line, imported only when they are used."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator
from typing import Any, Generic, TypeVar, cast

from editloop.core.errors import UnknownNameError, UsageError

T = TypeVar("T")


def did_you_mean(name: str, known: list[str]) -> str:
    """``; did you mean 'x'?`` for the nearest known name, or an empty string."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


class Registry(Generic[T]):
    """A table of objects, or of lazy ``"module:attribute"`` strings.

    Example:
        >>> colours = Registry[str]("colour")
        >>> colours.add("red", "#f00")
        >>> colours.get("red")
        '#f00'
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T | str] = {}

    def add(self, name: str, entry: T | str) -> None:
        """Register `entry` under `name`; a second use of a name is an error."""
        if name in self._entries:
            raise UsageError(f"{self.kind} {name!r} is already registered")
        self._entries[name] = entry

    def get(self, name: str) -> T:
        """The entry of `name`, imported on first use.

        Raises:
            UnknownNameError: with the nearest name and the list of all names.
        """
        if name not in self._entries:
            names = sorted(self._entries)
            raise UnknownNameError(
                f"no {self.kind} is called {name!r}{did_you_mean(name, names) or ';'} known: {', '.join(names)}"
            )
        entry = self._entries[name]
        if isinstance(entry, str) and ":" in entry:
            module, _, attribute = entry.partition(":")
            loaded: Any = getattr(importlib.import_module(module), attribute)
            entry = self._entries[name] = cast("T", loaded)
        return cast("T", entry)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __contains__(self, name: object) -> bool:
        return name in self._entries

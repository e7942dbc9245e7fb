"""Reads data out of a pickle without unpickling it.

The stream is tokenised with `pickletools.genops` and run on a stack machine that knows the opcodes that build plain
data (numbers, strings, tuples, lists, dicts). It imports nothing and calls nothing. A caller that expects more, such
as tensors, passes its own reading of the two opcodes that would call something; everything else is an error.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from editloop.core.errors import BadInputError

_MARK = object()


@dataclass(frozen=True, slots=True)
class GlobalName:
    """A name that the stream mentions, such as ``collections OrderedDict``; only ever compared, never looked up."""

    name: str


def refuse(why: str) -> BadInputError:
    """The error for anything that plain data does not have."""
    return BadInputError("unsafe-pickle", f"refused to read the pickled data: {why}")


def _no_calls(function: Any, arguments: Any) -> Any:
    raise refuse(f"it asks to call {function!r} with {arguments!r:.80}")


def _no_references(described: Any) -> Any:
    raise refuse(f"it refers to the outside object {described!r}")


def read_plain_pickle(
    stream: IO[bytes],
    rebuild: Callable[[Any, Any], Any] = _no_calls,
    refer: Callable[[Any], Any] = _no_references,
) -> Any:
    """The value of one pickle made of plain data; the stream is left right after it.

    Args:
        stream: Binary stream at the start of a pickle.
        rebuild: Given (name, arguments) where the stream asks for a call, returns the plain value meant or raises.
        refer: Given the description of an object stored elsewhere, returns a plain value for it or raises.

    Raises:
        BadInputError: ``unsafe-pickle`` for any opcode outside the plain ones, or a malformed stream.
    """
    machine = _StackMachine(rebuild, refer)
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name == "STOP":
                return machine.pop()
            machine.step(opcode.name, argument)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise refuse(f"the stream is malformed: {error}") from error
    raise refuse("the stream has no end")


class _StackMachine:
    """The part of the pickle machine that builds data."""

    def __init__(self, rebuild: Callable[[Any, Any], Any], refer: Callable[[Any], Any]) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        push = self._stack.append
        self._actions: dict[str, Callable[[Any], None]] = {
            "PROTO": lambda _: None,
            "FRAME": lambda _: None,
            "MARK": lambda _: push(_MARK),
            "NONE": lambda _: push(None),
            "NEWTRUE": lambda _: push(True),
            "NEWFALSE": lambda _: push(False),
            "EMPTY_DICT": lambda _: push({}),
            "EMPTY_LIST": lambda _: push([]),
            "EMPTY_TUPLE": lambda _: push(()),
            "TUPLE": lambda _: push(tuple(self._pop_to_mark())),
            "TUPLE1": lambda _: push((self.pop(),)),
            "TUPLE2": lambda _: push(self._pop_two()),
            "GLOBAL": lambda name: push(GlobalName(name)),
            "SETITEM": lambda _: self._set_items(list(self._pop_two())),
            "SETITEMS": lambda _: self._set_items(self._pop_to_mark()),
            "APPENDS": lambda _: self._append(self._pop_to_mark()),
            "BUILD": lambda _: self._drop_attributes(),
            "BINPERSID": lambda _: push(refer(self.pop())),
            "REDUCE": lambda _: push(rebuild(*self._pop_two())),
            "MEMOIZE": lambda _: self._memo.__setitem__(len(self._memo), self._stack[-1]),
        }
        for name in ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"):
            self._actions[name] = push
        for name in ("BINUNICODE", "SHORT_BINUNICODE"):
            self._actions[name] = push
        for name in ("BINPUT", "LONG_BINPUT"):
            self._actions[name] = lambda slot: self._memo.__setitem__(slot, self._stack[-1])
        for name in ("BINGET", "LONG_BINGET"):
            self._actions[name] = lambda slot: push(self._memo[slot])

    def step(self, opcode: str, argument: Any) -> None:
        action = self._actions.get(opcode)
        if action is None:
            raise refuse(f"the opcode {opcode} has no place in plain data")
        action(argument)

    def pop(self) -> Any:
        return self._stack.pop()

    def _pop_two(self) -> tuple[Any, Any]:
        second, first = self._stack.pop(), self._stack.pop()
        return first, second

    def _pop_to_mark(self) -> list[Any]:
        items: list[Any] = []
        while (item := self._stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def _set_items(self, flat: list[Any]) -> None:
        self._stack[-1].update(zip(flat[::2], flat[1::2], strict=True))

    def _append(self, items: list[Any]) -> None:
        self._stack[-1].extend(items)

    def _drop_attributes(self) -> None:
        """Drops attributes that stand beside a value, as torch's module versions do."""
        self._stack.pop()

"""Reads a torch state dict (the format before zip files) without torch and without unpickling.

Such a file is five pickles (magic number, protocol, system facts, the state dict, the storage keys) followed by the
storages. The pickles are read with `pickletools.genops`, which only tokenises, and a stack machine that knows the
few opcodes and the four global names a state dict of plain tensors needs. Nothing is imported or called by name;
anything else in the stream is an error.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
_STORAGE_TYPES: dict[str, np.dtype[Any]] = {
    "torch FloatStorage": np.dtype("<f4"),
    "torch LongStorage": np.dtype("<i8"),
}
_MARK = object()


@dataclass(frozen=True, slots=True)
class _Global:
    name: str


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class _TensorView:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_state_dict(path: Path) -> dict[str, NDArray[Any]]:
    """Arrays by parameter name.

    Raises:
        BadInputError: ``unsafe-pickle`` for any opcode, global name or layout that a plain state dict does not have,
            ``truncated`` when the file ends early.
    """
    with path.open("rb") as stream:
        magic, protocol, _facts = (read_plain_pickle(stream) for _ in range(3))
        if magic != MAGIC or protocol != PROTOCOL:
            raise _refuse(
                f"magic {magic!r} and protocol {protocol!r} are not those of a state dict"
            )
        views = read_plain_pickle(stream)
        keys = read_plain_pickle(stream)
        if not isinstance(views, dict) or not isinstance(keys, list):
            raise _refuse("the file does not hold a dict of tensors and a list of storages")
        named = {name: view for name, view in views.items() if isinstance(view, _TensorView)}
        dtypes = {view.storage.key: view.storage.dtype for view in named.values()}
        storages = {key: _read_storage(stream, dtypes.get(key)) for key in keys}
    return {name: _materialise(view, storages) for name, view in named.items()}


def read_plain_pickle(stream: IO[bytes]) -> Any:
    """The value of one pickle made of plain data and tensor views; the stream is left after it.

    Raises:
        BadInputError: as `read_state_dict` does.
    """
    machine = _StackMachine()
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name == "STOP":
                return machine.pop()
            machine.step(opcode.name, argument)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise _refuse(f"the stream is malformed: {error}") from error
    raise _refuse("the stream has no end")


class _StackMachine:
    """The part of the pickle machine that builds data; it cannot call anything."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._actions: dict[str, Callable[[Any], None]] = {
            "PROTO": lambda _: None,
            "MARK": lambda _: self._stack.append(_MARK),
            "NONE": lambda _: self._stack.append(None),
            "NEWTRUE": lambda _: self._stack.append(True),
            "NEWFALSE": lambda _: self._stack.append(False),
            "EMPTY_DICT": lambda _: self._stack.append({}),
            "EMPTY_LIST": lambda _: self._stack.append([]),
            "EMPTY_TUPLE": lambda _: self._stack.append(()),
            "TUPLE": lambda _: self._stack.append(tuple(self._pop_to_mark())),
            "TUPLE1": lambda _: self._stack.append((self.pop(),)),
            "TUPLE2": lambda _: self._stack.append(tuple(reversed([self.pop(), self.pop()]))),
            "GLOBAL": lambda name: self._stack.append(_Global(name)),
            "SETITEM": lambda _: self._set_items([self.pop(), self.pop()][::-1]),
            "SETITEMS": lambda _: self._set_items(self._pop_to_mark()),
            "APPENDS": lambda _: self._append(self._pop_to_mark()),
            "BUILD": lambda _: self._drop_metadata(),
            "BINPERSID": lambda _: self._stack.append(_storage(self.pop())),
            "REDUCE": lambda _: self._stack.append(_rebuild(*[self.pop(), self.pop()][::-1])),
        }
        for name in ("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE"):
            self._actions[name] = self._stack.append
        for name in ("BINPUT", "LONG_BINPUT"):
            self._actions[name] = lambda slot: self._memo.__setitem__(slot, self._stack[-1])
        for name in ("BINGET", "LONG_BINGET"):
            self._actions[name] = lambda slot: self._stack.append(self._memo[slot])

    def step(self, opcode: str, argument: Any) -> None:
        action = self._actions.get(opcode)
        if action is None:
            raise _refuse(f"the opcode {opcode} has no place in a state dict")
        action(argument)

    def pop(self) -> Any:
        return self._stack.pop()

    def _pop_to_mark(self) -> list[Any]:
        items: list[Any] = []
        while (item := self._stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def _set_items(self, flat: list[Any]) -> None:
        self._stack[-1].update(zip(flat[::2], flat[1::2], strict=True))

    def _append(self, items: list[Any]) -> None:
        self._stack[-1].extend(items)

    def _drop_metadata(self) -> None:
        """Drops the attributes that torch keeps beside the dict (module versions)."""
        self._stack.pop()


def _storage(described: tuple[Any, ...]) -> _Storage:
    match described:
        case ("storage", _Global(name), str(key), str(), int(), None) if name in _STORAGE_TYPES:
            return _Storage(key, _STORAGE_TYPES[name])
    raise _refuse(f"the storage {described!r} is not one of {sorted(_STORAGE_TYPES)}")


def _rebuild(function: Any, arguments: tuple[Any, ...]) -> Any:
    match function, arguments:
        case _Global("collections OrderedDict"), ():
            return {}
        case (
            _Global("torch._utils _rebuild_tensor_v2"),
            (_Storage() as storage, int(offset), tuple(shape), tuple(strides), bool(), {}),
        ) if len(shape) == len(strides) and _all_counts((offset, *shape, *strides)):
            return _TensorView(storage, offset, shape, strides)
    raise _refuse(f"it asks to call {function!r}")


def _all_counts(values: tuple[Any, ...]) -> bool:
    return all(isinstance(value, int) and value >= 0 for value in values)


def _read_storage(stream: IO[bytes], dtype: np.dtype[Any] | None) -> NDArray[Any]:
    header = stream.read(8)
    if dtype is None or len(header) < 8:
        raise BadInputError("truncated", "the file of weights ends before its last tensor")
    (count,) = struct.unpack("<q", header)
    data = stream.read(count * dtype.itemsize) if count >= 0 else b""
    if len(data) != count * dtype.itemsize:
        raise BadInputError("truncated", "the file of weights ends before its last tensor")
    return np.frombuffer(data, dtype)


def _materialise(view: _TensorView, storages: dict[str, NDArray[Any]]) -> NDArray[Any]:
    flat = storages[view.storage.key][view.offset :]
    steps = zip(view.shape, view.strides, strict=True)
    last = sum((size - 1) * stride for size, stride in steps)
    if 0 not in view.shape and last >= flat.size:
        raise BadInputError("truncated", "a tensor reaches beyond its storage")
    byte_strides = [stride * flat.itemsize for stride in view.strides]
    return np.lib.stride_tricks.as_strided(flat, view.shape, byte_strides, writeable=False).copy()


def _refuse(why: str) -> BadInputError:
    return BadInputError("unsafe-pickle", f"refused to read the file of weights: {why}")

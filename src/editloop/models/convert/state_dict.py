"""Reads a torch state dict (the format before zip files) without torch and without unpickling.

Such a file is five pickles (magic number, protocol, system facts, the state dict, the storage keys) followed by the
storages. Of everything a pickle may ask for, this reader knows the four global names that a state dict of plain
tensors needs, by comparison; anything else in the stream is an error.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError
from editloop.models.convert.plain_pickle import GlobalName, read_plain_pickle, refuse

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
_STORAGE_TYPES: dict[str, np.dtype[Any]] = {
    "torch FloatStorage": np.dtype("<f4"),
    "torch LongStorage": np.dtype("<i8"),
}


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
            raise refuse(f"magic {magic!r} and protocol {protocol!r} are not those of a state dict")
        views = read_plain_pickle(stream, _rebuild, _storage)
        keys = read_plain_pickle(stream)
        if not isinstance(views, dict) or not isinstance(keys, list):
            raise refuse("the file does not hold a dict of tensors and a list of storages")
        named = {name: view for name, view in views.items() if isinstance(view, _TensorView)}
        dtypes = {view.storage.key: view.storage.dtype for view in named.values()}
        storages = {key: _read_storage(stream, dtypes.get(key)) for key in keys}
    return {name: _materialise(view, storages) for name, view in named.items()}


def _storage(described: Any) -> _Storage:
    match described:
        case ("storage", GlobalName(name), str(key), str(), int(), None) if name in _STORAGE_TYPES:
            return _Storage(key, _STORAGE_TYPES[name])
    raise refuse(f"the storage {described!r} is not one of {sorted(_STORAGE_TYPES)}")


def _rebuild(function: Any, arguments: Any) -> Any:
    match function, arguments:
        case GlobalName("collections OrderedDict"), ():
            return {}
        case (
            GlobalName("torch._utils _rebuild_tensor_v2"),
            (_Storage() as storage, int(offset), tuple(shape), tuple(strides), bool(), {}),
        ) if len(shape) == len(strides) and _all_counts((offset, *shape, *strides)):
            return _TensorView(storage, offset, shape, strides)
    raise refuse(f"it asks to call {function!r}")


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

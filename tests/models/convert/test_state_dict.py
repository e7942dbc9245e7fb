"""State dicts are read by layout alone; the file here is laid out by hand as torch lays it out."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from editloop.core.errors import BadInputError
from editloop.models.convert.state_dict import MAGIC, PROTOCOL, read_state_dict

PREFIX, END, MARK, TUPLE, REDUCE = b"\x80\x02", b".", b"(", b"t", b"R"
KERNEL = np.arange(6, dtype="<f4").reshape(2, 3)
STEPS = np.array([41], "<i8")


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    if value > 2**31:
        data = value.to_bytes(10, "little")
        return b"\x8a" + bytes([len(data)]) + data
    return b"J" + struct.pack("<i", value)


def numbers(values: tuple[int, ...]) -> bytes:
    return MARK + b"".join(number(value) for value in values) + TUPLE


def tensor(
    key: str,
    kind: str,
    count: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int = 0,
) -> bytes:
    storage = MARK + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu")
    storage += number(count) + b"N" + TUPLE + b"Q"
    hooks = b"ccollections\nOrderedDict\n)R"
    arguments = (
        MARK + storage + number(offset) + numbers(shape) + numbers(strides) + b"\x89" + hooks
    )
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + TUPLE + REDUCE


def state_dict_file(
    tensors: dict[str, bytes], storages: dict[str, bytes], magic: int = MAGIC
) -> bytes:
    facts = PREFIX + b"}" + END
    items = b"".join(text(name) + value for name, value in tensors.items())
    metadata = b"}" + text("_metadata") + b"}s"
    views = PREFIX + b"ccollections\nOrderedDict\n)R" + MARK + items + b"u" + metadata + b"b" + END
    keys = PREFIX + b"]" + MARK + b"".join(text(key) for key in storages) + b"e" + END
    pickles = [PREFIX + number(magic) + END, PREFIX + number(PROTOCOL) + END, facts, views, keys]
    return b"".join(pickles) + b"".join(storages.values())


def storage(values: np.ndarray) -> bytes:  # type: ignore[type-arg]
    return struct.pack("<q", values.size) + values.tobytes()


STORAGES = {"a": storage(KERNEL), "b": storage(STEPS)}


def read(folder: Path, data: bytes) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    path = folder / "weights.pth"
    path.write_bytes(data)
    return read_state_dict(path)


def test_tensors_come_back_with_shape_stride_and_type(tmp_path: Path) -> None:
    tensors = {
        "kernel": tensor("a", "FloatStorage", 6, (2, 3), (3, 1)),
        "transposed": tensor("a", "FloatStorage", 6, (3, 2), (1, 3)),
        "tail": tensor("a", "FloatStorage", 6, (2,), (1,), offset=4),
        "steps": tensor("b", "LongStorage", 1, (), ()),
    }
    state = read(tmp_path, state_dict_file(tensors, STORAGES))
    np.testing.assert_array_equal(state["kernel"], KERNEL)
    np.testing.assert_array_equal(state["transposed"], KERNEL.T)
    np.testing.assert_array_equal(state["tail"], [4, 5])
    assert state["steps"] == 41
    assert state["kernel"].dtype == np.float32


@pytest.mark.parametrize(
    "attack",
    [
        b"cos\nsystem\n" + MARK + text("true") + TUPLE + REDUCE,
        b"ctorch._utils\n_rebuild_parameter\n" + MARK + number(1) + TUPLE + REDUCE,
        tensor("a", "FloatStorage", 6, (2, 3), (3, 1)).replace(b"storage", b"Storage"),
        tensor("a", "HalfStorage", 6, (2, 3), (3, 1)),
        tensor("a", "FloatStorage", 6, (2, 3), (-3, 1)),
        tensor("a", "FloatStorage", 6, (2, 3), (3,)),
    ],
)
def test_anything_but_a_plain_tensor_is_refused(attack: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="unsafe-pickle"):
        read(tmp_path, state_dict_file({"kernel": attack}, STORAGES))


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="not those of a state dict"):
        read(tmp_path, state_dict_file({}, {}, magic=7))
    with pytest.raises(BadInputError, match="unsafe-pickle"):
        read(tmp_path, b"PK\x03\x04 a zip file")


@pytest.mark.parametrize("cut", [1, 8, 12, 30])
def test_a_file_that_ends_early_is_refused(cut: int, tmp_path: Path) -> None:
    tensors = {"kernel": tensor("a", "FloatStorage", 6, (2, 3), (3, 1))}
    whole = state_dict_file(tensors, {"a": STORAGES["a"]})
    with pytest.raises(BadInputError, match="truncated"):
        read(tmp_path, whole[:-cut])


def test_a_tensor_that_reaches_beyond_its_storage_is_refused(tmp_path: Path) -> None:
    tensors = {"kernel": tensor("a", "FloatStorage", 6, (2, 4), (4, 1))}
    with pytest.raises(BadInputError, match="beyond its storage"):
        read(tmp_path, state_dict_file(tensors, {"a": STORAGES["a"]}))

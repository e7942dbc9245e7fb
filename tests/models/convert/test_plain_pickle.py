"""Data is read out of pickles; whatever would call, import or fetch something is refused."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from editloop.core.errors import BadInputError
from editloop.models.convert.plain_pickle import read_plain_pickle

PLAIN = (
    b"\x80\x04}\x94(\x8c\x04min_\x94]\x94(G?\xe0\x00\x00\x00\x00\x00\x00K\x07e"
    b"\x8c\x01t\x94K\x01K\x02\x86\x94\x8c\x01n\x94N\x8c\x01b\x94\x88u."
)


def test_plain_data_is_read_and_the_stream_is_left_after_it() -> None:
    stream = io.BytesIO(PLAIN + b"rest")
    assert read_plain_pickle(stream) == {"min_": [0.5, 7], "t": (1, 2), "n": None, "b": True}
    assert stream.read() == b"rest"


def marker(folder: Path) -> str:
    return str(folder / "executed")


@pytest.mark.parametrize(
    "attack",
    [
        b"cos\nsystem\n(S'touch MARKER'\ntR.",
        b"\x80\x02cos\nsystem\nX\x0c\x00\x00\x00touch MARKER\x85R.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0ctouch MARKER\x85R.",
        b"(S'touch MARKER'\nios\nsystem\n.",
        b"(cos\nsystem\nS'touch MARKER'\no.",
        b"\x80\x02cbuiltins\neval\nX\x05\x00\x00\x001 + 1\x85R.",
        b"\x80\x02c__main__\nThing\n)\x81.",
        b"\x80\x02\x82\x01.",
        b"Pid\n.",
        b"\x80\x02X\x02\x00\x00\x00idQ.",
    ],
)
def test_anything_that_would_run_code_is_refused(attack: bytes, tmp_path: Path) -> None:
    target = tmp_path / "executed"
    with pytest.raises(BadInputError) as refused:
        read_plain_pickle(io.BytesIO(attack.replace(b"MARKER", str(target).encode())))
    assert refused.value.reason == "unsafe-pickle"
    assert not target.exists()


@pytest.mark.parametrize(
    "stream", [b"", b"\x80\x02", b"\x80\x02K", b".", b"u.", b"K\x01e.", b"h\x05.", b"\xff"]
)
def test_a_malformed_stream_is_refused(stream: bytes) -> None:
    with pytest.raises(BadInputError, match="unsafe-pickle"):
        read_plain_pickle(io.BytesIO(stream))

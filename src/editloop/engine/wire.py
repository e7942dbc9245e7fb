"""Messages between the runner and its workers: a length, then JSON. No pickle."""

from __future__ import annotations

import importlib
import importlib.util
import json
import struct
import sys
from pathlib import Path
from types import ModuleType
from typing import IO, Any, Final

from pydantic import BaseModel

from editloop.core.errors import StageError
from editloop.engine.stage import Stage

_LENGTH: Final = struct.Struct(">I")


class PeerGone(Exception):  # noqa: N818 - a fact about the other side, not an error of this one
    """The other side closed the pipe."""


def send(stream: IO[bytes], message: dict[str, Any]) -> None:
    """Write one message.

    Raises:
        PeerGone: when nobody reads.
    """
    body = json.dumps(message, separators=(",", ":")).encode()
    try:
        stream.write(_LENGTH.pack(len(body)) + body)
        stream.flush()
    except (BrokenPipeError, ValueError) as error:
        raise PeerGone from error


def receive(stream: IO[bytes]) -> dict[str, Any]:
    """Read one message.

    Raises:
        PeerGone: when the pipe ends, even in the middle of a message.
    """
    message: dict[str, Any] = json.loads(
        _exactly(stream, _LENGTH.unpack(_exactly(stream, _LENGTH.size))[0])
    )
    return message


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise PeerGone
    return data


class ClassAddress(BaseModel):
    """Where a worker finds a class: by module name, or in a file where the module has no importable name."""

    module: str
    file: str | None
    name: str

    @classmethod
    def of(cls, kind: type) -> ClassAddress:
        """The address of `kind`.

        Raises:
            StageError: when another process could not find it.
        """
        if "<locals>" in kind.__qualname__:
            raise StageError(
                f"{kind.__qualname__} is made inside a function: a worker process cannot find it there"
            )
        file = getattr(sys.modules.get(kind.__module__), "__file__", None)
        return cls(module=kind.__module__, file=file, name=kind.__qualname__)

    def load(self) -> type:
        """Import the class.

        Raises:
            StageError: when it is not there.
        """
        found: Any = self._module()
        for part in self.name.split("."):
            found = getattr(found, part, None)
        if not isinstance(found, type):
            raise StageError(f"{self.module}:{self.name} is no class")
        return found

    def _module(self) -> ModuleType:
        if self.module != "__main__":
            try:
                return importlib.import_module(self.module)
            except ModuleNotFoundError as error:
                if self.file is None or (error.name or "") not in self.module:
                    raise StageError(f"a worker cannot import {self.module}: {error}") from error
        return self._module_from_file()

    def _module_from_file(self) -> ModuleType:
        name = f"editloop_worker_{Path(self.file or '').stem}"
        if name in sys.modules:
            return sys.modules[name]
        spec = importlib.util.spec_from_file_location(name, self.file or "")
        if spec is None or spec.loader is None:
            raise StageError(
                f"a worker cannot import {self.module}: put the stage in a module file"
            )
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module


class StageAddress(BaseModel):
    """How a worker makes its own copy of a stage."""

    stage: ClassAddress
    config: ClassAddress
    parameters: dict[str, Any]


def make_stage(address: StageAddress) -> Stage[Any, Any, Any]:
    """A copy of a stage.

    Raises:
        StageError: when its class cannot be found.
    """
    config: Any = address.config.load()
    kind: Any = address.stage.load()
    stage: Stage[Any, Any, Any] = kind(config.model_validate(address.parameters))
    return stage


class Hello(BaseModel):
    """The first message to a worker."""

    blobs: str
    index: str
    run_seed: int
    survive_power_loss: bool
    stages: dict[int, StageAddress]

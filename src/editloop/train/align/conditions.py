"""Conditions encoded once a case and run: kept in memory, and as safetensors by content for the runs to come."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from editloop.core.ids import content_id, sha256_hex
from editloop.models.roles import EditRequest, RgbImage
from editloop.train.policy import Condition, EditPolicy


class ConditionCache:
    """Gives the condition of a request, encoding it at most once.

    Args:
        policy: Encodes.
        folder: Where to keep conditions between runs; None keeps them in memory only.
        in_memory: Conditions held at a time, the least recently used dropped first.
    """

    def __init__(
        self, policy: EditPolicy, folder: Path | None = None, in_memory: int = 4096
    ) -> None:
        self._policy = policy
        self._folder = folder
        self._limit = in_memory
        self._held: OrderedDict[str, Condition] = OrderedDict()
        self.encoded = 0
        """Requests that the policy had to encode."""

    def get(self, request: EditRequest) -> Condition:
        """The condition of one request, one row."""
        key = request_key(self._policy, request)
        condition = self._held.get(key) or self._read(key)
        if condition is None:
            with torch.no_grad():
                condition = self._policy.encode([request])
            self.encoded += 1
            self._write(key, condition)
        self._held[key] = condition
        self._held.move_to_end(key)
        while len(self._held) > self._limit:
            self._held.popitem(last=False)
        return condition

    def _path(self, key: str) -> Path | None:
        return self._folder / f"{key}.safetensors" if self._folder else None

    def _read(self, key: str) -> Condition | None:
        path = self._path(key)
        if path is None or not path.is_file():
            return None
        device = next(self._policy.network.parameters()).device
        with safe_open(path, framework="pt", device=str(device)) as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            static = json.loads(file.metadata()["static"])
        return Condition(tensors, static)

    def _write(self, key: str, condition: Condition) -> None:
        """Keep it on disk unless `static` holds what JSON would change."""
        path = self._path(key)
        if path is None or not _survives_json(condition.static):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        tensors = {
            name: value.detach().cpu().contiguous() for name, value in condition.tensors.items()
        }
        save_file(tensors, partial, metadata={"static": json.dumps(condition.static)})
        partial.replace(path)


def request_key(policy: EditPolicy, request: EditRequest) -> str:
    """Content of everything that an encoder may read, with the editor's identity; the seed is left out."""
    identity = policy.identity
    return content_id(
        identity.name,
        identity.version,
        request.instruction,
        list(request.context),
        [_pixels_id(image) for image in (request.image, *request.references)],
    )


def _pixels_id(image: RgbImage) -> str:
    return sha256_hex(repr(image.shape).encode() + image.tobytes())


def _survives_json(static: dict[str, object]) -> bool:
    try:
        return bool(json.loads(json.dumps(static)) == static)
    except TypeError:
        return False

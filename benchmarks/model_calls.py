"""Calls to a served model: `python benchmarks/model_calls.py`.

1,000 questions to a local endpoint that answers after 50 ms, 64 in flight: by a bare loop, by editloop with everything
on, and by the clients that people use. Then the same questions again, and with 1 % new ones; then an endpoint that refuses
whoever calls more than so often a second.
"""

from __future__ import annotations

import sys
from typing import Any

from harness.subjects import Lab, Run, Subject, in_turns
from harness.tables import Column, Section, machine, parser, publish, rows

BARE = "aiohttp, bare worker loop"
OURS = "editloop: kept replies, pace, budgets"


def clients(endpoint: dict[str, Any], count: int, in_flight: int, *, own: bool) -> list[Subject]:
    work = {"count": count, "in_flight": in_flight, "endpoint": endpoint}
    ours = [
        Subject(BARE, "chat_loops", "aiohttp", work),
        Subject(OURS, "chat_ours", "calls", work),
    ]
    if own:
        return ours
    return [
        *ours,
        Subject("threads and requests", "chat_loops", "threads", work, "openai"),
        Subject("OpenAI SDK", "chat_loops", "openai", work, "openai"),
        Subject("httpx", "chat_loops", "httpx", work, "openai"),
    ]


def storm(endpoint: dict[str, Any], count: int, in_flight: int, *, own: bool) -> list[Subject]:
    work = {"count": count, "in_flight": in_flight, "endpoint": endpoint}
    ours = [Subject(OURS, "chat_ours", "calls", work)]
    if own:
        return ours
    patient = {**work, "retries": 10}
    return [
        *ours,
        Subject("OpenAI SDK, defaults (2 retries)", "chat_loops", "openai", work, "openai"),
        Subject("OpenAI SDK, 10 retries", "chat_loops", "openai", patient, "openai"),
        Subject("aiohttp and tenacity, 10 tries", "chat_loops", "tenacity", work, "openai"),
    ]


def calls_section(
    runs: dict[str, list[Run]], count: int, in_flight: int, latency: float
) -> Section:
    columns = [
        Column("seconds", lambda run: run["seconds"], 2),
        Column("speed beside the bare loop", lambda run: run["seconds"], 2, BARE, inverse=True),
        Column("CPU of the client, ms a call", lambda run: 1000 * run["client_cpu"] / count, 2),
        Column("most in flight, seen by the endpoint", lambda run: run["server_peak"], 0),
        Column("unanswered", lambda run: float(count - run["good"]), 0),
    ]
    text = (
        f"{count:,} questions, {in_flight} in flight, answers after {1000 * latency:g} ms: no client can take less than "
        f"{count / in_flight * latency:.2f} s. Seconds count from the first question to the last answer, connections "
        "included, imports not. Target (T7): at least 0.95 of the bare loop's speed, 2x the OpenAI SDK, 8x httpx."
    )
    return Section("First time", text, rows(runs, columns, "client"), runs)


def calm_section(runs: dict[str, list[Run]], count: int, in_flight: int, latency: float) -> Section:
    columns = [
        Column("seconds", lambda run: run["seconds"], 2),
        Column("speed beside the bare loop", lambda run: run["seconds"], 2, BARE, inverse=True),
    ]
    text = (
        f"The same with {in_flight} in flight, where the least is {count / in_flight * latency:.2f} s and a busy machine is no "
        "bottleneck: what remains of the overhead once the endpoint, and not the client's CPU, sets the time. No target."
    )
    return Section("First time, fewer in flight", text, rows(runs, columns, "client"), runs)


def again_section(runs: dict[str, list[Run]]) -> Section:
    ours = {OURS: runs[OURS]}
    columns = [
        Column("calls, same questions again", lambda run: run["again_calls"], 0),
        Column("times faster", lambda run: run["seconds"] / run["again_seconds"], 1),
        Column("calls, with 1 % new questions", lambda run: run["grown_calls"], 0),
        Column("new questions", lambda run: run["grown_new"], 0),
    ]
    text = (
        "Opened anew on the file of kept replies. Target (T8): no call, and 20 times faster than the first time; (T9): as many "
        "calls as there are new questions."
    )
    return Section("Again", text, rows(ours, columns, "client"), ours)


def storm_section(runs: dict[str, list[Run]], count: int, allowed: float) -> Section:
    columns = [
        Column("answers a second", lambda run: run["good"] / run["seconds"], 1),
        Column("share of what is allowed", lambda run: run["good"] / run["seconds"] / allowed, 2),
        Column("unanswered", lambda run: float(count - run["good"]), 0),
        Column("refused by the endpoint", lambda run: float(run["server_refused"]), 0),
    ]
    text = (
        f"{count:,} questions to an endpoint that allows {allowed:g} calls a second (a tenth of them at once) and answers the "
        "rest with 429 and `Retry-After: 1`. Target (T12): at least 0.9 of what is allowed, none unanswered."
    )
    return Section("A storm of 429s", text, rows(runs, columns, "client"), runs)


def main() -> None:
    options = parser(__doc__, repeats=5)
    options.add_argument("--calls", type=int, default=1000)
    options.add_argument("--in-flight", type=int, default=64)
    options.add_argument("--calm", type=int, default=16, help="in flight, the second time")
    options.add_argument("--latency", type=float, default=0.05, help="seconds")
    options.add_argument("--allowed", type=float, default=50.0, help="calls a second in the storm")
    options.add_argument("--storm-calls", type=int, default=1500)
    options.add_argument("--storm-repeats", type=int, default=1)
    arguments = options.parse_args()
    facts = machine()
    lab = Lab(arguments.peers)
    count, in_flight = arguments.calls, arguments.in_flight
    server = {"python": sys.executable, "latency": arguments.latency}
    first = in_turns(lab, clients(server, count, in_flight, own=arguments.own), arguments.repeats)
    calm = in_turns(lab, clients(server, count, arguments.calm, own=True), arguments.repeats)
    strict = {**server, "allowed": arguments.allowed}
    stormy = in_turns(
        lab,
        storm(strict, arguments.storm_calls, in_flight, own=arguments.own),
        arguments.storm_repeats,
    )
    sections = [
        calls_section(first, count, in_flight, arguments.latency),
        calm_section(calm, count, arguments.calm, arguments.latency),
        again_section(first),
        storm_section(stormy, arguments.storm_calls, arguments.allowed),
    ]
    publish("model_calls", "Calls to a served model", sections, arguments, facts)


if __name__ == "__main__":
    main()

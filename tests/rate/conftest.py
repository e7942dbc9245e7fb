"""A small study of drawn edits: a table with images beside it, and a real server process on it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, PngImagePlugin

COMMAND = [sys.executable, "-c", "from editloop.cli.app import main; main()", "rate"]
EDITOR = "secret-editor-7"


def draw(path: Path, shade: int, dot: str | None = None) -> str:
    """A picture that names its editor inside, as many editors' files do."""
    image = Image.new("RGB", (96, 64), (shade, 120, 200 - shade))
    if dot:
        ImageDraw.Draw(image).ellipse((20, 10, 60, 50), fill=dot)
    path.parent.mkdir(parents=True, exist_ok=True)
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", EDITOR)
    image.save(path, pnginfo=info)
    return f"{path.parent.name}/{path.name}"


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def score_table(tmp_path: Path) -> Path:
    return make_score_table(tmp_path)


def make_score_table(folder: Path, count: int = 6) -> Path:
    rows = [
        {
            "uid": f"edit-{number}",
            "img_id": number // 2,
            "instruction": f"Add dot number {number}, please <b>now</b>",
            "source": draw(folder / "in" / f"{number}.png", 20 * number),
            "edited": draw(folder / EDITOR / f"{number}.png", 20 * number, "orange"),
            "editor": EDITOR,
        }
        for number in range(count)
    ]
    return write_rows(folder / "items.jsonl", rows)


def make_pair_table(folder: Path, count: int = 4) -> Path:
    rows = [
        {
            "uid": f"pair-{number}",
            "instruction": "Add a dot",
            "source": draw(folder / "in" / f"{number}.png", 20 * number),
            "first": draw(folder / "a" / f"{number}.png", 20 * number, "red"),
            "second": draw(folder / "b" / f"{number}.png", 20 * number, "blue"),
        }
        for number in range(count)
    ]
    return write_rows(folder / "pairs.jsonl", rows)


def make_dialogue_table(folder: Path, count: int = 2) -> Path:
    rows = [
        {
            "uid": f"talk-{number}",
            "kind": "version_backtracking",
            "source": draw(folder / "in" / f"{number}.png", 20 * number),
            "turns": [
                {
                    "instruction": f"Make the dot {colour}",
                    "edited": draw(folder / "out" / f"{number}-{colour}.png", 20 * number, colour),
                }
                for colour in ("red", "green", "white")
            ],
        }
        for number in range(count)
    ]
    return write_rows(folder / "dialogues.jsonl", rows)


class Server:
    """`editloop rate` in a process of its own."""

    def __init__(self, *arguments: str, cwd: Path) -> None:
        log = os.open(cwd / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.process = subprocess.Popen(
            [*COMMAND, *arguments, *([] if "--port" in arguments else ["--port", "0"])],
            cwd=cwd,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        os.close(log)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("http://"):
            self.stop()
            raise AssertionError((cwd / "server.log").read_text())
        self.address = line.strip()
        self.base = re.match(r"http://[^/]+", self.address)[0].replace("0.0.0.0", "127.0.0.1")  # type: ignore[index]
        self._wait()

    def _wait(self) -> None:
        for _ in range(200):
            try:
                urllib.request.urlopen(self.base + "/", timeout=5).close()
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the server does not answer")

    def stop(self, *, kill: bool = False) -> int:
        """End it as Ctrl-C does, or at once; returns the exit status."""
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGINT)
        status = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


class Client:
    """A browser without a screen: keeps cookies, speaks JSON."""

    def __init__(self, base: str, name: str | None = None) -> None:
        self.base = base
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        if name:
            assert self.post("/api/join", {"name": name})[0] == 200

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        own = {"Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._send(urllib.request.Request(self.base + path, data, own))

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        return self._send(urllib.request.Request(self.base + path, headers=headers))

    def _send(self, request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with self._opener.open(request, timeout=20) as reply:
                self.headers = reply.headers
                return reply.status, self._content(reply)
        except urllib.error.HTTPError as error:
            with error:
                self.headers = error.headers
                return error.code, self._content(error)

    @staticmethod
    def _content(reply: Any) -> Any:
        body = reply.read()
        return json.loads(body) if "json" in (reply.headers.get("content-type") or "") else body


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for tests that only look, each as a rater of its own."""
    folder = tmp_path_factory.mktemp("shared")
    server = Server(str(make_score_table(folder)), "--out", "study", "--raters", "99", cwd=folder)
    yield server
    server.stop()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(*arguments: str) -> Server:
        running.append(Server(*arguments, cwd=tmp_path))
        return running[-1]

    yield start
    for server in running:
        if server.process.poll() is None:
            server.stop()

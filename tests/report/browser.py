"""A small driver for a real Chromium over its debugging protocol, on this machine's loopback only."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import aiohttp

FLAGS = [
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-port=0",
]
KEY_CODES = {
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Backspace": 8,
    "Enter": 13,
    "Escape": 27,
    " ": 32,
}
TIMEOUT_S = 30.0
STAND_STILL = """async (selector) => {
  const element = document.querySelector(selector);
  const frame = () => new Promise(requestAnimationFrame);
  let before, box = new DOMRect();
  do {
    before = box;
    element.scrollIntoView({ block: 'center', behavior: 'instant' });
    await frame();
    await frame();
    box = element.getBoundingClientRect();
  } while (box.x !== before.x || box.y !== before.y);
  return [box.x + box.width / 2, box.y + box.height / 2];
}"""


def find_chromium() -> str | None:
    return next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )


class Browser:
    """One headless browser with one tab; a context manager."""

    def __init__(self, command: str, profile: Path) -> None:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [command, *FLAGS, *sandbox, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.profile = profile
        self.loop = asyncio.new_event_loop()
        self.calls = 0
        self.complaints: list[str] = []

    def __enter__(self) -> Browser:
        self._wait(self._connect())
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._disconnect())
        self.loop.close()
        self.process.terminate()
        self.process.wait(TIMEOUT_S)

    def call(self, method: str, **parameters: Any) -> Any:
        return self._wait(self._call(method, parameters))

    def visit(self, address: str) -> None:
        """Load a page of a server."""
        self.complaints.clear()
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete'")

    def write(self, text: str) -> None:
        """Type into whatever has the focus."""
        self.call("Input.insertText", text=text)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press at `start`, move to `end` in steps, let go."""
        steps = [
            tuple(a + (b - a) * part / 4 for a, b in zip(start, end, strict=True))
            for part in range(5)
        ]
        for number, (x, y) in enumerate(steps):
            kind = "mouseMoved" if number else "mousePressed"
            self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=x,
                y=y,
                button="left",
                buttons=1,
                clickCount=1,
            )
        self.call(
            "Input.dispatchMouseEvent",
            type="mouseReleased",
            x=end[0],
            y=end[1],
            button="left",
            clickCount=1,
        )

    def open(self, page: Path, selection: str = "") -> None:
        """Load `page` afresh and wait until its script has drawn it."""
        self.complaints.clear()
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=f"{page.as_uri()}{selection}")
        self.until("document.readyState === 'complete' && typeof draw === 'function'")

    def read(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until the expression is true."""
        deadline = time.monotonic() + TIMEOUT_S
        while not self.read(expression):
            if time.monotonic() > deadline:
                raise AssertionError(f"never became true: {expression}")
            time.sleep(0.05)

    def click(self, selector: str) -> None:
        """A real click in the middle of the first element that matches, once it stands still in sight."""
        x, y = self.read(f"({STAND_STILL})({json.dumps(selector)})")
        self.click_at(x, y)

    def click_at(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        code = KEY_CODES.get(key) or ord(key.upper())
        typed = "\r" if key == "Enter" else key
        text = {"text": typed} if len(typed) == 1 else {}
        self.call(
            "Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text
        )
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def resize(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def _wait(self, step: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(step, TIMEOUT_S))

    async def _connect(self) -> None:
        port_file = self.profile / "DevToolsActivePort"
        while not port_file.exists() or "\n" not in port_file.read_text():
            await asyncio.sleep(0.05)
        port = port_file.read_text().split()[0]
        self.session = aiohttp.ClientSession()
        async with self.session.get(f"http://127.0.0.1:{port}/json") as answer:
            tabs = await answer.json()
        address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
        self.socket = await self.session.ws_connect(address, max_msg_size=0)

    async def _disconnect(self) -> None:
        await self.socket.close()
        await self.session.close()

    async def _call(self, method: str, parameters: dict[str, Any]) -> Any:
        self.calls += 1
        await self.socket.send_json({"id": self.calls, "method": method, "params": parameters})
        while True:
            message = await self.socket.receive_json()
            self._listen(message)
            if message.get("id") == self.calls:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]

    def _listen(self, message: dict[str, Any]) -> None:
        """Keep what a developer's console would show in red."""
        parameters = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        if message.get("method") == "Log.entryAdded":
            self.complaints.append(parameters["entry"]["text"])
        if message.get("method") == "Network.loadingFailed" and not parameters.get("canceled"):
            self.complaints.append(parameters["errorText"])

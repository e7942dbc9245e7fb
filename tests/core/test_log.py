from __future__ import annotations

import io

import pytest

from editloop.core import log
from editloop.core.log import Bar, ProgressDisplay


def test_a_file_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(log.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    with ProgressDisplay("mine", stream) as display:
        display.update([Bar("detect", 0, 40)])
        for done in range(1, 21):
            now[0] += 1.0
            display.update([Bar("detect", done, 40, "2 dropped"), Bar("edit", 0, 10)])
    lines = stream.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[0] == "mine 5 s: detect 5/40 (2 dropped); about 35 s left"
    assert lines[-1].startswith("mine 20 s: detect 20/40")


def test_a_short_run_gets_its_last_line() -> None:
    stream = io.StringIO()
    with ProgressDisplay("mine", stream) as display:
        display.update([Bar("detect", 40, None)])
    assert stream.getvalue() == "mine 0 s: detect 40\n"


def test_what_has_begun_is_named_before_anything_is_done() -> None:
    stream = io.StringIO()
    with ProgressDisplay("claims", stream) as display:
        display.update([Bar("arms", 0, 8, "rewards 0"), Bar("other", 0, 3)])
    assert stream.getvalue() == "claims 0 s: arms 0/8 (rewards 0)\n"


def test_a_terminal_gets_bars_with_rates() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with ProgressDisplay("mine", stream) as display:
        display.update([Bar("detect", 10, 40)])
        display.update([Bar("detect", 40, 40, "3 dropped")])
    shown = stream.getvalue()
    assert "detect" in shown
    assert "40/40" in shown
    assert "3 dropped" in shown

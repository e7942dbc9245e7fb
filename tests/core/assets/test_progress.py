"""Progress is a line now and then, with rate and time left."""

from __future__ import annotations

import io

from editloop.core.assets.progress import StderrProgress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_log_gets_few_plain_lines() -> None:
    stream = io.StringIO()
    with StderrProgress(stream, every_s=1000) as progress:
        for done in range(0, 50_000_000, 1_000_000):
            progress("weights", done, 50_000_000)
    assert stream.getvalue() == "fetching weights: 0 of 50 MB, 0.0 MB/s, waiting\n"


def test_every_line_tells_rate_and_time_left() -> None:
    stream = io.StringIO()
    with StderrProgress(stream, every_s=0) as progress:
        progress("weights", 0, 50_000_000)
        progress("weights", 25_000_000, 50_000_000)
    last = stream.getvalue().splitlines()[-1]
    assert last.startswith("fetching weights: 25 of 50 MB, ")
    assert last.endswith(" s left")


def test_a_terminal_gets_one_line_rewritten_and_ended() -> None:
    stream = Terminal()
    with StderrProgress(stream) as progress:
        progress("weights", 0, 50_000_000)
    assert stream.getvalue().startswith("\rfetching weights: 0 of 50 MB")
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith("\n")

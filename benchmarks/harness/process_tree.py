"""Runs a command and measures everything that it starts: wall clock, CPU seconds, peak resident memory.

Linux only. Orphans of the command (engines like to leave daemons behind) become children of this process, so that their
CPU seconds are counted too and none of them is alive when the next run begins.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

_PR_SET_CHILD_SUBREAPER = 36
_SAMPLE_SECONDS = 0.1
_STRAGGLER_SECONDS = 15.0
_STAT_FIELDS = (1, 11, 12, 19, 21)
"""Parent, user and system ticks, start, resident pages: places in /proc/PID/stat behind the name."""
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended.

    `cpu_s` is what parents collected of their children or, where that is more because a parent threw it away, what was
    last seen of each process. `peak_mb` is the largest sum of resident memory over the process tree in samples 0.1 s
    apart: pages that processes share count once for each. `stopped` says that the command was killed, for its time or by
    `watch`.
    """

    status: int
    stdout: str
    stderr: str
    wall_s: float
    cpu_s: float
    peak_mb: float
    stopped: bool


def run_measured(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    timeout_s: float = 300.0,
    watch: Callable[[], bool] | None = None,
) -> Finished:
    """Run `command` to its end.

    Args:
        command: Program and arguments.
        environment: Variables to set beside those of this process.
        timeout_s: The tree is killed after this.
        watch: Asked every 10 ms; the tree is killed (SIGKILL) at the first True.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryFile("w+b") as out, tempfile.TemporaryFile("w+b") as err:
        started = time.perf_counter()
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **(environment or {})},
        )
        sampler = _Sampler()
        stopped = _wait(child, started + timeout_s, watch)
        wall_s = time.perf_counter() - started
        if stopped:
            _kill_descendants()
        cpu_s = _reap(child) + _bury_stragglers()
        seen_cpu_s = sampler.stop()
        return Finished(
            child.returncode,
            _text(out),
            _text(err),
            wall_s,
            max(cpu_s, seen_cpu_s),
            sampler.peak_mb,
            stopped=stopped,
        )


class Seen(NamedTuple):
    """A living process: when it started (clock ticks since boot), its memory, its own CPU seconds so far."""

    started: int
    resident_mb: float
    cpu_s: float


def descendants() -> dict[int, Seen]:
    """Every living process below this one."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    seen: dict[int, Seen] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_bytes().rpartition(b") ")[2].split()
            except OSError:
                continue
            parent, user, system, started, pages = (int(fields[at]) for at in _STAT_FIELDS)
            children[parent].append(int(entry.name))
            cpu_s = (user + system) / _TICKS_A_SECOND
            seen[int(entry.name)] = Seen(started, pages * _PAGE_MB, cpu_s)
    found: dict[int, Seen] = {}
    waiting = [os.getpid()]
    while waiting:
        for child in children[waiting.pop()]:
            found[child] = seen[child]
            waiting.append(child)
    return found


class _Sampler:
    """Watches the process tree from a thread."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._cpu_s: dict[tuple[int, int], float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """End; returns the CPU seconds that were last seen of every process, added up."""
        self._ended.set()
        self._thread.join()
        return sum(self._cpu_s.values())

    def _sample(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            living = descendants()
            self.peak_mb = max(self.peak_mb, sum(seen.resident_mb for seen in living.values()))
            for pid, seen in living.items():
                self._cpu_s[pid, seen.started] = seen.cpu_s


def _wait(
    child: subprocess.Popen[bytes], deadline: float, watch: Callable[[], bool] | None
) -> bool:
    """Wait until the child is a zombie, without reaping it; returns whether it has to be killed."""
    while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.perf_counter() > deadline or (watch is not None and watch()):
            return True
        time.sleep(0.01 if watch else 0.002)
    return False


def _reap(child: subprocess.Popen[bytes]) -> float:
    """Collect the child; returns the CPU seconds of it and of all it had collected."""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def _bury_stragglers() -> float:
    """Wait for orphans, then kill what is left; returns their CPU seconds."""
    cpu_s = 0.0
    deadline = time.perf_counter() + _STRAGGLER_SECONDS
    while True:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return cpu_s
        if pid:
            cpu_s += usage.ru_utime + usage.ru_stime
        else:
            if time.perf_counter() > deadline:
                _kill_descendants()
            time.sleep(0.02)


def _kill_descendants() -> None:
    for pid in descendants():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", errors="replace")

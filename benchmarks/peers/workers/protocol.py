"""How a worker is called: `python WORKER.py TASK OPTIONS`, options as JSON in, the last line of output as JSON out.

Only the standard library: this module runs in every peer's environment.
"""

from __future__ import annotations

import inspect
import json
import sys
import time
from collections.abc import Callable
from typing import Any

Task = Callable[..., dict[str, Any]]


def serve(**tasks: Task) -> None:
    """Run the task that the command line names and print what it returns.

    The scratch folder among the options goes to tasks that take one. Engines may put something else in the place of
    `sys.stdout`; what was there at the start is used.
    """
    output = sys.stdout
    task, options = tasks[sys.argv[1]], json.loads(sys.argv[2])
    if "scratch" not in inspect.signature(task).parameters:
        del options["scratch"]
    print("\n" + json.dumps(task(**options)), file=output, flush=True)


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    def seconds(self) -> float:
        """Seconds until now."""
        return time.perf_counter() - self._started

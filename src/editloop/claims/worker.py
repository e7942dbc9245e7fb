"""``python -m editloop.claims.worker``: computes the arms it is told on standard input, one JSON line each.

The first line describes the bench; every further line is an arm and is answered by a line. The process ends with its input,
so it does not outlive the run that started it by more than one arm.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import IO, Any

import torch

from editloop.claims.arms import ArmStore, OutOfTimeError
from editloop.claims.groups import ArmJob
from editloop.claims.lab import ClaimSizes, Lab
from editloop.core.errors import EditloopError


def answer(job: ArmJob, lab: Lab) -> dict[str, Any]:
    """What became of an arm: ``done``, ``out_of_time``, or ``failed`` with a message."""
    try:
        job.run(lab)
    except OutOfTimeError:
        return {"outcome": "out_of_time"}
    except EditloopError as error:
        return {"outcome": "failed", "message": str(error)}
    return {"outcome": "done"}


def serve(requests: IO[str], replies: IO[str]) -> None:
    """Answer every request until there are no more."""
    bench = json.loads(requests.readline())
    sizes = ClaimSizes.model_validate(bench["sizes"])
    lab = Lab(ArmStore(Path(bench["folder"]), bench["hours"]), sizes, bench["editor"])
    for line in requests:
        print(json.dumps(answer(ArmJob(*json.loads(line)), lab)), file=replies, flush=True)


def main() -> None:
    """Talk over the pipes; what libraries print goes to standard error, beside the answers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin, replies)


if __name__ == "__main__":
    main()

"""A process that judges edits: its own copy of the judge, one edit at a time.

Started as ``python -m editloop.judges.people.worker``; messages arrive on standard input and leave on what was standard output.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from editloop.core.errors import BadInputError, EditloopError
from editloop.core.images import decode_image
from editloop.engine.wire import PeerGone, receive, send
from editloop.judges.base import Judge, JudgeRequest
from editloop.judges.registry import load_judge
from editloop.records.formats.rated_edits import image_bytes


def answer(judge: Judge, request: dict[str, Any]) -> dict[str, Any]:
    """The reply about one edit: ``verdict``, or ``drop`` with ``detail``, or ``stop`` for what must end the run."""
    try:
        source, edited = (
            decode_image(image_bytes(Path(request[name]))).pixels for name in ("source", "edited")
        )
        verdict = judge.judge(JudgeRequest(source, request["instruction"], edited))
    except BadInputError as error:
        return {"drop": error.reason, "detail": error.detail}
    except EditloopError as error:
        return {"stop": str(error)}
    return {"verdict": json.loads(verdict.model_dump_json())}


def main() -> None:
    """Serve the parent until it goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        judge = load_judge(receive(requests)["judge"])
        while True:
            send(replies, answer(judge, receive(requests)))
    except PeerGone:
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main()

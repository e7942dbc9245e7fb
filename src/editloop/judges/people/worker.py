"""A process that judges edits: its own copy of the judge, one edit at a time.

Started as ``python -m editloop.judges.people.worker``; messages arrive on standard input and leave on what was standard output.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from editloop.core.errors import BadInputError, EditloopError
from editloop.core.images import decode_image
from editloop.engine.wire import PeerGone, receive, send
from editloop.judges.base import Judge, JudgeRequest
from editloop.judges.registry import load_judge
from editloop.records.formats.rated_edits import RatedEdit, image_bytes
from editloop.records.taxonomy import EditType, known_edit_type

TYPE_LABELS: Final = ("edit_type", "task_type", "task", "type", "category", "semantic_category")
"""Labels that may name the edit type, the most telling first."""


def answer(judge: Judge, request: dict[str, Any]) -> dict[str, Any]:
    """The reply about one edit: ``verdict``, or ``drop`` with ``detail``, or ``stop`` for what must end the run."""
    try:
        verdict = judge.judge(
            _request(
                Path(request["source"]),
                request["instruction"],
                Path(request["edited"]),
                tuple(Path(one) for one in request.get("references", ())),
                tuple(request.get("context", ())),
            )
        )
    except BadInputError as error:
        return {"drop": error.reason, "detail": error.detail}
    except EditloopError as error:
        return {"stop": str(error)}
    return {"verdict": json.loads(verdict.model_dump_json())}


def opened(edit: RatedEdit) -> JudgeRequest:
    """An edit with its pictures.

    Raises:
        BadInputError: one of them is missing or damaged.
    """
    asked = _request(edit.source, edit.instruction, edit.edited, edit.references, edit.context)
    return replace(asked, edit_type=edit_type_of(edit))


def edit_type_of(edit: RatedEdit) -> EditType | None:
    """The edit type that one of the labels of an edit names, if any does."""
    found = (known_edit_type(edit.labels[label]) for label in TYPE_LABELS if label in edit.labels)
    return next((one for one in found if one is not None), None)


def _request(
    source: Path,
    instruction: str,
    edited: Path,
    references: tuple[Path, ...],
    context: tuple[str, ...],
) -> JudgeRequest:
    before, after, *shown = (
        decode_image(image_bytes(path)).pixels for path in (source, edited, *references)
    )
    return JudgeRequest(before, instruction, after, references=tuple(shown), context=context)


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

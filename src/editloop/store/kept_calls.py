"""Looks at kept replies without opening the file for writing: what calls of a model took and used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from editloop.store.calls import Reply
from editloop.store.sqlite import clear_errors, connect

LOOKED_AT: Final = 5000
ENOUGH: Final = 200


def sample_of_replies(path: Path, request: Mapping[str, Any]) -> list[Reply]:
    """Up to `ENOUGH` kept replies to requests that hold all of `request`, of the first `LOOKED_AT` in the file.

    The file is ordered by hashes, so these are as good as drawn at random; none where there is no file.

    Raises:
        StoreError: the file cannot be read.
    """
    if not path.is_file():
        return []
    found: list[Reply] = []
    with clear_errors(path):
        connection = connect(path, read_only=True)
        try:
            for asked, reply in connection.execute(
                "SELECT request, reply FROM reply LIMIT ?", (LOOKED_AT,)
            ):
                known = json.loads(asked)
                if all(known.get(name) == value for name, value in request.items()):
                    found.append(Reply.model_validate_json(reply))
                if len(found) == ENOUGH:
                    break
        finally:
            connection.close()
    return found

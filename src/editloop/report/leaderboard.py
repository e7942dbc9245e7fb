"""Write a leaderboard: one page of figures, and one of cases for each editor, opened from disk without a server."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from editloop.core.errors import StoreError
from editloop.core.images import encode_jpeg
from editloop.models.roles import RgbImage
from editloop.report.board import Board, BoardCase, BoardRow
from editloop.report.charts import radar, shown, strips
from editloop.report.page import content_policy, environment, template_part
from editloop.report.pictures import write_atomically
from editloop.report.story import picture_address as exact_address

BOARD_NAME = "leaderboard.html"
EXAMPLES = 6
"""Cases shown at each end."""
EXACT_PX = 96
"""Longer side up to which a picture is shown without loss."""

_PLAIN = re.compile(r"[^a-z0-9]+")


def write_board(board: Board, out_dir: Path) -> Path:
    """Write ``leaderboard.html`` and a page of cases for every editor into `out_dir`.

    Each page is one self-contained file. All text is escaped; the content security policy allows the page's own style
    and script by hash, and nothing from anywhere else.

    Returns:
        The path of ``leaderboard.html``.

    Raises:
        StoreError: `out_dir` cannot be written.
    """
    names = _page_names(board.rows)
    pages = {name: _cases_page(board, row) for name, row in zip(names, board.rows, strict=True)}
    pages[BOARD_NAME] = _board_page(board, names)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for name, html in pages.items():
            write_atomically(out_dir / name, html.encode("utf-8", "replace"))
    except OSError as error:
        raise StoreError(
            f"cannot write the leaderboard to {out_dir}: {error.strerror or error}; free some space there or choose "
            "another folder"
        ) from error
    return out_dir / BOARD_NAME


def _board_page(board: Board, names: Sequence[str]) -> str:
    style, script = _parts("leaderboard")
    return (
        environment()
        .get_template("leaderboard.html.j2")
        .render(
            board=board,
            rows=list(zip(board.rows, names, strict=True)),
            radar=radar(board),
            strips=strips(board),
            shown=shown,
            examples=[_examples(row, name) for row, name in zip(board.rows, names, strict=True)],
            picture=picture_address,
            exact_px=EXACT_PX,
            style=style,
            script=script,
            policy=content_policy(style, script),
        )
    )


def _cases_page(board: Board, row: BoardRow) -> str:
    style, script = _parts("cases")
    return (
        environment()
        .get_template("cases.html.j2")
        .render(
            board=board,
            row=row,
            payload=[_case(case) for case in row.cases],
            shown=shown,
            home=BOARD_NAME,
            style=style,
            script=script,
            policy=content_policy(style, script),
        )
    )


def _parts(page: str) -> tuple[str, str]:
    style = "".join(template_part(name) for name in ("report.css", "story.css", "leaderboard.css"))
    return style, template_part("dom.js") + template_part(f"{page}.js")


def _case(case: BoardCase) -> dict[str, Any]:
    """A case for the page's script, pictures as addresses; what is empty is left out."""
    whole = {
        "key": case.key,
        "group": case.group,
        "instruction": case.instruction,
        "score": case.score,
        "outcome": case.outcome,
        "reason": case.reason,
        "axes": [list(axis) for axis in case.axes],
        "slips": list(case.slips),
        "reply": case.reply,
        "spread": case.spread,
        "source": picture_address(case.source) if case.source is not None else None,
        "edited": picture_address(case.edited) if case.edited is not None else None,
        "between": [picture_address(picture) for picture in case.between],
    }
    return {name: value for name, value in whole.items() if value not in (None, "", [])}


def picture_address(image: RgbImage) -> str:
    """A picture as a ``data:`` address: exact where it is small, else JPEG."""
    if max(image.shape[:2]) <= EXACT_PX:
        return exact_address(image)
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(image, quality=85)).decode()


def _examples(row: BoardRow, page: str) -> dict[str, Any]:
    """The cases worth a look: worst, best, and those on which the judge disagrees with itself."""
    scored = sorted((case for case in row.cases if case.score is not None), key=_score)
    doubted = sorted(
        (case for case in row.cases if case.spread), key=lambda case: -(case.spread or 0.0)
    )
    return {
        "name": row.name,
        "page": page,
        "blocks": [
            ("worst", scored[:EXAMPLES]),
            ("best", scored[::-1][:EXAMPLES]),
            ("judge disagrees with itself", doubted[:EXAMPLES]),
        ],
    }


def _score(case: BoardCase) -> float:
    return case.score if case.score is not None else 0.0


def _page_names(rows: Sequence[BoardRow]) -> list[str]:
    """One file name a row: plain, and different even where two names look alike."""
    names: list[str] = []
    for place, row in enumerate(rows, start=1):
        plain = _PLAIN.sub("-", row.name.lower()).strip("-")[:40]
        names.append(f"cases-{place}-{plain}.html" if plain else f"cases-{place}.html")
    return names

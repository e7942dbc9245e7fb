"""Write the page: one HTML file and a folder of pictures, opened from disk without a server."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from editloop.core.errors import StoreError
from editloop.report import figures
from editloop.report.data import ReportInput
from editloop.report.payload import page_payload
from editloop.report.pictures import PictureFolder, write_atomically

if TYPE_CHECKING:
    from jinja2 import Environment

PAGE_NAME = "report.html"
FILES_NAME = "report_files"

_SCRIPTS = ("dom.js", "state.js", "cards.js", "stage.js", "details.js", "viewer.js", "main.js")


def write_report(data: ReportInput, out_dir: Path) -> Path:
    """Write ``report.html`` and ``report_files/`` into `out_dir` (made if need be), replacing an older page.

    The page holds all text and numbers; pictures stand beside it once each, named by hash, so writing it again after
    more work costs only what is new. Nothing in it reaches the network: a content security policy allows the page's
    own script and style by hash and pictures from its folder, nothing else.

    Returns:
        The path of ``report.html``.

    Raises:
        StoreError: when `out_dir` cannot be written.
    """
    page = out_dir / PAGE_NAME
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        pictures = PictureFolder(out_dir / FILES_NAME, data.load)
        payload = page_payload(data, pictures)
        html = _render(data, payload, pictures.missing)
        write_atomically(page, html.encode())
        pictures.prune()
    except OSError as error:
        reason = error.strerror or error
        raise StoreError(
            f"cannot write the report to {out_dir}: {reason}; free some space there or choose another folder"
        ) from error
    return page


def _render(data: ReportInput, payload: dict[str, object], missing: dict[str, str]) -> str:
    style = template_part("report.css")
    script = "\n".join(template_part(name) for name in _SCRIPTS)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            data=data,
            payload=payload,
            missing=missing,
            files=FILES_NAME,
            style=style,
            script=script,
            policy=content_policy(style, script),
            headlines=figures.headlines(data),
            stage_bars=figures.stage_bars(data.stages),
            type_bars=figures.type_bars(data.records, data.rejected),
            histograms=figures.score_histograms(data.records, data.rejected),
        )
    )


def content_policy(style: str, script: str | None = None) -> str:
    """Content security policy that names the inline style and script by their hashes, and allows nothing else."""
    script_source = "'none'" if script is None else f"'sha256-{_digest(script)}'"
    return "; ".join(
        [
            "default-src 'none'",
            "img-src 'self' file: data:",
            f"style-src 'sha256-{_digest(style)}'",
            f"script-src {script_source}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def template_part(name: str) -> str:
    """A style sheet or script of the package, as text."""
    return files("editloop.report").joinpath("templates", name).read_text(encoding="utf-8")


def environment() -> Environment:
    """Templates that escape everything and stop at an unknown name."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("editloop.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = figures.duration
    return environment

"""`editloop doctor`: what is installed, which assets are ready, which adapters work."""

from __future__ import annotations

import json
import sys

import typer

from editloop.cli.progress import say
from editloop.cli.tables import print_table
from editloop.core.errors import EditloopError

TAKES = {"openai:": "takes MODEL or MODEL@http://HOST:PORT/v1"}
"""What stands behind the colon of adapters that take neither a folder nor a hub id."""


def print_health(*, fetch: bool, as_json: bool) -> None:
    """Print three tables: assets, adapters, packages of the optional extras."""
    from editloop import __version__
    from editloop.models.doctor import asset_rows, extra_rows

    if fetch:
        _fetch()
    assets, extras, adapters = asset_rows(), extra_rows(), adapter_rows()
    if as_json:
        body = {
            "editloop": __version__,
            "python": sys.version.split()[0],
            "assets": [row._asdict() for row in assets],
            "adapters": [
                {"role": role, "spec": spec, "version": version, "problem": problem}
                for role, spec, version, problem in adapters
            ],
            "packages": [row._asdict() for row in extras],
        }
        typer.echo(json.dumps(body, indent=2))
        return
    print_table(
        ["asset", "role", "package", "licence", "MB", "sha256", "state", "origin"],
        [
            [
                row.name,
                row.role,
                f"{row.package} {row.version}",
                row.licence,
                f"{row.size_bytes / 1e6:.1f}",
                row.checksum[:12],
                f"{row.state}: {row.reason}" if row.reason else row.state,
                row.origin,
            ]
            for row in assets
        ],
        numbers=("MB",),
    )
    typer.echo()
    print_table(
        ["adapter", "role", "version or problem"], [[s, r, v or p] for r, s, v, p in adapters]
    )
    typer.echo()
    print_table(
        ["package", "extra", "installed"], [[e.package, e.extra, e.version or "no"] for e in extras]
    )


def adapter_rows() -> list[tuple[str, str, str, str]]:
    """(role, spec, version, problem) of every registered adapter; one of the last two is empty."""
    from editloop.models import REGISTRIES, available_models, load_model

    rows = []
    for role in REGISTRIES:
        for spec in available_models(role):
            if spec.endswith(":"):
                rows.append((role, spec, TAKES.get(spec, "takes a folder or an id"), ""))
                continue
            try:
                version = load_model(role, spec).identity.version  # type: ignore[call-overload]
            except (EditloopError, ImportError) as error:
                rows.append((role, spec, "", str(error)))
            else:
                rows.append((role, spec, version, ""))
    return rows


def _fetch() -> None:
    from editloop.models.fetch import fetch_assets

    for row in fetch_assets():
        say(f"{row.name}: {row.state}" + (f" ({row.reason})" if row.reason else ""))

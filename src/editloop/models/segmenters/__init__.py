"""Segmenters: image (and box) to matte."""

"""Detectors of tampered images: what a fake score asks."""

"""Editors: image and instruction (or plan) to edited image."""

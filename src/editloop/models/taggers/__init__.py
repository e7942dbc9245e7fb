"""Taggers: how well an image fits a word."""

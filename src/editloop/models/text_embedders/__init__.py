"""Adapters that embed text."""

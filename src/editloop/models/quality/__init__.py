"""Adapters that measure technical quality without a reference."""

"""Removers: fill a hole from its surroundings."""

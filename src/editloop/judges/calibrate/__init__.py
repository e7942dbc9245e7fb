"""Bringing judges and people onto one scale."""

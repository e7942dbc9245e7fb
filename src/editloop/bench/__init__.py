"""Benchmarks of editors: official files in, figures with intervals out, every raw reply kept.

A task (`tasks/`) knows the official file layouts and arithmetic of one benchmark. `scoring` applies it to replies,
`statistics` adds intervals and tests, `results` is the format on disk, `context` says what may stand in one table.
"""

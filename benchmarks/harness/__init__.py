"""What the benchmarks share: measured runs of whole process trees, turns, and tables."""

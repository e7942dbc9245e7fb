"""Scores between the digits: the expectation over the tokens that a judge might have written in a score's place."""

from editloop.judges.readout.expectation import Expected, expected_scores

__all__ = ["Expected", "expected_scores"]

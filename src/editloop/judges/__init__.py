"""Judges: a triplet goes in, a `Verdict` with its reasons comes out."""

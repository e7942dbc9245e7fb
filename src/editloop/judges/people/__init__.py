"""Judges measured against people: many edits judged at once, and the agreement of the verdicts with what people said."""

"""The record, its verdicts, its provenance and the one vocabulary of edit types."""

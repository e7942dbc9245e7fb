"""Verdicts in a folder: judged from any data, kept with every reply, read again offline."""

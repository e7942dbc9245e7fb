"""Probes: edits whose right judgement is known without people, and what a judge makes of them."""

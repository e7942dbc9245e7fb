"""The instruction reader: what an edit instruction asks for, from its words alone."""

from editloop.judges.intent.model import Change, Intent, IntentStep, NounPhrase, Place
from editloop.judges.intent.reader import read_instruction

__all__ = ["Change", "Intent", "IntentStep", "NounPhrase", "Place", "read_instruction"]

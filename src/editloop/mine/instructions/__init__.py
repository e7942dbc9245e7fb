"""Writing instructions: what to do, where, in words that people would use."""

from editloop.mine.instructions.phrases import Slots, templates_hash
from editloop.mine.instructions.places import NOWHERE, PlaceWords, describe_place
from editloop.mine.instructions.writer import (
    Round,
    Written,
    WrittenDialogue,
    write_compose,
    write_dialogue,
    write_instruction,
)

__all__ = [
    "NOWHERE",
    "PlaceWords",
    "Round",
    "Slots",
    "Written",
    "WrittenDialogue",
    "describe_place",
    "templates_hash",
    "write_compose",
    "write_dialogue",
    "write_instruction",
]

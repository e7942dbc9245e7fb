"""Puts edits into words.

`instruct` words any list of changes; `inverse_instruction` and `composed_instruction` serve triplets that are made from
other triplets (NHR-Edit, arXiv 2507.14119); `vocabulary` lists every word that can ever come out.
"""

from editloop.world.grammar.lexicon import vocabulary
from editloop.world.grammar.sentences import (
    composed_instruction,
    instruct,
    instruct_by_name,
    inverse_instruction,
)

__all__ = [
    "composed_instruction",
    "instruct",
    "instruct_by_name",
    "inverse_instruction",
    "vocabulary",
]

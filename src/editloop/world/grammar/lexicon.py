"""Every word of the storybook world."""

from __future__ import annotations

from functools import cache

from editloop.world.choices import (
    COLOURS,
    KINDS,
    LIGHTS,
    PATTERNS,
    SIZES,
    STYLES,
    TONES,
    WEARS,
)
from editloop.world.grammar import naming
from editloop.world.grammar.templates import wordings
from editloop.world.oracle.words import FAILURE_WORDS

PROMPT_WORDS = ("draw", "nothing", "and")
"""What a prompt for a generator is made of, beside names."""


@cache
def vocabulary() -> tuple[str, ...]:
    """Every lower-case word that an instruction, a prompt or a failure text may hold, sorted.

    The only marks beside them are the comma and the full stop.
    """
    templates = [
        word
        for styles in wordings().values()
        for several in styles.values()
        for template in several
        for word in template.words()
    ]
    things = (*KINDS, *COLOURS, *PATTERNS, *SIZES, *STYLES, *TONES, *LIGHTS, *WEARS)
    phrases = " ".join([*things, *naming.PRONOUNS, *naming.PHRASES, *PROMPT_WORDS, *FAILURE_WORDS])
    return tuple(sorted({*templates, *phrases.split()}))

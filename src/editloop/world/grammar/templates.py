"""Reads the wordings and fills them in.

A template is words, ``{slots}`` and ``(one|of|several)`` alternatives; it is split once, at import of the wordings, into
parts that are literal text, slot names or tuples of alternatives.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from editloop.core.errors import UsageError
from editloop.world.cases import PhrasingStyle
from editloop.world.choices import pick

_PART = re.compile(r"\{(\w+)\}|\(([^)]*)\)")
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Slot:
    """A gap in a template."""

    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """One wording: literal text, slots and alternatives, in order."""

    parts: tuple[str | Slot | tuple[str, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """The template that `text` writes."""
        parts: list[str | Slot | tuple[str, ...]] = []
        end = 0
        for found in _PART.finditer(text):
            parts += [text[end : found.start()]] if found.start() > end else []
            parts.append(Slot(found[1]) if found[1] else tuple(found[2].split("|")))
            end = found.end()
        return cls((*parts, text[end:]) if end < len(text) else tuple(parts))

    def fill(self, rng: np.random.Generator, values: Mapping[str, str]) -> str:
        """The wording with every slot filled from `values` and one alternative chosen at random."""
        return "".join(
            part
            if isinstance(part, str)
            else values[part.name]
            if isinstance(part, Slot)
            else pick(rng, part)
            for part in self.parts
        )

    def slots(self) -> frozenset[str]:
        """Names of the gaps."""
        return frozenset(part.name for part in self.parts if isinstance(part, Slot))

    def words(self) -> Iterator[str]:
        """Every word that the template itself can contribute."""
        for part in self.parts:
            if isinstance(part, str):
                yield from _WORD.findall(part)
            elif not isinstance(part, Slot):
                for alternative in part:
                    yield from _WORD.findall(alternative)


@cache
def wordings() -> dict[str, dict[PhrasingStyle, tuple[Template, ...]]]:
    """Wording name -> phrasing style -> templates, as `wordings.toml` lists them."""
    text = files("editloop.world.grammar").joinpath("wordings.toml").read_text(encoding="utf-8")
    return {
        name: {style: tuple(map(Template.parse, texts)) for style, texts in styles.items()}
        for name, styles in tomllib.loads(text).items()
    }


def say(
    rng: np.random.Generator, name: str, style: PhrasingStyle, values: Mapping[str, str]
) -> str:
    """One wording called `name` in the given style, with its slots filled from `values`.

    Raises:
        UsageError: when no wording has that name.
    """
    styles = wordings().get(name)
    if styles is None:
        raise UsageError(f"no wording is called {name!r}; known: {', '.join(wordings())}")
    return pick(rng, styles[style]).fill(rng, values)

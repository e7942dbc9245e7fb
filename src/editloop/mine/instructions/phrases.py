"""Filling the slots of a wording: noun phrases with as much place, size and colour as the style wants."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any, Literal

from editloop.core.ids import content_id
from editloop.mine.instructions.places import NOWHERE, PlaceWords
from editloop.mine.instructions.words import (
    PERSONS,
    capitalised,
    indefinite,
    is_plural,
    possessive,
    pronouns,
)

Style = Literal["terse", "plain", "detailed", "casual"]

_SLOT = re.compile(r"\{([A-Za-z_]+)(\?)?\}")
PICTURE_WORDS = ("picture", "photo", "image")
_SIZE_CHANCE = {"terse": 0.0, "casual": 0.25, "plain": 0.6, "detailed": 0.9}
_POSITION_CHANCE = {"terse": 0.0, "casual": 0.5, "plain": 1.0, "detailed": 1.0}
_COLOUR_CHANCE = {"terse": 0.0, "casual": 0.2, "plain": 0.25, "detailed": 0.7}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """What an instruction is about; which slots are needed depends on the edit type.

    Nouns stand without an article and in their dictionary form ("cup", "teddy bear"). `style`, `tone`, `background` are
    noun phrases, with their article where they have one ("a watercolour painting", "autumn leaves"); `light` is one
    without ("warm light from the left"); `detail` is a clause of visible detail ("flowing pigment and paper grain").
    """

    object: str = ""
    """The thing edited, added or kept in focus."""
    object_colour: str = ""
    """The colour it has (or shall have, when added)."""
    place: PlaceWords = NOWHERE
    new_object: str = ""
    new_colour: str = ""
    colour: str = ""
    material: str = ""
    style: str = ""
    tone: str = ""
    detail: str = ""
    light: str = ""
    background: str = ""
    old_background: str = ""


@cache
def wordings(table: str) -> dict[str, Any]:
    """A table of wordings that ships with the package."""
    text = files("editloop.mine.instructions").joinpath(f"{table}.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def templates_hash() -> str:
    """Changes with any wording: what provenance records about how an instruction was written."""
    return content_id(*(wordings(table) for table in ("templates", "dialogues", "places", "looks")))


class Phrases:
    """The slots of one sentence, each worked out once, so that a sentence is consistent in itself.

    Args:
        slots: What the sentence is about.
        style: Decides how much of place, size and colour goes into noun phrases.
        rng: Chooses among wordings.
        max_adjectives: ImgEdit allows one in replace and adjust.
        woven: Whether the position must be said, whatever the style.
    """

    def __init__(
        self,
        slots: Slots,
        style: Style,
        rng: Random,
        *,
        max_adjectives: int = 2,
        woven: bool = False,
    ) -> None:
        self.slots = slots
        self.style = style
        self._rng = rng
        self._picture = rng.choice(PICTURE_WORDS)
        self._says_position = rng.random() < _POSITION_CHANCE[style] or woven
        self._adjectives = self._choose_adjectives(max_adjectives)
        self._rank_wording = self._draw_rank()
        self._position_draw = rng.random()
        self._words = {
            "picture": self._picture,
            **self._of_the_thing(),
            **self._of_the_result(),
        }

    def fill(self, wording: str) -> str:
        """`wording` with its slots filled, or an empty string when one that it needs has nothing to say."""
        names_picture = "{picture}" in wording
        values = {
            name: self.value(name, names_picture=names_picture)
            for name, _ in _SLOT.findall(wording)
        }
        if any(not values[name] and not optional for name, optional in _SLOT.findall(wording)):
            return ""
        return _SLOT.sub(lambda match: values[match[1]], wording)

    def value(self, name: str, *, names_picture: bool = False) -> str:
        """The words for one slot; a slot name with a capital gives words with a capital."""
        key = name[0].lower() + name[1:]
        if key in {"it", "where", "a_it"}:
            words = self._placed(key, names_picture=names_picture)
        else:
            words = self._words[key]
        return capitalised(words) if name[0].isupper() else words

    def _of_the_thing(self) -> dict[str, str]:
        """Words that depend on the thing itself: how it is named, spoken of, and what its verbs look like."""
        noun, place = self.slots.object, self.slots.place
        spoken, plural = pronouns(noun), is_plural(noun)
        return {
            "it_short": self._definite() if noun else "",
            "bare": "" if place.rank else noun,
            "poss": possessive(f"the {noun}") if noun and not place.rank else "",
            "them": spoken.object,
            "them_subject": spoken.subject,
            "their": spoken.possessive,
            "they_look": "they look" if spoken.subject == "they" else "it looks",
            "is": "are" if plural else "is",
            "was": "were" if plural else "was",
            "has": "have" if plural else "has",
            "that": "those" if plural else "that",
            "fits": "fit" if plural else "fits",
            "stands": "stand" if plural else "stands",
        }

    def _of_the_result(self) -> dict[str, str]:
        """Words for what there shall be: a new thing, a colour, a light, a background."""
        slots = self.slots
        spoken = pronouns(slots.new_object)
        return {
            "new": self._new(),
            "new_bare": slots.new_object,
            "new_them": spoken.object,
            "new_their": spoken.possessive,
            "new_fits": "fit" if is_plural(slots.new_object) else "fits",
            "colour": slots.colour,
            "a_colour": indefinite(slots.colour) if slots.colour else "",
            "material": slots.material,
            "style": slots.style,
            "tone": slots.tone,
            "detail": slots.detail,
            "light": slots.light,
            "lighting": "" if slots.light.startswith("light") else slots.light,
            "background": _with_article(slots.background),
            "old": f"the {slots.old_background or 'background'}",
        }

    def _placed(self, key: str, *, names_picture: bool) -> str:
        if key == "where":
            return self._where(names_picture=names_picture)
        if not self.slots.object:
            return ""
        if key == "a_it":
            if self.slots.place.rank:
                return ""
            return _with_article(" ".join([*self._adjectives, self.slots.object]))
        if self.slots.place.rank or not self._says_position:
            return self._definite()
        return f"{self._definite()} {self._where(names_picture=names_picture)}".strip()

    def _definite(self) -> str:
        described = " ".join([*self._adjectives, self.slots.object])
        return self._rank_wording.format(n=described)

    def _new(self) -> str:
        noun = self.slots.new_object
        if not noun:
            return ""
        return _with_article(f"{self.slots.new_colour} {noun}".strip())

    def _where(self, *, names_picture: bool) -> str:
        place = self.slots.place
        if not place.position:
            return ""
        table = wordings("places")
        options: list[str] = table["position"][place.position]["short"]
        if place.corner:
            options = table["corner"][place.position]
        elif self.style == "detailed" and not names_picture:
            options = table["position"][place.position]["long"]
        words = options[int(self._position_draw * len(options))]
        return words.format(picture=self._picture)

    def _draw_rank(self) -> str:
        if not self.slots.place.rank:
            return "the {n}"
        wording: str = self._rng.choice(wordings("places")["rank"][self.slots.place.rank])
        return wording

    def _choose_adjectives(self, limit: int) -> list[str]:
        """Size and colour of the thing itself, as far as style and `limit` leave room beside those of the result."""
        slots = self.slots
        chosen: list[str] = []
        if slots.place.rank:  # "the rightmost white cat" would be the rightmost of the white ones
            return chosen
        room = limit - sum(bool(word) for word in (slots.new_colour, slots.colour))
        size_wanted = self._rng.random() < _SIZE_CHANCE[self.style]
        colour_wanted = self._rng.random() < _COLOUR_CHANCE[self.style]
        size_word = self._rng.choice(wordings("places")["size"].get(slots.place.size, [""]))
        if size_word and size_wanted and room > 0 and slots.object not in PERSONS:
            chosen.append(size_word)
            room -= 1
        if colour_wanted and room > 0 and slots.object_colour not in {"", slots.object}:
            chosen.append(slots.object_colour)
        return chosen


def _with_article(phrase: str) -> str:
    return indefinite(phrase, plural=is_plural(phrase)) if phrase else ""

"""What is put before raters: items, their pictures, and the gathering of both with every drop counted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue

from editloop.core.errors import BadInputError, EditloopError
from editloop.core.ids import sha256_hex
from editloop.core.images import decode_image

LoadBytes = Callable[[], bytes]


class Picture(BaseModel):
    """An image by the hash of its bytes; `name` is where it came from and is never shown to a rater."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    width: int
    height: int
    name: str = ""


class ItemTurn(BaseModel):
    """One turn of a dialogue: what was asked and what came out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instruction: str
    picture: Picture


class Item(BaseModel):
    """One thing to rate.

    `candidates` holds the edited image, or the two that are compared. `turns` is filled for a dialogue alone. `facts` goes into
    exports and never to a rater: it may name editors and files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    instruction: str
    source: Picture
    candidates: tuple[Picture, ...] = ()
    turns: tuple[ItemTurn, ...] = ()
    context: tuple[str, ...] = ()
    """What was said before `instruction` in the same dialogue, oldest first."""
    hint: str = ""
    """Kind of dialogue, which names the hint to show."""
    facts: dict[str, JsonValue] = {}

    def pictures(self) -> dict[str, Picture]:
        """Every picture by the part it plays."""
        named = {f"candidate_{place}": picture for place, picture in enumerate(self.candidates)}
        turns = {f"turn_{place}": turn.picture for place, turn in enumerate(self.turns, start=1)}
        return {"source": self.source, **named, **turns}

    def shown(self) -> tuple[str, tuple[str, ...], list[tuple[str, str]]]:
        """What a rater reads and sees: two items that are equal in this are the same."""
        pictures = [(part, picture.sha256) for part, picture in self.pictures().items()]
        return self.instruction, tuple(turn.instruction for turn in self.turns), pictures


@dataclass(frozen=True, slots=True)
class Dropped:
    """One row that cannot be rated, with a machine-readable reason."""

    place: str
    reason: str
    detail: str


@dataclass(slots=True)
class Collection:
    """The items of a study, the way to their pictures, and what was left out."""

    items: dict[str, Item] = field(default_factory=dict)
    dropped: list[Dropped] = field(default_factory=list)
    _loads: dict[str, LoadBytes] = field(default_factory=dict)
    _seen: dict[str, Picture | BadInputError] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        """Take `item`.

        Raises:
            BadInputError: `duplicate_id`.
        """
        if item.key in self.items:
            raise BadInputError("duplicate_id", f"{item.key!r} was read before")
        self.items[item.key] = item

    def drop(self, place: str, error: BadInputError) -> None:
        """Note that a row was left out."""
        self.dropped.append(Dropped(place, error.reason, error.detail))

    def reasons(self) -> Mapping[str, int]:
        """Dropped rows by reason, the most frequent first."""
        return dict(Counter(row.reason for row in self.dropped).most_common())

    def picture(self, cache_key: str, load: LoadBytes, name: str = "") -> Picture:
        """The picture that `load` gives, decoded once to be sure that it can be shown.

        Raises:
            BadInputError: it cannot be read or decoded.
        """
        if cache_key not in self._seen:
            self._seen[cache_key] = self._examine(load, name)
        found = self._seen[cache_key]
        if isinstance(found, BadInputError):
            raise found
        return found

    def _examine(self, load: LoadBytes, name: str) -> Picture | BadInputError:
        try:
            data = load()
            facts = decode_image(data).facts
        except BadInputError as error:
            return error
        except (EditloopError, OSError, KeyError) as error:
            return BadInputError("missing_image", f"{name}: {error}")
        self._loads.setdefault(facts.sha256, load)
        return Picture(sha256=facts.sha256, width=facts.width_px, height=facts.height_px, name=name)

    def load(self, sha256: str) -> bytes:
        """The bytes of a picture, checked against their hash.

        Raises:
            BadInputError: the file has changed or gone since the study began.
        """
        if sha256 not in self._loads:
            raise BadInputError("missing_image", "no item of this study shows it")
        data = self._loads[sha256]()
        if sha256_hex(data) != sha256:
            raise BadInputError("changed_image", "the file is not what it was when it was read")
        return data


def plain_facts(row: Mapping[str, Any], without: frozenset[str]) -> dict[str, JsonValue]:
    """Columns of a row that exports repeat: text and numbers, but no earlier ratings and their means."""
    return {
        str(name): value
        for name, value in row.items()
        if name not in without
        and not str(name).startswith("mean_")
        and isinstance(value, str | int | float | bool)
        and not (isinstance(value, float) and not math.isfinite(value))
    }

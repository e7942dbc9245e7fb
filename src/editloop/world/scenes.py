"""What a storybook picture holds, and the closed vocabularies it is made of.

Coordinates and lengths are fractions of the picture's side, x to the right and y down, so a scene can be drawn at any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "ball",
    "box",
    "cone",
    "star",
    "heart",
    "house",
    "tree",
    "flower",
    "car",
    "boat",
    "fish",
    "cup",
    "mushroom",
    "kite",
    "bell",
    "bird",
]
Colour: TypeAlias = Literal[
    "red", "green", "blue", "yellow", "purple", "orange", "white", "black", "pink", "brown"
]
Pattern: TypeAlias = Literal["plain", "striped", "dotted"]
Size: TypeAlias = Literal["small", "medium", "big"]
Place: TypeAlias = Literal["left", "middle", "right"]
Background: TypeAlias = Literal[
    "meadow", "desert", "sea", "snowfield", "forest", "city", "beach", "space", "paper"
]
"""``paper`` is the clean white backdrop of an extracted object; scenes are never sampled on it."""
Style: TypeAlias = Literal["sepia", "black and white", "negative", "pastel", "poster"]
Tone: TypeAlias = Literal["dusk", "midnight", "fog", "frost"]
"""Time of day, weather and season: a colour cast over the whole picture."""
Light: TypeAlias = Literal["left", "right", "above"]
"""Where a lamp stands; the far side falls into shade."""
Wear: TypeAlias = Literal["noise", "blur", "fading", "blocks"]
"""Damage to the whole picture, which `restore` undoes and `degrade` adds."""

RADII: dict[Size, float] = {"small": 0.115, "medium": 0.15, "big": 0.185}
"""Half the width of an object of each size."""
PLACE_X: dict[Place, float] = {"left": 0.2, "middle": 0.5, "right": 0.8}
"""Centre of each place."""
STANDING_Y = 0.62
"""Where the centre of an object stands before jitter; a jumping object is `JUMP` higher."""
JUMP = 0.28


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One drawn object; `dx` and `dy` move its centre away from its place (fractions of the side)."""

    kind: Kind
    colour: Colour
    place: Place
    size: Size = "medium"
    pattern: Pattern = "plain"
    jumping: bool = False
    dx: float = 0.0
    dy: float = 0.0

    @property
    def x(self) -> float:
        """Centre, fraction of the width."""
        return PLACE_X[self.place] + self.dx

    @property
    def y(self) -> float:
        """Centre, fraction of the height."""
        return STANDING_Y + self.dy - (JUMP if self.jumping else 0.0)

    @property
    def radius(self) -> float:
        """Half the width, fraction of the side."""
        return RADII[self.size]


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture: objects are drawn in order, later ones in front of earlier ones.

    Looks are applied in this order: `focus` (everything but that object is blurred), `light`, `tone`, `style`, `wear`.
    """

    background: Background
    objects: tuple[SceneObject, ...]
    style: Style | None = None
    tone: Tone | None = None
    light: Light | None = None
    focus: int | None = None
    """Index in `objects` of the one sharp object of a bokeh picture."""
    wear: Wear | None = None
    wear_seed: int = 0
    """Seeds the grain of ``noise``, so that a picture stays a function of its scene."""

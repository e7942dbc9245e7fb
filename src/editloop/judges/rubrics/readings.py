"""Readings by name: a kept reply says which one it takes, so that it can be read again without its rubric."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from editloop.core.errors import UsageError
from editloop.judges.parsing.axes import read_axes
from editloop.judges.parsing.protocols import (
    IMGEDIT_AXES,
    NHR_AXES,
    POST_FILTER_AXES,
    SCORE,
    VIE_AXES,
    Perspective,
    read_hp_scorer,
    read_imgedit,
    read_mrc,
    read_nhr,
    read_post_filter,
    read_uge,
    read_vie,
)
from editloop.judges.parsing.reading import Axis, Reading, ReadingMode
from editloop.judges.parsing.yes_no import read_yes_no

OFFICIAL: Final = ("imgedit:", "uge", "viescore:", "mrc:")
"""Beginnings of the keys that a published script defines an official reading for."""
_FIXED: Final[Mapping[str, tuple[Axis, ...]]] = {
    **{f"imgedit:{edit_type}": axes for edit_type, axes in IMGEDIT_AXES.items()},
    **{f"viescore:{part}": axes for part, axes in VIE_AXES.items()},
    **{f"mrc:{perspective}": (SCORE,) for perspective in ("following", "consistent", "clear")},
    "uge": (SCORE,),
    "hp_scorer": (SCORE,),
    "nhr": NHR_AXES,
    "post_filter": POST_FILTER_AXES,
}
_PLAIN: Final[Mapping[str, Callable[[object], Reading]]] = {
    "nhr": read_nhr,
    "hp_scorer": read_hp_scorer,
    "post_filter": read_post_filter,
}
_PERSPECTIVES: Final[Mapping[str, Perspective]] = {
    "following": "following",
    "consistent": "consistent",
    "clear": "clear",
}
VOTE: Final = "vote"
"""Reading of replies about two edits (`parsing.votes`)."""


def read_reply(key: str, reply: object, mode: ReadingMode = ReadingMode.ROBUST) -> Reading:
    """A reply, read as its question says.

    Args:
        key: ``imgedit:TYPE``, ``uge``, ``post_filter``, ``viescore:SC``, ``viescore:PQ``, ``mrc:PERSPECTIVE``, ``nhr``,
            ``hp_scorer``, ``yes_no:FLAG``, or ``scores:LOW:HIGH:AXIS,AXIS`` for rubrics of your own.
        reply: The raw reply.
        mode: Whose rules; what no script was published for is read robustly either way.

    Raises:
        UsageError: there is no such reading.
    """
    name, _, rest = key.partition(":")
    if key in _PLAIN:
        return _PLAIN[key](reply)
    if name == "yes_no":
        return read_yes_no(reply, rest)
    if name == "scores":
        axes, scale = _own_axes(key)
        return read_axes(reply, axes, scale)
    if key not in _FIXED:
        known_reading(key)
    if name == "imgedit":
        return read_imgedit(reply, rest, mode)
    if name == "viescore":
        return read_vie(reply, "SC" if rest == "SC" else "PQ", mode)
    if name == "mrc":
        return read_mrc(reply, _PERSPECTIVES[rest], mode)
    return read_uge(reply, mode)


def axes_of(key: str) -> tuple[Axis, ...]:
    """The axes that a reading looks for; none for a yes/no or a vote."""
    return _own_axes(key)[0] if key.startswith("scores:") else _FIXED.get(key, ())


def known_reading(key: str) -> None:
    """Nothing, when there is such a reading.

    Raises:
        UsageError: with all that there are.
    """
    if key.startswith("scores:"):
        _own_axes(key)
        return
    if key in _FIXED or key == VOTE or (key.startswith("yes_no:") and key != "yes_no:"):
        return
    known = ", ".join([*_FIXED, "yes_no:FLAG", "scores:LOW:HIGH:AXIS,AXIS", VOTE])
    raise UsageError(f"there is no reading {key!r}; known: {known}")


def has_official(key: str) -> bool:
    """Whether a published script reads such replies."""
    return key.startswith(OFFICIAL)


def _own_axes(key: str) -> tuple[tuple[Axis, ...], tuple[float, float]]:
    try:
        _, low, high, names = key.split(":", 3)
        scale = (float(low), float(high))
    except ValueError as error:
        raise UsageError(
            f"a reading of your own axes is scores:LOW:HIGH:AXIS,AXIS, got {key!r}"
        ) from error
    axes = tuple(Axis(name.strip()) for name in names.split(",") if name.strip())
    if not axes or not scale[0] < scale[1]:
        raise UsageError(f"{key!r} needs an axis and a rising scale")
    return axes, scale

"""The reader's word lists, from ``words.toml``."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files("editloop.judges.intent").joinpath("words.toml").read_text("utf-8"))


@cache
def words(name: str) -> frozenset[str]:
    """The word list called `name`.

    Raises:
        KeyError: when no section has such a list.
    """
    for section in _table().values():
        if name in section:
            return frozenset(section[name])
    raise KeyError(f"words.toml has no list called {name!r}")


@cache
def pattern(*names: str) -> re.Pattern[str]:
    """A pattern that finds any word or phrase of the lists as whole words, longest first."""
    entries = sorted({word for name in names for word in words(name)}, key=lambda w: (-len(w), w))
    forms = [
        re.escape(entry).replace(r"\ ", r"[\s-]").replace(r"\-", r"[\s-]") for entry in entries
    ]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(forms)})(?![\w-])")


def found(text: str, *names: str) -> tuple[str, ...]:
    """Every entry of the lists in `text`, in order of appearance, each once."""
    return tuple(dict.fromkeys(pattern(*names).findall(text)))


IRREGULAR = {
    "people": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "mice": "mouse",
    "geese": "goose",
    "feet": "foot",
    "teeth": "tooth",
    "knives": "knife",
    "leaves": "leaf",
    "wolves": "wolf",
    "shelves": "shelf",
    "loaves": "loaf",
}
UNCHANGED = frozenset(
    [
        "sheep",
        "deer",
        "fish",
        "glasses",
        "sunglasses",
        "scissors",
        "jeans",
        "trousers",
        "pants",
        "shorts",
        "grass",
        "bus",
        "gas",
        "lens",
        "dress",
        "cactus",
        "kiss",
        "glass",
        "moss",
        "cross",
        "christmas",
        "octopus",
        "walrus",
        "boss",
        "mess",
        "canvas",
        "chess",
    ]
)


def singular(noun: str) -> str:
    """The singular of the last word of `noun`."""
    *before, last = noun.split() or [""]
    if last in IRREGULAR:
        last = IRREGULAR[last]
    elif last not in UNCHANGED and len(last) > 3 and last.endswith("s"):
        last = _without_plural(last)
    return " ".join([*before, last])


def _without_plural(word: str) -> str:
    if (
        word.endswith("ies")
        and len(word) > 4
        and word not in {"cookies", "movies", "zombies", "ties", "brownies", "smoothies"}
    ):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "toes")):
        return word[:-2]
    return word if word.endswith(("ss", "us", "is")) else word[:-1]

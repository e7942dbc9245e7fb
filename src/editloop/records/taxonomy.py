"""One vocabulary of edit types, with maps to every paper's names.

Source: ImgEdit (arXiv 2505.20275), NHR-Edit (2507.14119), HP-Edit (2604.19406), Multi-Reward as Condition
(2411.04713), GEdit-Bench (Step1X-Edit).
"""

from __future__ import annotations

from enum import StrEnum


class EditType(StrEnum):
    """What an instruction asks for."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"
    ADJUST = "adjust"
    ACTION = "action"
    PERSON = "person"
    BACKGROUND = "background"
    EXTRACT = "extract"
    STYLE = "style"
    TONE = "tone"
    RELIGHT = "relight"
    BOKEH = "bokeh"
    RESTORE = "restore"
    TEXT = "text"
    VISUAL = "visual"
    COMPOSE = "compose"
    CONTENT_MEMORY = "content_memory"
    CONTENT_UNDERSTANDING = "content_understanding"
    VERSION_BACKTRACKING = "version_backtracking"

    @property
    def is_dialogue(self) -> bool:
        """Whether the type is a dialogue of two or three turns."""
        return self in DIALOGUE_TYPES

    @property
    def is_local(self) -> bool:
        """Whether everything outside a mask must stay as it was."""
        return self in LOCAL_TYPES


DIALOGUE_TYPES = frozenset(
    {EditType.CONTENT_MEMORY, EditType.CONTENT_UNDERSTANDING, EditType.VERSION_BACKTRACKING}
)
LOCAL_TYPES = frozenset(
    {
        EditType.ADD,
        EditType.REMOVE,
        EditType.REPLACE,
        EditType.ADJUST,
        EditType.ACTION,
        EditType.PERSON,
        EditType.TEXT,
        EditType.VISUAL,
        EditType.COMPOSE,
    }
)

PAPER_NAMES: dict[str, dict[EditType, tuple[str, ...]]] = {
    "imgedit": {
        EditType.ADD: ("add",),
        EditType.REMOVE: ("remove",),
        EditType.REPLACE: ("replace",),
        EditType.ADJUST: ("adjust", "alter"),
        EditType.ACTION: ("action", "motion"),
        EditType.BACKGROUND: ("background",),
        EditType.STYLE: ("style",),
        EditType.EXTRACT: ("extract",),
        EditType.VISUAL: ("visual",),
        EditType.COMPOSE: ("compose", "hybrid"),
        EditType.CONTENT_MEMORY: ("content_memory", "content memory"),
        EditType.CONTENT_UNDERSTANDING: ("content_understanding", "content understanding"),
        EditType.VERSION_BACKTRACKING: ("version_backtracking", "version backtracking"),
    },
    "nhr": {
        EditType.ADD: ("Addition",),
        EditType.REMOVE: ("Removal",),
        EditType.REPLACE: ("change object",),
        EditType.ADJUST: ("change color", "change material/texture", "reshape"),
        EditType.ACTION: ("change emotion",),
        EditType.PERSON: ("haircut", "beard/moustache", "clothes", "age"),
        EditType.BACKGROUND: ("change background", "add background", "remove background"),
        EditType.TONE: ("change time of day", "change season", "change weather"),
        EditType.RESTORE: ("restore", "degrade"),
        EditType.COMPOSE: ("Composite",),
    },
    "hp_edit": {
        EditType.ADD: ("addition",),
        EditType.REMOVE: ("removal",),
        EditType.REPLACE: ("swap",),
        EditType.ADJUST: ("color change",),
        EditType.BACKGROUND: ("background replacement",),
        EditType.STYLE: ("style transfer",),
        EditType.RELIGHT: ("relighting",),
        EditType.BOKEH: ("bokeh",),
    },
    "real_edit": {
        EditType.ADD: ("Add",),
        EditType.REMOVE: ("Remove",),
        EditType.REPLACE: ("Local",),
        EditType.ADJUST: ("Texture",),
        EditType.BACKGROUND: ("Background",),
        EditType.STYLE: ("Style",),
        EditType.TONE: ("Global",),
    },
    "gedit": {
        EditType.ADD: ("subject-add",),
        EditType.REMOVE: ("subject-remove",),
        EditType.REPLACE: ("subject-replace",),
        EditType.ADJUST: ("color_alter", "material_alter"),
        EditType.ACTION: ("motion_change",),
        EditType.PERSON: ("ps_human",),
        EditType.BACKGROUND: ("background_change",),
        EditType.STYLE: ("style_change",),
        EditType.TONE: ("tone_transfer",),
        EditType.TEXT: ("text_change",),
    },
}
"""Paper -> our type -> the paper's names for it, the first being the one we write."""


def from_paper_name(paper: str, name: str) -> EditType:
    """The edit type that `paper` calls `name` (case does not matter).

    Raises:
        KeyError: when the paper has no such name.
    """
    for edit_type, names in PAPER_NAMES[paper].items():
        if name.lower() in (n.lower() for n in names):
            return edit_type
    raise KeyError(f"{paper} has no edit type called {name!r}")


def paper_name(paper: str, edit_type: EditType) -> str | None:
    """What `paper` calls `edit_type`, or None when it has no such type."""
    names = PAPER_NAMES[paper].get(edit_type)
    return names[0] if names else None


_EVERYDAY: dict[EditType, tuple[str, ...]] = {
    EditType.ADD: ("addition", "object addition"),
    EditType.REMOVE: ("removal", "object removal", "deletion"),
    EditType.REPLACE: ("replacement", "object replacement", "swap"),
    EditType.ADJUST: (
        "attribute",
        "attribute changes",
        "color changes",
        "colour",
        "color",
        "material",
    ),
    EditType.BACKGROUND: ("scene changes", "scene"),
    EditType.STYLE: ("style transfer",),
}
"""What edit types are called elsewhere, MagicBrush's categories among them."""


def known_edit_type(name: str) -> EditType | None:
    """The edit type that goes by `name` in our vocabulary, in any paper's, or in everyday words; None when nobody uses it."""
    plain = name.strip().lower().replace("_", " ")
    for edit_type in EditType:
        if plain == edit_type.value.replace("_", " "):
            return edit_type
    for names in (*PAPER_NAMES.values(), _EVERYDAY):
        for edit_type, own in names.items():
            if plain in (one.lower().replace("_", " ") for one in own):
                return edit_type
    return None

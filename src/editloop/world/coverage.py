"""Which operations of the papers have a counterpart in this world, and which have none.

ImgEdit's thirteen types and HP-Edit's eight tasks all do (`records.taxonomy.PAPER_NAMES` maps them). Of NHR-Edit's operations,
those on people do not: nobody lives here.
"""

from __future__ import annotations

from dataclasses import dataclass

from editloop.records.taxonomy import EditType
from editloop.world.cases import Case


@dataclass(frozen=True, slots=True)
class Equivalent:
    """What an operation of a paper is here: an edit type, narrowed to an attribute and to some of its values."""

    edit_type: EditType
    attribute: str | None = None
    values: frozenset[str | None] | None = None
    source_background: str | None = None

    def covers(self, case: Case) -> bool:
        """Whether `case` is such an edit."""
        if case.kind is not None or case.edit_type is not self.edit_type:
            return False
        background = self.source_background
        if background is not None and case.source.background != background:
            return False
        return all(
            (self.attribute is None or change.attribute == self.attribute)
            and (self.values is None or change.value in self.values)
            for change in case.changes
        )


def _of(edit_type: EditType, attribute: str | None = None, *values: str | None) -> Equivalent:
    return Equivalent(edit_type, attribute, frozenset(values) if values else None)


NHR_EQUIVALENTS: dict[str, Equivalent | None] = {
    "Addition": _of(EditType.ADD),
    "Removal": _of(EditType.REMOVE),
    "Composite": _of(EditType.COMPOSE),
    "change object": _of(EditType.REPLACE),
    "change color": _of(EditType.ADJUST, "colour"),
    "change material/texture": _of(EditType.ADJUST, "pattern"),
    "reshape": _of(EditType.ADJUST, "size"),
    "change background": _of(EditType.BACKGROUND, "background"),
    "add background": Equivalent(EditType.BACKGROUND, "background", source_background="paper"),
    "remove background": _of(EditType.EXTRACT),
    "change time of day": _of(EditType.TONE, "tone", "dusk", "midnight"),
    "change season": _of(EditType.TONE, "tone", "frost"),
    "change weather": _of(EditType.TONE, "tone", "fog"),
    "restore": _of(EditType.RESTORE, "wear", None),
    "degrade": _of(EditType.RESTORE, "wear", "noise", "blur", "fading", "blocks"),
    "change emotion": None,
    "haircut": None,
    "beard/moustache": None,
    "clothes": None,
    "age": None,
}
"""NHR-Edit's name of an operation -> its counterpart, or None. "add background" comes about by inverting an extraction."""

"""The embedded editor: procedural operations behind the same role as a 20B model.

It reads `EditRequest.plan`, the structured form of the instruction, and refuses a request without one: it does not
pretend to understand language. A photograph that an operation cannot do justice to raises `BadInputError`.
"""

from __future__ import annotations

from editloop.core.errors import UsageError
from editloop.core.seeds import generator
from editloop.models import load_model
from editloop.models.editors.procedural import operations as ops
from editloop.models.editors.procedural.backdrops import BACKDROPS
from editloop.models.editors.procedural.background import swap_background, swap_for_studio
from editloop.models.editors.procedural.bokeh import bokeh
from editloop.models.editors.procedural.extract import extract
from editloop.models.editors.procedural.paste import paste
from editloop.models.editors.procedural.placement import (
    Anchor,
    PlacementLimits,
    placement_for_add,
    placement_for_replace,
)
from editloop.models.editors.procedural.recolour import recolour
from editloop.models.editors.procedural.relight import relight
from editloop.models.editors.procedural.remove import RemoveLimits, remove_object
from editloop.models.editors.procedural.retexture import retexture
from editloop.models.editors.procedural.style import style
from editloop.models.editors.procedural.tone import tone
from editloop.models.roles import EditRequest, EditResult, ModelIdentity, Remover, RgbImage

VERSION = "3"

REPLACE_LIMITS = PlacementLimits(max_height_frac=0.92)
"""A replacement may be as large as what stood there; its size is checked against that."""

COVERED_LIMITS = RemoveLimits(
    max_strange_area=3.0,
    max_layering=5.0,
    min_fine_texture=0.25,
    min_coarse_texture=0.25,
    max_fine_texture=3.0,
    max_coarse_texture=3.0,
    max_ghost=0.3,
)
"""For a fill of which little will be seen."""


class ProceduralEditor:
    """Edits by image processing.

    Args:
        remover: Fills the holes that removed objects leave.
    """

    def __init__(self, remover: Remover) -> None:
        self.remover = remover

    @property
    def identity(self) -> ModelIdentity:
        """Name and version; the remover's version is part of it."""
        return ModelIdentity(
            "embedded:procedural", f"{VERSION}+{self.remover.identity.version}", "Apache-2.0"
        )

    def edit(self, request: EditRequest) -> EditResult:
        """Carry out `request.plan`.

        Raises:
            UsageError: the request has no plan.
            BadInputError: the operation would not look right on this photograph.
        """
        if request.plan is None:
            raise UsageError(
                "the procedural editor needs a structured plan (models.editors.procedural.operations); "
                "for free instructions choose a learned editor"
            )
        edited = self._on_object(request.plan, request.image, request.seed)
        if edited is None:
            edited = _on_appearance(request.plan, request.image, request.seed)
        if edited is None:
            raise UsageError(
                f"the procedural editor cannot carry out a {type(request.plan).__name__}"
            )
        return edited

    def _on_object(self, plan: object, image: RgbImage, seed: int) -> EditResult | None:
        match plan:
            case ops.Remove():
                limits = COVERED_LIMITS if plan.covered else None
                return remove_object(
                    image, plan.matte, self.remover, seed=seed, box=plan.box, limits=limits
                )
            case ops.Replace():
                placement = placement_for_replace(
                    plan.removed, plan.removed_noun, plan.cutout, plan.noun, limits=REPLACE_LIMITS
                )
                return paste(image, plan.cutout, placement, seed=seed)
            case ops.Add():
                placement = placement_for_add(
                    image,
                    Anchor(plan.anchor_noun, plan.anchor),
                    plan.cutout,
                    plan.noun,
                    rng=generator(seed, "placement"),
                    occupied=plan.occupied,
                )
                return paste(image, plan.cutout, placement, seed=seed)
            case ops.SwapBackground():
                return swap_background(
                    image, plan.matte, plan.background, seed=seed, noun=plan.noun
                )
            case ops.Backdrop():
                return swap_for_studio(image, plan.matte, BACKDROPS[plan.backdrop].rgb, seed=seed)
            case ops.Extract():
                return extract(image, plan.matte, plan.box)
        return None


def _on_appearance(plan: object, image: RgbImage, seed: int) -> EditResult | None:
    match plan:
        case ops.Recolour():
            return recolour(image, plan.matte, plan.colour)
        case ops.Retexture():
            return retexture(image, plan.matte, plan.material, seed=seed)
        case ops.Stylise():
            return style(image, plan.style, seed)
        case ops.Tone():
            return tone(image, plan.tone, seed, plan.matte)
        case ops.Bokeh():
            return bokeh(image, plan.matte, seed=seed)
        case ops.Relight():
            return relight(image, plan.matte, plan.light)
    return None


def embedded_editor() -> ProceduralEditor:
    """The procedural editor with the embedded remover."""
    return ProceduralEditor(load_model("remover", "embedded:patchmatch"))

"""Checks of the second axis: does it look natural, and did everything else stay?"""

from __future__ import annotations

from editloop.judges.evidence.pixels import mean_in, ssim_map
from editloop.judges.evidence.scene import Scene
from editloop.judges.evidence.scoring import Axis, ramp
from editloop.judges.evidence.seams import seam_evidence
from editloop.judges.evidence.surroundings import layout_evidence, outside_evidence, outside_of
from editloop.judges.evidence.texture import (
    blockiness,
    detail_inside_out,
    detail_ratio,
    focus_ratio,
)
from editloop.models.roles import QualityModel

_NATURAL = Axis.NATURAL


def same_scene(scene: Scene, *, outside_only: bool) -> None:
    """The edited image must show the same scene, the right way round and in the same frame."""
    limits = scene.config
    where = outside_of(scene.pair, scene.region) if outside_only else None
    if where is not None and where.mean() < limits.least_outside_frac:
        where = None
    found = layout_evidence(scene.pair, where)
    scene.note(**found, shape_ratio=scene.pair.shape_ratio)
    if found:
        scene.check(
            "mirrored",
            _NATURAL,
            ramp(found["mirrored"], limits.mirrored),
            "The picture is mirrored.",
        )
        if where is not None:
            similar = mean_in(
                ssim_map(scene.pair.source_lab[..., 0], scene.pair.edited_lab[..., 0]), where
            )
            same = max(
                ramp(found["layout"], limits.layout), ramp(similar, limits.outside_similarity)
            )
            scene.check("different_scene", _NATURAL, same, "The edited image shows another scene.")
    if abs(scene.pair.shape_ratio - 1) > 0.03:
        scene.check(
            "frame_changed",
            _NATURAL,
            ramp(abs(scene.pair.shape_ratio - 1), limits.shape),
            "The picture has another shape.",
        )


def surroundings_kept(scene: Scene) -> None:
    """Nothing outside the region may change."""
    found = outside_evidence(scene.pair, scene.region)
    scene.note(**found)
    if "outside_similarity" not in found:
        return
    limits = scene.config
    value = min(
        ramp(found["outside_similarity"], limits.outside_similarity),
        ramp(found["outside_changed_frac"], limits.outside_changed),
        ramp(found["outside_blob_frac"], limits.outside_blob),
        ramp(found["outside_rewritten_frac"], limits.outside_blob),
    )
    scene.check(
        "changed_outside",
        _NATURAL,
        value,
        "Something outside the asked region changed too.",
        "Everything else stayed as it was.",
    )
    scene.check(
        "shifted_outside",
        _NATURAL,
        ramp(found["outside_shift"], limits.outside_shift),
        "The colours of the whole picture shifted.",
    )


def borders_clean(scene: Scene, *, invisible: bool) -> None:
    """No seams.

    A declared mask has some pixels of margin, so nothing may show along its border. Without a mask the border is
    measured and may be the outline of a new thing: only an `invisible` mend must then leave no edge.
    """
    found = seam_evidence(scene.pair, scene.region)
    scene.note(**found)
    if not found:
        return
    limits = scene.config
    values = [ramp(found["halo"], limits.halo), ramp(found["straight_seam"], limits.straight_seam)]
    if scene.pair.mask is not None:
        values.append(ramp(found["seam_step"], limits.seam_step_declared))
    elif invisible:
        values.append(ramp(found["seam_step"], limits.seam_step))
    scene.check(
        "seam",
        _NATURAL,
        min(values),
        "A seam is visible along the border of the edit.",
        "No seam is visible.",
    )


def technically_sound(
    scene: Scene, quality: QualityModel, *, look_changes: bool, grids: bool
) -> None:
    """No blur, blocks or loss of quality.

    Args:
        scene: The triplet.
        quality: No-reference quality.
        look_changes: Another look was asked for, so detail and quality may change.
        grids: That look may have a grid of its own (pixel art).
    """
    pair, limits = scene.pair, scene.config
    outside = outside_of(pair, scene.region)
    blocks = blockiness(scene.request.edited) - blockiness(scene.request.source)
    scene.note(blockiness_rise=blocks)
    limit = limits.blockiness_of_styles if grids else limits.blockiness
    scene.check("blocky", _NATURAL, ramp(blocks, limit), "Compression blocks are visible.")
    if look_changes:
        focus = focus_ratio(pair)
        scene.note(focus=focus)
        scene.check(
            "blurred", _NATURAL, ramp(focus, limits.focus_kept), "The picture is out of focus."
        )
        return
    before, after = quality.quality(pair.source), quality.quality(pair.edited)
    kept = (
        detail_ratio(pair, outside)
        if outside.mean() > limits.least_outside_frac
        else detail_ratio(pair, ~scene.change)
    )
    scene.note(
        quality_before=before,
        quality_after=after,
        outside_detail=kept,
        detail_inside_out=detail_inside_out(pair, scene.region, outside),
    )
    scene.check(
        "blurred", _NATURAL, ramp(kept, limits.detail_kept), "The picture lost its sharpness."
    )
    scene.check(
        "quality_loss",
        _NATURAL,
        ramp(before - after, limits.quality_drop),
        "The technical quality dropped.",
    )

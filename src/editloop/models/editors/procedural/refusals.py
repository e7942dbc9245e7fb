"""Why a procedural operation may refuse a photograph: every reason it can give."""

from __future__ import annotations

REFUSAL_REASONS: tuple[str, ...] = tuple(
    sorted(
        {
            "already_blurred",
            "already_there",
            "anchor_cut_by_frame",
            "background_too_small",
            "cut_by_frame",
            "empty_matte",
            "featureless",
            "flat_fill",
            "fragmented",
            "ghost",
            "hole_at_border",
            "hole_too_large",
            "light_mismatch",
            "lightness_out_of_range",
            "matte_mismatch",
            "no_clear_part",
            "no_dominant_colour",
            "no_foliage",
            "no_free_ground",
            "no_ground_at_foot",
            "no_shading",
            "not_outdoors",
            "not_rgb",
            "object_too_large",
            "object_too_small",
            "outdoors",
            "outside_frame",
            "promise_not_kept",
            "removed_cut_by_frame",
            "same_colour",
            "size_mismatch",
            "size_out_of_range",
            "soft_matte",
            "structured_background",
            "studio_background",
            "subject_size",
            "too_blurred",
            "too_dark",
            "too_small",
            "uncertain_matte",
            "unknown_noun",
            "upscaled",
            "visible_seam",
            "white_on_white",
        }
    )
)

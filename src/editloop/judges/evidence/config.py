"""Every threshold of the evidence judge, with where its number comes from.

A pair (bad, good) is a ramp: evidence at `bad` or worse counts 0, at `good` or better 1, in between in proportion.
"measured" means: chosen on triplets made from photographs of the development half, good ones against planted flaws, so
that good ones stay above the ramp's middle; ``benchmarks/evidence_judge.py`` prints the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Ramp: TypeAlias = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceConfig:
    """Frozen thresholds; another set of numbers is another judge version."""

    work_side_px: int = 512
    """Longest side at which pixels are compared: the size of MagicBrush images, and half the cost of 768."""
    change_blur_px: float = 1.2
    """Blur before differencing; JPEG at quality 85 then stays below a difference of 5 in 99.5 % of pixels (measured)."""
    changed_difference: float = 7.0
    """CIE76 difference that counts as changed: about three just noticeable differences (2.3 each)."""
    smallest_change_frac: float = 0.0004
    """Smaller changed blobs are specks: 10 x 10 pixels at working size."""
    margin_frac: float = 0.03
    """Soft edges and contact shadows around a mask, of the longer side (ImgEdit grows masks by 8-64 px of 1024)."""
    least_outside_frac: float = 0.03
    """Below this share of the frame "outside" says nothing."""
    new_edge: float = 6.0
    """Lab units a pixel that a border must gain to be seen (measured: clean fills stay below 4)."""

    accept_score: float = 3.0
    """Both axes must reach it; on ImgEdit's scale 3 is the lowest grade without a severe fault."""

    no_change_frac: Ramp = (0.0006, 0.004)
    """Changed share of the frame; ImgEdit's smallest objects cover 0.01."""
    whole_frame_frac: Ramp = (0.10, 0.35)
    """Changed share that an edit of the whole picture must reach."""
    whole_difference: Ramp = (2.0, 5.0)
    """Mean difference that an edit of the whole picture must reach: JPEG alone gives 1 to 1.5 (measured)."""
    local_limit: Ramp = (0.95, 0.80)
    """Changed share of the frame beyond which an edit of one object is none."""
    outside_similarity: Ramp = (0.80, 0.93)
    """SSIM outside; JPEG quality 95 and 4:4:4 keep 0.97 (measured)."""
    outside_changed: Ramp = (0.10, 0.02)
    """Changed share outside (measured)."""
    rewritten_similarity: float = 0.45
    """SSIM below which texture counts as rewritten (measured: JPEG 95 stays above 0.7 in 99.9 % of pixels)."""
    outside_blob: Ramp = (0.008, 0.002)
    """Largest changed blob outside, of the frame; ImgEdit's smallest objects cover 0.01."""
    outside_shift: Ramp = (5.0, 2.0)
    """Shift of the median colour outside: 2.3 is just noticeable."""
    layout: Ramp = (0.30, 0.55)
    """Mean local structure; unrelated photographs reach 0.27 (measured), the surroundings of local edits 0.8."""
    layout_of_styles: Ramp = (0.26, 0.40)
    """The same under another medium (measured: all but one from 0.42)."""
    layout_of_tones: Ramp = (0.45, 0.65)
    """The same under another light, tone or blur (measured: from 0.65)."""
    layout_gone: Ramp = (0.16, 0.09)
    """Share of the scene without common structure, under another light, tone or blur (measured: up to 0.08)."""
    cell_difference: float = 1.6
    """Mean difference from which a cell of the frame changed: JPEG alone stays below 1.3 (measured)."""
    change_spread: Ramp = (0.45, 0.75)
    """Share of cells that another medium must change."""
    mirrored: Ramp = (0.06, 0.0)
    """Gain in correlation of coarse edges by mirroring: symmetric scenes reach 0, others stay far below (measured)."""
    seam_step: Ramp = (9.0, 4.0)
    """Mean new edge along the border of an invisible mend (measured)."""
    seam_step_declared: Ramp = (6.0, 2.5)
    """The same along a declared mask (measured: good edits at most 3.3, nine in ten planted seams above 5)."""
    halo: Ramp = (9.0, 4.0)
    """Distance of the rim's colour from both sides (measured)."""
    straight_seam: Ramp = (0.55, 0.30)
    """Longest straight new edge over the region's side (measured)."""
    detail_kept: Ramp = (0.35, 0.65)
    """Fine detail outside the edit, edited over source (measured: JPEG 95 keeps 0.97)."""
    focus_kept: Ramp = (0.12, 0.38)
    """Strength of the sharpest edges, edited over source: no wanted look takes all of them away (measured: styles from 0.42)."""
    blockiness: Ramp = (0.35, 0.12)
    """Rise of the step on the JPEG grid (measured: quality 95 gives 0.01, quality 10 gives 0.8)."""
    blockiness_of_styles: Ramp = (1.0, 0.5)
    """The same where another medium was asked for: pixel art and blueprints have grids of their own."""
    quality_drop: Ramp = (0.40, 0.20)
    """Drop of the quality model (measured)."""
    colour_share: Ramp = (0.20, 0.50)
    """Share of the changed pixels that must have the asked colour (measured)."""
    present: Ramp = (0.05, 0.30)
    """Detector score or summed tag probability of a named thing (measured on matched and mismatched photographs)."""
    rank: Ramp = (0.60, 0.85)
    """Rank among contrast nouns of a thing that is there (measured: median 0.97, mismatched 0.5)."""
    residue: Ramp = (0.45, 0.20)
    """Share of a removed object's texture that is still there (measured)."""
    still_there: Ramp = (0.55, 0.25)
    """Detector score of the removed object at its place after the edit (measured)."""
    overlap: Ramp = (0.15, 0.50)
    """Share of the change that lies on the named object (measured)."""
    coverage: Ramp = (0.30, 0.60)
    """Share of the named object's box that changed; objects fill 0.6 to 0.8 of their box."""
    subject_kept: Ramp = (0.55, 0.80)
    """Similarity of the subject under a new background."""
    subject_share: Ramp = (0.004, 0.015)
    """Share of the frame that a new background must leave; ImgEdit's smallest objects cover 0.01."""
    subject_shift: Ramp = (14.0, 7.0)
    """Shift of the subject's median colour; fitting it to a new light moves it by up to 6 (measured)."""
    behind_correlation: Ramp = (0.85, 0.60)
    """Correlation of lightness behind the subject: blur and grading keep more than 0.85 (measured)."""
    border_replaced: Ramp = (0.30, 0.60)
    """Share of the frame's border that a new background must change."""
    object_frac: Ramp = (0.004, 0.02)
    """Share of the frame that a cut-out must cover (as for subjects)."""
    white_frac: Ramp = (0.03, 0.12)
    """Share of the frame that must be white around it."""
    shape: Ramp = (0.15, 0.03)
    """Change of the aspect ratio; rounding to multiples of 16 or 32 changes it by up to 0.03."""
    grey_medium: Ramp = (0.90, 0.60)
    """Chroma left, of the source's, by a medium without colour (measured: 0.15 to 0.56)."""
    chroma_left: Ramp = (6.0, 2.0)
    """Mean chroma of a picture without colour: JPEG leaves below 1."""
    sepia_spread: Ramp = (20.0, 10.0)
    """Spread of a and b in a picture of one tone."""
    stays_visible: Ramp = (0.10, 0.30)
    """Detector score of a subject before its new background."""
    there_before: Ramp = (0.75, 0.50)
    """Detector score, before, of what was to be added."""
    reference_likeness: Ramp = (0.15, 0.45)
    """Shared colours and nouns with the reference (measured on fitting and unrelated references)."""
    placed: Ramp = (0.30, 0.50)
    """Position on the asked side: 0.5 = the middle."""
    colour_gain: Ramp = (0.002, 0.02)
    """Gain in the asked colour where two operations share their area; ImgEdit's smallest objects cover 0.01."""
    white_border: Ramp = (0.70, 0.92)
    """White share of the border of a cut-out."""
    object_similarity: Ramp = (0.35, 0.65)
    """SSIM of a cut-out with its source (measured: in place above 0.9)."""
    object_shift: Ramp = (8.0, 4.0)
    """Shift of a cut-out's median colour."""
    object_rewritten: Ramp = (0.06, 0.02)
    """Share of a cut-out that shows other texture than its source (measured)."""
    structure: Ramp = (0.25, 0.50)
    """Correlation of edges under a change of style, tone or light (measured)."""
    soft_detail: Ramp = (0.75, 0.45)
    """Surviving detail in a blurred background (measured: bokeh 0.05 to 0.30)."""
    sharp_detail: Ramp = (0.50, 0.75)
    """Surviving detail on its subject (measured: 0.83 to 0.97)."""
    detail_rewritten: Ramp = (0.06, 0.15)
    """Fine detail drawn anew by another medium (measured: styles from 0.13, gradings up to 0.12)."""
    light_reach: Ramp = (0.30, 0.50)
    """Share of cells that another light must change: a spotlight still darkens the rest."""
    light_gain: Ramp = (0.02, 0.12)
    """log2 of brightness gained on the lit side over the other."""
    tone_move: Ramp = (0.8, 2.5)
    """Lab units in the asked direction."""

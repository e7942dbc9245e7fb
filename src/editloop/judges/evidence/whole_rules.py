"""What must be true of an edit of the whole picture, by edit type."""

from __future__ import annotations

import numpy as np

from editloop.judges.evidence import looks
from editloop.judges.evidence.config import Ramp
from editloop.judges.evidence.pixels import Plane, correlation, mean_in, shrink, ssim_map
from editloop.judges.evidence.scene import Scene
from editloop.judges.evidence.scoring import Axis, ramp
from editloop.judges.evidence.surroundings import change_spread, layout_evidence
from editloop.judges.intent import IntentStep, Place
from editloop.models.editors.procedural.colours import dominant_colours
from editloop.models.roles import Mask
from editloop.records.record import Box

_ASKED = Axis.INSTRUCTION

GREY_STYLES = frozenset(
    {"pencil", "charcoal", "sketch", "ink wash", "engraving", "etching", "line art", "lithograph"}
)
"""Media without colour."""

TONE_MOVES: dict[str, tuple[tuple[str, float], ...]] = {
    "warm": (("warmth_shift", 1),), "warmer": (("warmth_shift", 1),), "golden hour": (("warmth_shift", 1),),
    "sunset": (("warmth_shift", 1),), "autumn": (("warmth_shift", 1),), "fall": (("warmth_shift", 1),),
    "yellowish": (("warmth_shift", 1),), "cool": (("warmth_shift", -1),), "cooler": (("warmth_shift", -1),),
    "cold": (("warmth_shift", -1),), "colder": (("warmth_shift", -1),), "bluish": (("warmth_shift", -1),),
    "night": (("lightness_shift", -1),), "night-time": (("lightness_shift", -1),), "nighttime": (("lightness_shift", -1),),
    "night time": (("lightness_shift", -1),), "midnight": (("lightness_shift", -1),), "dusk": (("lightness_shift", -1),),
    "darker": (("lightness_shift", -1),), "dark": (("lightness_shift", -1),), "brighter": (("lightness_shift", 1),),
    "bright": (("lightness_shift", 1),), "lighter": (("lightness_shift", 1),), "winter": (("warmth_shift", -1),),
    "snowy": (("lightness_shift", 1),), "wintry": (("warmth_shift", -1),),
    "saturated": (("chroma_gain", 1),), "vivid": (("chroma_gain", 1),), "vibrant": (("chroma_gain", 1),),
    "desaturated": (("chroma_gain", -1),), "muted": (("chroma_gain", -1),),
}  # fmt: skip
"""Tone words -> measures that must move, with the direction."""
PLAIN_BACKDROPS = frozenset({"wall", "background", "backdrop", "studio"})
COLOURLESS = frozenset(
    {"black and white", "black-and-white", "monochrome", "greyscale", "grayscale", "noir"}
)


def judge_whole_change(scene: Scene, measured: dict[str, float], layout: Ramp) -> None:
    """The whole picture changed, and its shapes are still there."""
    limits = scene.config
    reach = max(
        ramp(measured["changed_frac"], limits.whole_frame_frac),
        ramp(measured["mean_difference"], limits.whole_difference),
    )
    spread = change_spread(scene.pair)
    scene.note(change_spread=spread)
    scene.check(
        "not_everywhere",
        _ASKED,
        min(reach, ramp(spread, limits.change_spread)),
        "Most of the picture stayed as it was.",
        "The whole picture changed.",
    )
    judge_same_scene(scene, layout)


def judge_same_scene(scene: Scene, layout: Ramp) -> None:
    """The shapes of the scene survived a change of look; a light or a tone takes away no part of it."""
    found = layout_evidence(scene.pair)
    if not found:
        return
    scene.note(**found)
    value = ramp(found["layout"], layout)
    if layout != scene.config.layout_of_styles:
        value = min(value, ramp(found["layout_gone"], scene.config.layout_gone))
    scene.check(
        "structure_lost",
        Axis.NATURAL,
        value,
        "The shapes of the scene were lost.",
        "The scene's shapes were kept.",
    )


def judge_style(scene: Scene, step: IntentStep) -> None:
    """Another medium: the whole picture changes, and how is checked where the medium has a signature."""
    measured = looks.tone_evidence(scene.pair) | looks.style_evidence(scene.pair)
    scene.note(**measured, identity_known=float(bool(GREY_STYLES & set(step.words))))
    judge_whole_change(scene, measured, scene.config.layout_of_styles)
    if GREY_STYLES & set(step.words) and measured["chroma_before"] > 6:
        scene.check(
            "wrong_style",
            _ASKED,
            ramp(measured["chroma_ratio"], scene.config.grey_medium),
            "It still has the colours of a photograph.",
        )
    scene.check(
        "still_a_photograph",
        _ASKED,
        ramp(measured["detail_rewritten"], scene.config.detail_rewritten),
        "It still looks like a photograph.",
        "It no longer looks like a photograph.",
    )


def judge_tone(scene: Scene, step: IntentStep) -> None:
    """Another tone: measured in the asked direction where the word has one."""
    measured = looks.tone_evidence(scene.pair)
    measured["chroma_gain"] = measured["chroma_after"] - measured["chroma_before"]
    moves = [move for word in step.words for move in TONE_MOVES.get(word, ())]
    colourless = bool(COLOURLESS & set(step.words))
    scene.note(**measured, identity_known=float(bool(moves) or colourless))
    judge_whole_change(scene, measured, scene.config.layout_of_tones)
    for name, direction in moves:
        scene.check(
            "wrong_tone",
            _ASKED,
            ramp(direction * measured[name], scene.config.tone_move),
            "The tone did not move as asked.",
            "The tone moved as asked.",
        )
    if colourless and "sepia" not in step.words:
        scene.check(
            "wrong_tone",
            _ASKED,
            ramp(measured["chroma_after"], scene.config.chroma_left),
            "There is still colour.",
            "The colour is gone.",
        )
    elif "sepia" in step.words:
        spread = float(
            np.std(scene.pair.edited_lab[..., 1]) + np.std(scene.pair.edited_lab[..., 2])
        )
        scene.check(
            "wrong_tone",
            _ASKED,
            ramp(spread, scene.config.sepia_spread),
            "It has more than one colour.",
            "It has one brown tone.",
        )


def judge_relight(scene: Scene, step: IntentStep) -> None:
    """Light grew on the asked side."""
    measured = looks.tone_evidence(scene.pair) | looks.light_evidence(scene.pair)
    scene.note(**measured)
    judge_same_scene(scene, scene.config.layout_of_tones)
    spread = change_spread(scene.pair)
    scene.note(change_spread=spread)
    scene.check(
        "light_unchanged",
        _ASKED,
        min(
            ramp(measured["mean_difference"], scene.config.whole_difference),
            ramp(spread, scene.config.light_reach),
        ),
        "The light hardly changed.",
        "The light changed.",
    )
    gains = {
        Place.LEFT: measured["light_left"], Place.RIGHT: -measured["light_left"],
        Place.TOP: measured["light_top"], Place.BOTTOM: -measured["light_top"],
    }  # fmt: skip
    if step.light_from in gains:
        scene.check(
            "wrong_light",
            _ASKED,
            ramp(gains[step.light_from], scene.config.light_gain),
            f"No light comes from the {step.light_from}.",
            f"Light comes from the {step.light_from}.",
        )


def judge_bokeh(scene: Scene, step: IntentStep) -> None:
    """One part of the picture stays sharp, the named thing among it; the other loses its detail."""
    limits = scene.config
    measured = looks.blur_evidence(scene.pair)
    scene.note(**measured)
    scene.check(
        "not_blurred",
        _ASKED,
        ramp(measured["soft_detail"], limits.soft_detail),
        "The background is as sharp as before.",
        "The background is blurred.",
    )
    scene.check(
        "subject_blurred",
        Axis.NATURAL,
        ramp(measured["sharp_detail"], limits.sharp_detail),
        "The subject lost its sharpness too.",
        "The subject is sharp.",
    )
    judge_same_scene(scene, limits.layout_of_tones)
    seen = scene.sightings(step.target) if step.target else []
    if seen:
        survival, _ = looks.detail_survival(scene.pair)
        sharpest = max(float(np.median(_middle(survival, d.box))) for d in seen)
        scene.note(named_detail=sharpest)
        scene.check(
            "wrong_object",
            _ASKED,
            ramp(sharpest, limits.sharp_detail),
            "Something else than the named thing was kept sharp.",
            identity=True,
        )


def _middle(values: Plane, box: Box) -> Plane:
    """The middle half of `box`."""
    down, across = box.height // 4, box.width // 4
    return values[box.top + down : box.bottom - down, box.left + across : box.right - across]


def judge_background(scene: Scene, step: IntentStep) -> None:
    """What stands in front is as it was, what is behind is new."""
    pair, limits = scene.pair, scene.config
    behind = pair.mask if pair.mask is not None else pair.changed
    edge = np.ones_like(behind)
    edge[4:-4, 4:-4] = False
    replaced = float(pair.changed[edge].mean())
    subject = shrink(~behind, 3)
    kept = mean_in(ssim_map(pair.source_lab[..., 0], pair.edited_lab[..., 0]), subject, default=0.0)
    moved = (
        float(np.linalg.norm(np.median((pair.edited_lab - pair.source_lab)[subject], axis=0)))
        if subject.any()
        else 99.0
    )
    same_behind = correlation(pair.source_lab[..., 0], pair.edited_lab[..., 0], behind)
    scene.note(
        border_replaced=replaced,
        subject_frac=float(subject.mean()),
        subject_similarity=kept,
        subject_shift=moved,
        behind_correlation=same_behind,
    )
    scene.check(
        "background_kept",
        _ASKED,
        min(
            ramp(replaced, limits.border_replaced),
            ramp(same_behind, limits.behind_correlation),
        ),
        "The background is still the old one.",
        "The background is new.",
    )
    if (
        len(scene.intent.operations) < 2
    ):  # else the other operation may have changed what stands in front
        _front_kept(scene, float(subject.mean()), kept, moved)
    _plain_colour(scene, step, behind)
    if step.target is not None:
        _stays_visible(scene, step)


def _front_kept(scene: Scene, share: float, similarity: float, shift: float) -> None:
    limits = scene.config
    scene.check(
        "subject_lost",
        Axis.NATURAL,
        ramp(share, limits.subject_share),
        "Nothing of the scene's front was kept.",
    )
    scene.check(
        "subject_changed",
        Axis.NATURAL,
        min(ramp(similarity, limits.subject_kept), ramp(shift, limits.subject_shift)),
        "What stands in front changed too.",
        "What stands in front was kept.",
    )


def _plain_colour(scene: Scene, step: IntentStep, behind: Mask) -> None:
    """A backdrop of one colour can be checked for it; a "green forest" cannot."""
    if not step.colours or step.result is None or not behind.any():
        return
    if step.result.head not in PLAIN_BACKDROPS | {step.colours[0]}:
        return
    # A pale paper is far from its colour's typical shade, and still called by its name.
    called = {c.name: c.share for c in dominant_colours(scene.pair.edited, behind)}
    share = max(
        looks.colour_share(scene.pair.edited, behind, step.colours[0]),
        called.get(step.colours[0], 0.0),
    )
    scene.note(colour_share=share)
    scene.check(
        "wrong_colour",
        _ASKED,
        ramp(share, scene.config.colour_share),
        f"The background is not {step.colours[0]}.",
    )


def _stays_visible(scene: Scene, step: IntentStep) -> None:
    if step.target is None:
        return
    before = max(
        (d.score for d in scene.sights.find(scene.pair.source, step.target.whole)), default=0.0
    )
    after = max(
        (d.score for d in scene.sights.find(scene.pair.edited, step.target.whole)), default=0.0
    )
    if before > 0.5:
        scene.note(target_after=after)
        scene.check(
            "subject_lost",
            _ASKED,
            ramp(after, scene.config.stays_visible),
            f"The {step.target.whole} can no longer be seen.",
            identity=True,
        )

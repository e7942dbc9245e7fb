"""What must be true of an edit of one thing, by edit type."""

from __future__ import annotations

import numpy as np

from editloop.judges.evidence.config import EvidenceConfig
from editloop.judges.evidence.looks import colour_share
from editloop.judges.evidence.naming import GENERIC
from editloop.judges.evidence.pixels import grow, make_pair
from editloop.judges.evidence.scene import Scene, box_around, texture_left
from editloop.judges.evidence.scoring import Axis, ramp
from editloop.judges.evidence.sights import Presence
from editloop.judges.evidence.surroundings import structure_kept
from editloop.judges.intent import Change, IntentStep, NounPhrase, Place
from editloop.models.roles import Mask, RgbImage
from editloop.records.record import Box

_ASKED = Axis.INSTRUCTION


def judge_remove(scene: Scene, step: IntentStep) -> None:
    """The named thing was there, and is gone."""
    area = scene.step_area(step)
    for noun in step.targets[:1]:
        _target_found(scene, area, noun)
        _gone(scene, area, noun, recoloured=True)


def judge_add(scene: Scene, step: IntentStep) -> None:
    """The named thing is there, and was not before."""
    area = scene.step_area(step)
    for noun in step.results[:1]:
        _result_found(scene, area, noun)
        before = scene.source_presence(area, noun)
        scene.note(result_before=before.detector)
        scene.check(
            "was_there_before",
            _ASKED,
            ramp(before.detector, scene.config.there_before),
            f"A {noun.whole} was already there.",
        )
        _placed(scene, area, noun)
        _coloured(scene, area, noun.colours)


def judge_replace(scene: Scene, step: IntentStep) -> None:
    """The old thing was there and is gone, the new one stands in its place."""
    area = scene.step_area(step)
    old, new = step.target, step.result
    if old is not None:
        _target_found(scene, area, old)
        if new is not None and new.whole != old.whole:
            _gone(scene, area, old, recoloured=False)
    if new is not None:
        _result_found(scene, area, new)
        _coloured(scene, area, new.colours)


def judge_adjust(scene: Scene, step: IntentStep) -> None:
    """The named thing is still there, with the asked quality."""
    area = scene.step_area(step)
    if step.target is not None:
        _target_found(scene, area, step.target)
    if step.change is not Change.MATERIAL:
        _coloured(scene, area, step.colours)
    if not (scene.intent.new_look or scene.is_shared(area)) and step.change in {
        Change.COLOUR,
        Change.MATERIAL,
        Change.PATTERN,
        Change.BRIGHTNESS,
    }:
        kept = structure_kept(scene.pair, grow(area, 4))
        scene.note(structure=kept)
        scene.check(
            "shape_lost",
            Axis.NATURAL,
            ramp(kept, scene.config.structure),
            "The thing lost its shape.",
            "Its shape was kept.",
        )
    if step.change is Change.BRIGHTNESS and area.any():
        gain = float((scene.pair.edited_lab - scene.pair.source_lab)[..., 0][area].mean())
        wanted = -1.0 if any("dark" in word for word in step.words) else 1.0
        scene.note(lightness_gain=gain)
        scene.check(
            "wrong_brightness",
            _ASKED,
            ramp(wanted * gain, scene.config.tone_move),
            "It did not get brighter or darker as asked.",
        )


def judge_generic(scene: Scene, step: IntentStep) -> None:
    """Poses, faces, lettering: no model here can read them, so only the place of the change is judged."""
    scene.note(identity_known=0.0)
    if step.target is not None:
        _target_found(scene, scene.step_area(step), step.target)


def judge_visual(scene: Scene, step: IntentStep) -> None:
    """The thing of the reference image stands where it should."""
    area = scene.step_area(step)
    if step.target is not None:
        _target_found(scene, area, step.target)
        _gone(scene, area, step.target, recoloured=False)
    if step.result is not None:
        _result_found(scene, area, step.result)
    if scene.request.references:
        like = reference_likeness(scene, area)
        scene.note(reference_likeness=like)
        scene.check(
            "unlike_reference",
            _ASKED,
            ramp(like, scene.config.reference_likeness),
            "It does not look like the reference.",
            "It looks like the reference.",
            identity=True,
        )


def reference_likeness(scene: Scene, area: Mask) -> float:
    """Best likeness of the edited area with a reference: shared colours and shared nouns, in [0, 1]."""
    crop = _cut(scene.pair.edited, box_around(area))
    best = 0.0
    for image in scene.request.references:
        small = make_pair(image, image, None, scene.config).source
        seen, wanted = scene.sights.tags_of(crop), scene.sights.tags_of(small)
        first, second = (np.sqrt(np.array(list(tags.values()))) for tags in (seen, wanted))
        nouns = float(first @ second / max(1e-6, np.linalg.norm(first) * np.linalg.norm(second)))
        best = max(best, 0.5 * nouns + 0.5 * _shared_colours(crop, small))
    return best


def _shared_colours(first: RgbImage, second: RgbImage) -> float:
    shares = []
    for image in (first, second):
        pixels = image.reshape(-1, 3)
        pixels = pixels[pixels.min(axis=1) < 245]
        cells = (pixels // 43).astype(np.int64) @ np.array([1, 6, 36])
        shares.append(np.bincount(cells, minlength=216) / max(1, len(cells)))
    return float(np.minimum(*shares).sum())


def _cut(image: RgbImage, box: Box) -> RgbImage:
    return image[box.top : box.bottom, box.left : box.right]


def convincing(config: EvidenceConfig, presence: Presence) -> float:
    """How far a presence convinces: any channel will do, the rank alone only half where a class is known."""
    by_class = ramp(presence.strength, config.present)
    by_rank = ramp(presence.rank, config.rank)
    return max(by_class, by_rank if not presence.known else 0.75 * by_rank)


def _target_found(scene: Scene, area: Mask, noun: NounPhrase) -> None:
    if noun.whole in GENERIC:
        scene.note(identity_known=0.0)
        return
    presence = scene.source_presence(area, noun)
    value = convincing(scene.config, presence)
    scene.note(
        identity_known=presence.known,
        target_detector=presence.detector,
        target_tagger=presence.tagger,
        target_rank=presence.rank,
    )
    scene.check(
        "target_not_found",
        _ASKED,
        value,
        f"The change is not on a {noun.whole}.",
        f"The change is on the {noun.whole}.",
        identity=True,
    )
    seen = scene.sightings(noun)
    if seen and area.any():
        inside = max(
            float(area[d.box.top : d.box.bottom, d.box.left : d.box.right].sum() / area.sum())
            for d in seen
        )
        scene.note(target_overlap=inside)
        scene.check(
            "wrong_object",
            _ASKED,
            ramp(inside, scene.config.overlap),
            f"Another thing than the {noun.whole} was edited.",
            identity=True,
        )


def _gone(scene: Scene, area: Mask, noun: NounPhrase, *, recoloured: bool) -> None:
    """`recoloured`: a thing of another colour is still the thing (a removal), not its successor (a replacement)."""
    after = scene.edited_presence(area, noun)
    region = scene.region if len(scene.intent.operations) < 2 else area
    left = texture_left(scene.pair, region, recoloured=recoloured)
    scene.note(target_after=after.detector, texture_left=left)
    scene.check(
        "still_there",
        _ASKED,
        ramp(after.detector, scene.config.still_there),
        f"The {noun.whole} can still be seen.",
        f"The {noun.whole} is gone.",
    )
    scene.check(
        "partly_left",
        _ASKED,
        ramp(left, scene.config.residue),
        f"Part of the {noun.whole} is left.",
    )
    covered = _coverage(scene, area, noun)
    if covered is not None:
        scene.note(target_coverage=covered)
        scene.check(
            "partly_left",
            _ASKED,
            ramp(covered, scene.config.coverage),
            f"Only part of the {noun.whole} was changed.",
        )


def _coverage(scene: Scene, area: Mask, noun: NounPhrase) -> float | None:
    """Changed share of the named thing's box in the source; None where no such thing was surely seen."""
    shares = [
        float(area[d.box.top : d.box.bottom, d.box.left : d.box.right].mean())
        for d in scene.sightings(noun)
    ]
    return max(shares) if shares else None


def _result_found(scene: Scene, area: Mask, noun: NounPhrase) -> None:
    if noun.whole in GENERIC:
        scene.note(identity_known=0.0)
        return
    presence = scene.edited_presence(area, noun)
    scene.note(
        identity_known=presence.known,
        result_detector=presence.detector,
        result_tagger=presence.tagger,
        result_rank=presence.rank,
    )
    scene.check(
        "result_not_found",
        _ASKED,
        convincing(scene.config, presence),
        f"No {noun.whole} can be seen there.",
        f"A {noun.whole} can be seen there.",
        identity=True,
    )


def _coloured(scene: Scene, area: Mask, colours: tuple[str, ...]) -> None:
    if not colours or not area.any():
        return
    share = colour_share(scene.pair.edited, area, colours[0])
    gain = share - colour_share(scene.pair.source, area, colours[0])
    shared = scene.is_shared(area) or scene.intent.new_look
    scene.note(colour_share=share, colour_gain=gain)
    scene.check(
        "wrong_colour",
        _ASKED,
        ramp(gain, scene.config.colour_gain) if shared else ramp(share, scene.config.colour_share),
        f"It is not {colours[0]}.",
        f"It is {colours[0]}.",
    )


def _placed(scene: Scene, area: Mask, noun: NounPhrase) -> None:
    if not area.any():
        return
    rows, columns = np.nonzero(area)
    across, down = float(columns.mean() / area.shape[1]), float(rows.mean() / area.shape[0])
    towards = {Place.LEFT: 1 - across, Place.RIGHT: across, Place.TOP: 1 - down, Place.BOTTOM: down}
    wanted = [towards[place] for place in noun.places if place in towards]
    scene.note(place_across=across, place_down=down)
    if wanted and not noun.landmark:
        scene.check(
            "wrong_place",
            _ASKED,
            ramp(min(wanted), scene.config.placed),
            "It stands in another place than asked.",
            "It stands in the asked place.",
        )

"""What the oracle knows about a case before it looks at an edited picture: drawn once, then kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from editloop.models.roles import Mask
from editloop.world.cases import Case, Change
from editloop.world.changes import apply_changes
from editloop.world.oracle.pixels import (
    Pixels,
    Plane,
    Reference,
    as_pixels,
    distance,
    error,
    grain_view,
    grown,
    reach_of,
    reference,
)
from editloop.world.render import object_alpha, object_mask, render
from editloop.world.scenes import Scene

SEEN = 0.03
"""A pixel whose two versions differ by less counts as unchanged."""
_FAINTEST = 1e-6


@dataclass(frozen=True)
class Step:
    """One elementary change that a goal consists of."""

    change: Change
    number: int
    """Place in the changes of the goal."""
    without: Reference
    """The goal as it looks when this change alone is left out."""
    region: Mask
    """Where the two differ, and one pixel around."""
    parts: tuple[Mask, ...]
    """Where objects have to vanish: a white sheet with the wrong thing left on it is no extraction, however large the sheet."""
    contrast: float
    """Sum of the errors between the two over `region`: the length of the way that an editor has to go."""


@dataclass(frozen=True)
class Goal:
    """One result that a fair person accepts."""

    scene: Scene
    changes: tuple[Change, ...]
    look: Reference
    steps: tuple[Step, ...]
    stays: Mask
    """Pixels that no change touches."""
    new_look: bool
    """Whether style, tone, light, focus or wear of the whole picture change."""


@dataclass(frozen=True)
class Easel:
    """Draws scenes in the view in which the pictures of one case are compared."""

    size: int
    grainy: bool
    """Whether a right answer is noisy, so that pictures are compared by `grain_view`."""

    def view(self, pixels: Pixels) -> Pixels:
        """`pixels` as they are compared."""
        return grain_view(pixels) if self.grainy else pixels

    def picture(self, scene: Scene) -> Pixels:
        """A scene in this view."""
        return self.view(as_pixels(render(scene, self.size)))

    def cover(self, scene: Scene, index: int) -> Plane:
        """How much of each pixel shows that object, 0..1."""
        return object_alpha(scene, index, self.size)

    def drawn(self, scene: Scene) -> Reference:
        """A scene in this view, to compare pictures with."""
        return reference(self.picture(scene))


@dataclass(frozen=True)
class Truth:
    """Drawn pictures of one case at one size."""

    case: Case
    easel: Easel
    source: Reference
    goals: tuple[Goal, ...]

    @cached_property
    def objects(self) -> tuple[Mask, ...]:
        """Visible pixels of each object of the source."""
        scene = self.case.source
        return tuple(
            object_mask(scene, index, self.easel.size) for index in range(len(scene.objects))
        )


@lru_cache(maxsize=128)
def truth_of(case: Case, size: int) -> Truth:
    """The pictures that edits of `case` are compared with, `size` pixels square."""
    easel = Easel(size, grainy=any(target.wear == "noise" for target in case.targets))
    source = easel.drawn(case.source)
    goals = tuple(_goal(case, target, easel, source) for target in case.targets)
    return Truth(case, easel, source, goals)


def changes_towards(case: Case, target: Scene) -> tuple[Change, ...] | None:
    """The changes that lead to one of the case's targets; None when no choice of object explains it.

    `Case.changes` describes the intended target; the others differ in which object was meant.
    """
    if apply_changes(case.source, case.changes) == target:
        return case.changes
    for number, change in enumerate(case.changes):
        for index in range(len(case.source.objects)):
            if change.object_index in (None, index):
                continue
            meant = replace(change, object_index=index)
            other = (*case.changes[:number], meant, *case.changes[number + 1 :])
            if apply_changes(case.source, other) == target:
                return other
    return None


def _goal(case: Case, target: Scene, easel: Easel, source: Reference) -> Goal:
    look = easel.drawn(target)
    gone = tuple(
        object_mask(case.source, index, easel.size)
        for index, thing in enumerate(case.source.objects)
        if target.background == "paper" and thing not in target.objects
    )
    changes = changes_towards(case, target)
    if changes is None:
        changes = case.changes
        steps = [_step(look, changes[0], 0, source, gone)]
    else:
        steps = []
        for number, change in enumerate(changes):
            others = changes[:number] + changes[number + 1 :]
            without = easel.drawn(apply_changes(case.source, others)) if others else source
            steps.append(_step(look, change, number, without, gone))
    visible = tuple(step for step in steps if step.contrast > _FAINTEST)
    differs = distance(source.exact, look) > SEEN
    stays = ~grown(differs, reach_of(easel.size))
    return Goal(target, changes, look, visible, stays, _looks(target) != _looks(case.source))


def _looks(scene: Scene) -> tuple[str | int | None, ...]:
    return scene.style, scene.tone, scene.light, scene.focus, scene.wear


def _step(
    look: Reference, change: Change, number: int, without: Reference, gone: tuple[Mask, ...]
) -> Step:
    gap = distance(without.exact, look)
    region = grown(gap > SEEN, reach_of(len(gap)))
    parts = tuple(mask & region for mask in gone if (mask & region).any())
    return Step(
        change, number, without, region, parts, float(error(without.exact, look)[region].sum())
    )

"""Plants the flaws that real edit data has into storybook edits.

Machine-made triplets fail in a few ways again and again: nothing happened, the wrong thing changed, more changed than was
asked, or the picture lost quality on the way (the failure classes that NHR-Edit, arXiv 2507.14119, and Multi-Reward as
Condition, arXiv 2411.04713, filter or describe). Here each way is a function of a case and a generator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from editloop.core.errors import UnknownNameError, UsageError
from editloop.core.registry import did_you_mean
from editloop.models.roles import RgbImage
from editloop.world.cases import Case
from editloop.world.choices import SIZES, chance, pick
from editloop.world.misedits import (
    Misedit,
    on_wrong_objects,
    over_edits,
    untouched_objects,
    with_wrong_attributes,
)
from editloop.world.render import object_alpha, render
from editloop.world.render.looks import blurred
from editloop.world.render.palette import FloatImage
from editloop.world.scenes import SceneObject

FLAWS: tuple[str, ...] = (
    "no_op",
    "wrong_object",
    "wrong_attribute",
    "over_edit",
    "identity_drift",
    "artefacts",
    "blur",
    "colour_shift",
)
"""Names of the flaws that `corrupt` can make."""
_TRIES = 12
_SEEN_STEP = 20
_SEEN_SHARE = 0.008
"""A difference counts where this share of the pixels has a channel that moved by more than `_SEEN_STEP`: eight pixels of a 32 px picture."""
_DAMAGED_SHARE = 0.03
"""Artefacts that cover less than this share of the picture pass for texture."""
_CASTS = np.array(
    [
        [1.25, 1.0, 0.7],
        [0.7, 1.0, 1.25],
        [0.75, 1.2, 0.8],
        [1.2, 0.75, 1.15],
        [1.15, 1.15, 0.6],
        [0.65, 1.15, 1.15],
    ],
    np.float32,
)
"""Gains of red, green and blue: warm, cold, green, magenta, yellow, cyan."""
Patch: TypeAlias = NDArray[np.floating[Any]]


def corrupt(case: Case, flaw: str, rng: Generator, size: int = 32) -> RgbImage:
    """The picture that a flawed editor returns for `case`.

    Args:
        case: What was asked; where it has several right results, the flaw is built on one of them.
        flaw: One of `FLAWS`.
        rng: Draws what the flaw leaves open; the picture is a function of its state.
        size: Side of the picture, pixels.

    Returns:
        A picture, shape (size, size, 3), that visibly differs from every right result.

    Raises:
        UnknownNameError: `flaw` is not one of `FLAWS`.
        UsageError: The flaw makes no sense for this case, as a wrong object in an edit of the whole picture.
    """
    if flaw not in _MAKERS:
        hint = did_you_mean(flaw, list(FLAWS))
        raise UnknownNameError(f"no flaw is called {flaw!r}{hint} known: {', '.join(FLAWS)}")
    picture = _first_visible(_Exam.of(case, size), flaw, rng)
    if picture is None:
        possible = ", ".join(applicable_flaws(case, size)) or "none"
        raise UsageError(
            f"case {case.id} ({case.edit_type}) cannot show the flaw {flaw!r}; it can show: {possible}"
        )
    return picture


def applicable_flaws(case: Case, size: int = 32) -> tuple[str, ...]:
    """The flaws that `corrupt` can make of this case, in the order of `FLAWS`."""
    exam, rng = _Exam.of(case, size), np.random.default_rng(0)
    return tuple(flaw for flaw in FLAWS if _first_visible(exam, flaw, rng) is not None)


def visibly_different(first: RgbImage, second: RgbImage, share: float = _SEEN_SHARE) -> bool:
    """Whether a person would see a difference: at least that share of the pixels far enough apart."""
    step = np.abs(first.astype(np.int16) - second).max(axis=-1)
    return float(np.mean(step > _SEEN_STEP)) >= share


class _Exam(NamedTuple):
    """A case with the pictures that a flaw must not be taken for."""

    case: Case
    source: RgbImage
    targets: tuple[RgbImage, ...]

    @classmethod
    def of(cls, case: Case, size: int) -> _Exam:
        return cls(case, render(case.source, size), tuple(render(t, size) for t in case.targets))

    @property
    def size(self) -> int:
        return int(self.source.shape[0])

    def a_target(self, rng: Generator) -> FloatImage:
        return pick(rng, self.targets).astype(np.float32)


def _first_visible(exam: _Exam, flaw: str, rng: Generator) -> RgbImage | None:
    # A misreading that by chance changes nothing is a no-op.
    taken = (*exam.targets, exam.source) if flaw in _MISREADINGS else exam.targets
    for picture in _MAKERS[flaw](exam, rng):
        if all(visibly_different(picture, other) for other in taken):
            return picture
    return None


def _no_op(exam: _Exam, _rng: Generator) -> Iterator[RgbImage]:
    yield exam.source


def _wrong_object(exam: _Exam, rng: Generator) -> Iterator[RgbImage]:
    return _drawn(on_wrong_objects(exam.case, rng), rng, exam.size)


def _wrong_attribute(exam: _Exam, rng: Generator) -> Iterator[RgbImage]:
    return _drawn(with_wrong_attributes(exam.case, rng), rng, exam.size)


def _over_edit(exam: _Exam, rng: Generator) -> Iterator[RgbImage]:
    return _drawn(over_edits(exam.case, pick(rng, exam.case.targets), rng), rng, exam.size)


def _drawn(misedits: list[Misedit], rng: Generator, size: int) -> Iterator[RgbImage]:
    for position in rng.permutation(len(misedits)):
        yield render(misedits[position].result(), size)


def _identity_drift(exam: _Exam, rng: Generator) -> Iterator[RgbImage]:
    """The bystanders, or the only object there is, come out a little elsewhere, larger, smaller, paler or darker."""
    target = pick(rng, exam.case.targets)
    drifting = untouched_objects(exam.case, target) or list(range(len(target.objects)))
    for _ in range(_TRIES if drifting else 0):
        objects = list(target.objects)
        for index in drifting:
            objects[index] = _drifted(objects[index], rng)
        scene = replace(target, objects=tuple(objects))
        pixels = render(scene, exam.size).astype(np.float32)
        for index in drifting:
            if chance(rng, 0.5):
                gain = pick(rng, (0.7, 0.8, 1.2, 1.3))
                pixels *= 1 + (gain - 1) * object_alpha(scene, index, exam.size)[..., None]
        yield _rounded(pixels)


def _drifted(thing: SceneObject, rng: Generator) -> SceneObject:
    along, down = (pick(rng, (-1, 1)) * rng.uniform(0.025, 0.06) for _ in range(2))
    size = thing.size
    if chance(rng, 0.3):
        step = pick(rng, (-1, 1))
        size = SIZES[min(max(SIZES.index(size) + step, 0), len(SIZES) - 1)]
    return replace(thing, size=size, dx=thing.dx + along, dy=thing.dy + down)


def _artefacts(exam: _Exam, rng: Generator) -> Iterator[RgbImage]:
    """Local damage in one to three patches: smeared rows, coarse blocks or coloured grain."""
    size, target = exam.size, pick(rng, exam.targets)
    for _ in range(_TRIES):
        pixels = target.astype(np.float32)
        for _ in range(1 + int(rng.integers(3))):
            height, width = rng.integers(round(0.2 * size), round(0.42 * size) + 1, 2)
            top, left = rng.integers(size - height + 1), rng.integers(size - width + 1)
            patch = pixels[top : top + height, left : left + width]
            patch[:] = pick(rng, (_smeared, _blocky, _grainy))(patch, rng)
        marred = _rounded(pixels)
        if visibly_different(marred, target, _DAMAGED_SHARE):
            yield marred


def _smeared(patch: Patch, rng: Generator) -> Patch:
    axis = int(rng.integers(2))
    return np.asarray(0.85 * patch.mean(axis=axis, keepdims=True) + 0.15 * patch)


def _blocky(patch: Patch, rng: Generator) -> Patch:
    cell = max(2, round(min(patch.shape[:2]) / 2.5))
    rows, columns = (np.arange(length) // cell * cell for length in patch.shape[:2])
    return np.asarray(patch[rows[:, None], columns] + rng.normal(0, 18, 3))


def _grainy(patch: Patch, rng: Generator) -> Patch:
    return patch + rng.normal(0, 48, patch.shape)


def _blur(exam: _Exam, rng: Generator) -> Iterator[RgbImage]:
    target = exam.a_target(rng)
    for _ in range(_TRIES):
        yield _rounded(blurred(target, pick(rng, (0.025, 0.03, 0.036, 0.044))))


def _colour_shift(exam: _Exam, rng: Generator) -> Iterator[RgbImage]:
    target = exam.a_target(rng)
    for _ in range(_TRIES):
        cast = 1 + (_CASTS[rng.integers(len(_CASTS))] - 1) * rng.uniform(0.6, 1.1)
        yield _rounded(target * cast + 24 * (cast - 1))


def _rounded(pixels: Patch) -> RgbImage:
    return np.asarray(np.clip(pixels, 0, 255) + 0.5, np.uint8)


_MISREADINGS = frozenset({"wrong_object", "wrong_attribute"})
_MAKERS: dict[str, Callable[[_Exam, Generator], Iterator[RgbImage]]] = {
    "no_op": _no_op,
    "wrong_object": _wrong_object,
    "wrong_attribute": _wrong_attribute,
    "over_edit": _over_edit,
    "identity_drift": _identity_drift,
    "artefacts": _artefacts,
    "blur": _blur,
    "colour_shift": _colour_shift,
}
"""Draws tries at each flaw, some of which may not show; none where the flaw makes no sense."""

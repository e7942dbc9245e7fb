"""Drawn alternatives to a picture, and how near another picture comes to each of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from editloop.models.roles import Mask
from editloop.world.oracle.counterparts import Counterpart
from editloop.world.oracle.pixels import (
    Pixels,
    Reference,
    distance,
    grown,
    reach_of,
    reference,
    softened,
)
from editloop.world.oracle.truth import SEEN, Easel


class Sight(NamedTuple):
    """An edited picture, ready to be compared."""

    image: Pixels
    drift: Pixels | None = None
    """How far the source that was edited lies from the drawn one; None where it is the drawn one."""
    soft: bool = False
    """Whether the picture is blurred, so that what it shows is looked for in blurred drawings."""

    def like(self, look: Reference) -> Reference:
        """A drawing as this picture would show it."""
        return (softened(look) if self.soft else look).shifted(self.drift)

    def within(self, window: tuple[slice, slice]) -> Sight:
        """A part of the picture."""
        drift = None if self.drift is None else self.drift[window]
        return Sight(self.image[window], drift, self.soft)


class Alternatives(NamedTuple):
    """Alternatives to a picture, cut to the window in which any of them differs from it."""

    named: tuple[Counterpart, ...]
    looks: Reference
    """Stack of cut pictures, shape (alternatives, rows, columns, 3)."""
    window: tuple[slice, slice]
    region: Mask
    """Inside the window: where any of them differs."""

    def gaps(self, sight: Sight) -> NDArray[np.float32]:
        """Distance of a picture from each alternative, summed over the region, shape (alternatives,)."""
        part = sight.within(self.window)
        planes = distance(part.image, part.like(self.looks))
        return np.asarray(planes[:, self.region].sum(axis=1), np.float32)

    def gap(self, sight: Sight, to: Reference) -> float:
        """Distance of a picture from any other whole picture over the same region."""
        part = sight.within(self.window)
        near = part.like(Reference(*(values[self.window] for values in to)))
        return float(distance(part.image, near)[self.region].sum())


def drawn_alternatives(
    named: tuple[Counterpart, ...], easel: Easel, plain: Reference, region: Mask | None = None
) -> Alternatives:
    """Draws alternatives to the picture `plain`, cut to where they differ from it or `region` is set."""
    looks = np.stack([_drawn(other, easel) for other in named])
    differs = np.abs(looks - plain.exact).max(axis=(0, -1)) > SEEN
    differs = grown(differs, reach_of(easel.size))
    if region is not None:
        differs |= region
    rows, columns = (np.flatnonzero(differs.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        rows = columns = np.zeros(1, np.intp)
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    whole = reference(looks)
    cut = Reference(*(part[(slice(None), *window)] for part in whole))
    return Alternatives(named, cut, window, differs[window])


def _drawn(other: Counterpart, easel: Easel) -> Pixels:
    picture = easel.picture(other.scene)
    if other.shade is None:
        return picture
    cover = easel.cover(other.scene, other.shade.index)
    return np.asarray(picture * (1 + (other.shade.gain - 1) * cover[..., None]), np.float32)


def look_of(other: Counterpart, easel: Easel) -> Reference:
    """One alternative as a whole picture."""
    return reference(_drawn(other, easel))

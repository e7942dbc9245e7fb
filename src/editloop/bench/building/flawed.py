"""Storybook data sets of known quality: a share of the triplets carries a flaw, the rest is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from numpy.random import Generator

from editloop.bench.building.storybook import SIZE
from editloop.core.errors import UsageError
from editloop.core.images import encode_png
from editloop.core.seeds import generator
from editloop.models.roles import RgbImage
from editloop.records.formats import export
from editloop.records.formats.image_bytes import describe
from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Origin, Provenance, Step
from editloop.records.record import EditRecord, record_id
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Split
from editloop.world.corruptors import applicable_flaws, corrupt
from editloop.world.imperfect import FLAW_SHARES
from editloop.world.render import render
from editloop.world.sampling import EDIT_TYPES, cases

RECIPE: Final = "storybook-of-known-quality"
SINGLE: Final = tuple(
    kind for kind in EDIT_TYPES if not kind.is_dialogue and kind is not EditType.VISUAL
)
"""Single instructions without a reference image."""


def build_flawed(
    out: Path,
    count: int,
    flawed_share: float,
    *,
    seed: int = 0,
    split: Split = "held_out",
    edit_types: Sequence[EditType] = SINGLE,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Write a data set of `count` triplets as Parquet, the given share of them flawed.

    Flaws are drawn with the weights of `world.imperfect.FLAW_SHARES` among those that a case can show. Two data sets of one
    seed hold the same cases, and the flawed ones of the better set are among those of the worse.

    Args:
        out: Folder of the data set; replaced when it is an older one.
        count: Number of triplets.
        flawed_share: In [0, 1].
        seed: Of cases and flaws.
        split: Of the storybook world.
        edit_types: Dealt out in turn.
        progress: Told how many are made.

    Returns:
        Flaw, or ``right`` -> number of triplets.

    Raises:
        UsageError: the share is outside [0, 1].
    """
    if not 0 <= flawed_share <= 1:
        raise UsageError(f"the share of flawed triplets lies between 0 and 1, got {flawed_share}")
    images: dict[str, bytes] = {}
    counts: Counter[str] = Counter()
    records = []

    def kept(pixels: RgbImage) -> ImageRef:
        data = encode_png(pixels)
        ref = describe(data)
        images[ref.sha256] = data
        return ref

    for place, case in enumerate(cases(seed, count, split, edit_types)):
        rng = generator(seed, "flaw", case.id)
        target, flaw = _target(case, rng, flawed_share)
        counts[flaw or "right"] += 1
        source = kept(render(case.source, SIZE))
        records.append(_record(case, source, kept(target), flaw, seed))
        if progress is not None:
            progress(place + 1, count)
    export(records, lambda ref: images[ref.sha256], out, "parquet")
    return dict(counts.most_common())


def _target(case: Case, rng: Generator, share: float) -> tuple[RgbImage, str | None]:
    if rng.random() < share:
        possible = [flaw for flaw in applicable_flaws(case) if flaw in FLAW_SHARES]
        weights = [FLAW_SHARES[flaw] for flaw in possible]
        if possible:
            flaw = str(rng.choice(possible, p=[weight / sum(weights) for weight in weights]))
            try:
                return corrupt(case, flaw, rng, SIZE), flaw
            except UsageError:  # this draw of the flaw does not show
                pass
    return render(case.target, SIZE), None


def _record(
    case: Case, source: ImageRef, target: ImageRef, flaw: str | None, seed: int
) -> EditRecord:
    return EditRecord(
        id=record_id(source.sha256, RECIPE, f"{case.id}/{target.sha256}", seed),
        source=source,
        instruction=case.instruction,
        edit_type=case.edit_type,
        target=target,
        provenance=Provenance(
            recipe=RECIPE,
            recipe_version="1",
            run_seed=seed,
            origin=Origin(name=case.id, collection="storybook", licence="CC0-1.0"),
            steps=(
                Step(stage="flaw", version="1", seed=seed, parameters={"flaw": flaw or "none"}),
            ),
        ),
    )

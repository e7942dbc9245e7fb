"""A small run of the recipe with actors whose faults are planted, and triplets to feed single stages with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.mine.nhr.actors import Drawer, Knower, Lenient, Retoucher, Troupe

from editloop.judges.registry import JUDGES
from editloop.mine.nhr.recipe import NhrRecipe
from editloop.models import REGISTRIES

SETTINGS = {
    "seed": 3,
    "prompts": {"count": 4, "edits": 3},
    "draw": {"generator": "test:drawer", "images": 3},
    "tries": {"editor": "test:retoucher", "tries": 3},
    "soft_filter": {"judge": "test:lenient"},
    "validator": {"judge": "test:knower"},
    "consistency": {"judge": "test:knower"},
}


@pytest.fixture
def recipe() -> NhrRecipe:
    return NhrRecipe.model_validate(SETTINGS)


@pytest.fixture
def troupe(recipe: NhrRecipe, monkeypatch: pytest.MonkeyPatch) -> Iterator[Troupe]:
    """The actors of `recipe`, registered for one test."""
    troupe = Troupe.of(recipe.inputs())
    for registry, name, actor in (
        (REGISTRIES["generator"], "test:drawer", Drawer(troupe)),
        (REGISTRIES["editor"], "test:retoucher", Retoucher(troupe)),
        (JUDGES, "test:knower", Knower(troupe)),
        (JUDGES, "test:lenient", Lenient()),
    ):
        monkeypatch.setitem(registry._entries, name, lambda actor=actor: actor)  # type: ignore[attr-defined]
    return troupe

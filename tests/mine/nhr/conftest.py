"""A small run of the recipe with actors whose faults are planted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.mine.nhr.actors import Drawer, Knower, Lenient, Retoucher, Troupe

from editloop.engine import RunResult
from editloop.judges.registry import JUDGES
from editloop.mine.nhr.recipe import NhrRecipe
from editloop.mine.nhr.run import mine_nhr
from editloop.models import REGISTRIES

SETTINGS = {
    "seed": 3,
    "prompts": {"count": 3, "edits": 3},
    "draw": {"generator": "test:drawer", "images": 3},
    "tries": {"editor": "test:retoucher", "tries": 3},
    "soft_filter": {"judge": "test:lenient"},
    "validator": {"judge": "test:knower"},
    "consistency": {"judge": "test:knower"},
}


@pytest.fixture(scope="session")
def recipe() -> NhrRecipe:
    return NhrRecipe.model_validate(SETTINGS)


@pytest.fixture(scope="session")
def troupe(recipe: NhrRecipe) -> Iterator[Troupe]:
    """The actors of `recipe`, registered while tests of this folder run."""
    troupe = Troupe.of(recipe.inputs())
    with pytest.MonkeyPatch.context() as patch:
        for registry, name, actor in (
            (REGISTRIES["generator"], "test:drawer", Drawer(troupe)),
            (REGISTRIES["editor"], "test:retoucher", Retoucher(troupe)),
            (JUDGES, "test:knower", Knower(troupe)),
            (JUDGES, "test:lenient", Lenient()),
        ):
            patch.setitem(registry._entries, name, lambda actor=actor: actor)  # type: ignore[attr-defined]
        yield troupe


@pytest.fixture(scope="session")
def mined(recipe: NhrRecipe, troupe: Troupe) -> Iterator[RunResult]:
    """The run that most tests look at."""
    with mine_nhr(None, recipe, in_process=True) as result:
        yield result

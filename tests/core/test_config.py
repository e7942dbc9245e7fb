from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from editloop.core.config import Config, dump_config, load_config, override
from editloop.core.errors import ConfigError


class Filter(Config):
    min_side_px: int = 256
    kinds: tuple[str, ...] = ("add",)


class Recipe(Config):
    seed: int = 0
    filter: Filter = Filter()
    extra: Filter | None = None
    by_type: dict[str, Filter] = Field(default={})


def test_defaults_file_and_settings_in_this_order(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("seed: 3\nfilter:\n  min_side_px: 300\n")
    config = load_config(Recipe, path, ["filter.min_side_px=512", "filter.kinds=[remove, add]"])
    assert config == Recipe(seed=3, filter=Filter(min_side_px=512, kinds=("remove", "add")))
    assert load_config(Recipe) == Recipe()
    assert override(Recipe, config, ["seed=4"]).filter == config.filter


def test_the_resolved_configuration_reads_back_equal(tmp_path: Path) -> None:
    config = Recipe(seed=9, by_type={"add": Filter(min_side_px=1)})
    (tmp_path / "saved.yaml").write_text(dump_config(config))
    assert load_config(Recipe, tmp_path / "saved.yaml") == config


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("sed=1", r"no setting is called 'sed'; did you mean 'seed'\?"),
        (
            "filter.min_side=1",
            r"'filter.min_side'; did you mean 'min_side_px'\?; known: kinds, min",
        ),
        ("extra.kind=[a]", r"'extra.kind'; did you mean 'kinds'\?"),
        ("by_type.add.min_side=1", r"did you mean 'min_side_px'\?"),
        ("seed=many", "seed: Input should be a valid integer.*got 'many'"),
        ("seed.deep=1", "seed is 0, which has no keys"),
        ("seed", "expected name=value"),
        ("=1", "expected name=value"),
        ("seed=[1", "cannot read the value"),
    ],
)
def test_a_wrong_setting_is_explained(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        override(Recipe, Recipe(), [setting])


@pytest.mark.parametrize(
    ("text", "message"), [("- a\n", "holds a list"), ("a: [", "is not YAML"), (None, "cannot read")]
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(Recipe, path)


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").touch()
    assert load_config(Recipe, tmp_path / "empty.yaml") == Recipe()

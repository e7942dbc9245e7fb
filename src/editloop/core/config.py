"""Typed configurations: from a function, from a YAML file, and with `--set a.b=c` on top.

class Filter(Config):
    min_side_px: int = 256

config = load_config(Filter, Path("filter.yaml"), ["min_side_px=512"])
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from editloop.core.errors import ConfigError
from editloop.core.registry import did_you_mean


class Config(BaseModel):
    """Base of configurations: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


SomeConfig = TypeVar("SomeConfig", bound=BaseModel)


def load_config(
    kind: type[SomeConfig], path: Path | None = None, overrides: Sequence[str] = ()
) -> SomeConfig:
    """The configuration of a YAML file (or all defaults), with overrides.

    Args:
        kind: The configuration's type.
        path: YAML file.
        overrides: Settings of the form ``a.b=c``; the value is read as YAML.

    Raises:
        ConfigError: naming the key, what it was given and what it takes; for an unknown key the nearest known one.
    """
    return override(kind, _read_yaml(path) if path else {}, overrides)


def override(
    kind: type[SomeConfig], base: SomeConfig | dict[str, Any], overrides: Sequence[str]
) -> SomeConfig:
    """`base` with overrides of the form ``a.b=c``.

    Raises:
        ConfigError: as `load_config`.
    """
    values = base.model_dump(mode="json") if isinstance(base, BaseModel) else dict(base)
    for setting in overrides:
        keys, value = _parse(setting)
        _set(values, keys, value)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise ConfigError(
            "\n".join(_explain(kind, problem) for problem in error.errors())
        ) from error


def dump_config(config: BaseModel) -> str:
    """The resolved configuration as YAML that `load_config` reads back equal."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds a {type(values).__name__}, expected keys and values")
    return values


def _parse(setting: str) -> tuple[list[str], Any]:
    name, separator, text = setting.partition("=")
    keys = name.strip().split(".")
    if not separator or not all(keys):
        raise ConfigError(
            f"cannot read the setting {setting!r}: expected name=value, with dots inside a name"
        )
    try:
        return keys, yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"cannot read the value of {setting!r}: {error}") from error


def _set(values: dict[str, Any], keys: list[str], value: Any) -> None:
    for depth, key in enumerate(keys[:-1]):
        if values.get(key) is None:
            values[key] = {}
        below = values[key]
        if not isinstance(below, dict):
            raise ConfigError(
                f"cannot set {'.'.join(keys)}: {'.'.join(keys[: depth + 1])} is {below!r}, which has no keys"
            )
        values = below
    values[keys[-1]] = value


def _explain(kind: type[BaseModel], problem: Any) -> str:
    path = [str(part) for part in problem["loc"]]
    if problem["type"] == "extra_forbidden":
        known = sorted(_fields(kind, path[:-1]))
        near = did_you_mean(path[-1], known)
        return f"no setting is called {'.'.join(path)!r}{near}; known: {', '.join(known)}"
    given = "" if problem["type"] == "missing" else f", got {problem['input']!r}"
    return f"{'.'.join(path) or kind.__name__}: {problem['msg']}{given}"


def _fields(kind: Any, path: Sequence[str]) -> set[str]:
    """Keys below `path`, as far as the types tell."""
    models = _models(kind)
    for key in path:
        fields = [
            model.model_fields[key].annotation for model in models if key in model.model_fields
        ]
        models = [found for field in fields for found in _models(field)] if fields else models
    return {name for model in models for name in model.model_fields}


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models inside an annotation such as ``A | None`` or ``dict[str, A]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, dict, list, tuple):
        return [model for part in get_args(annotation) for model in _models(part)]
    return []
